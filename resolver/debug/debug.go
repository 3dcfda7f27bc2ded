// Package debug shows what a resolver knows and does, on a page:
//
//	http.Handle("/debug/azaffinity", debug.Handler(r))
//
// It begins with what happens to the next requests, and what is wrong: which endpoints are
// not in use, since when and why, when they are tried again, and what to do. Then come the
// endpoints, those in trouble first; how much of the last minutes' traffic stayed in the zone;
// and the hosts that no endpoint was known for. It needs no scripts.
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
	"net/http"
	"strings"

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
			contentType, err = "text/html; charset=utf-8", page.Execute(&body, view{snapshot})
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
	"reasons": reasons,
	"causes":  causes,
	"status":  statusOf,
	"recent":  func(e resolver.EndpointState) traffic { return trafficOf(e.RecentAttempts) },
	"count":   grouped,
	"first":   first[resolver.HostAttempts],
	"legend":  legend,
}).Parse(source))
