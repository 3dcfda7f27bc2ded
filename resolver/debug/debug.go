// Package debug shows what a resolver knows and does, on a page:
//
//	http.Handle("/debug/azaffinity", debug.Handler(r))
//
// It shows where a process's calls go and why, with the names of its endpoints: serve
// it where the process's other debugging pages are, and not to the public.
//
// It is a package of its own since it brings net/http and html/template.
package debug

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// Handler serves the resolver's [resolver.Snapshot]: to browsers, which ask for
// text/html, as a page that needs nothing from elsewhere, and to others, or with
// ?format=json, as JSON. It is safe for concurrent use, and serves a nil resolver,
// too, which is one that is switched off.
func Handler(r *resolver.Resolver) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		snapshot := r.Snapshot()
		var body bytes.Buffer // so that an error is not half a page
		contentType, err := "application/json", error(nil)
		if wantsPage(req) {
			contentType, err = "text/html; charset=utf-8", page.Execute(&body, view{snapshot, time.Now()})
		} else {
			encoder := json.NewEncoder(&body)
			encoder.SetIndent("", "  ")
			err = encoder.Encode(snapshot)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write(body.Bytes())
	})
}

func wantsPage(req *http.Request) bool {
	switch req.URL.Query().Get("format") {
	case "json":
		return false
	case "html":
		return true
	}
	return strings.Contains(req.Header.Get("Accept"), "text/html")
}

//go:embed page.html
var source string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"reasons": func(m map[resolver.Reason]uint64) []row { return rows(m, resolver.Reason.String) },
	"causes":  func(m map[resolver.Cause]uint64) []row { return rows(m, resolver.Cause.String) },
	"share":   share,
}).Parse(source))

// view is what the page is made from.
type view struct {
	resolver.Snapshot
	Now time.Time
}

// Ago is how long ago t was, or in how long it will be.
func (v view) Ago(t time.Time) string {
	d := v.Now.Sub(t).Round(time.Second)
	switch {
	case t.IsZero():
		return "never"
	case d < 0:
		return "in " + (-d).String()
	}
	return d.String() + " ago"
}

// Next is when an ejected name will be tried.
func (v view) Next(t time.Time) string {
	if t.After(v.Now) {
		return v.Ago(t)
	}
	return "by the next call"
}

type row struct {
	Name string
	N    uint64
}

// rows lists counts, the largest first.
func rows[K interface{ ~uint8 }](m map[K]uint64, name func(K) string) []row {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b K) int {
		if m[a] != m[b] {
			if m[a] > m[b] {
				return -1
			}
			return 1
		}
		return int(a) - int(b)
	})
	list := make([]row, len(keys))
	for i, k := range keys {
		list[i] = row{name(k), m[k]}
	}
	return list
}

// share is the part of the attempts that went to the zonal name, in percent; -1
// if there were none.
func share(m map[resolver.Reason]uint64) int {
	var zonal, all uint64
	for reason, n := range m {
		all += n
		if reason.Target() == resolver.Zonal {
			zonal += n
		}
	}
	if all == 0 {
		return -1
	}
	return int(100 * zonal / all)
}
