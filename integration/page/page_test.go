package page

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/azaffinity/azaffinity/resolver/debug"
)

// look is what the page looks like from one place.
type look struct {
	width  int64
	scheme string // prefers-color-scheme
}

var looks = [...]look{{500, "light"}, {500, "dark"}, {1280, "light"}, {1280, "dark"}}

// seen is what the browser found.
type seen struct {
	Text     string   // all that can be read without a click
	Words    string   // what is to be read after one
	Overflow int      // pixels that the page is too wide
	Pale     []string // texts whose contrast is less than WCAG's AA asks for
}

//go:embed look.js
var lookAround string

// Given each scene, when a browser shows it, narrow or wide, light or dark, and without scripts, then it says what is wrong, fits, and can be read.
func TestPage(t *testing.T) {
	browser := newBrowser(t)
	var tabs [len(looks)]context.Context
	for i, l := range looks {
		tabs[i] = l.open(t, browser)
	}
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			server := httptest.NewServer(once(debug.Handler(s.process(t))))
			defer server.Close()
			for i, l := range looks {
				t.Run(fmt.Sprintf("%d-%s", l.width, l.scheme), func(t *testing.T) { s.check(t, visit(t, tabs[i], server.URL)) })
			}
		})
	}
}

// once asks for the page now, and shows that from then on: it has times.
func once(page http.Handler) http.Handler {
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Accept", "text/html")
	answer := httptest.NewRecorder()
	page.ServeHTTP(answer, request)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), answer.Header())
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (s scene) check(t *testing.T, got seen) {
	t.Helper()
	for _, want := range s.says {
		if !strings.Contains(got.Text, want) {
			t.Errorf("the page doesn't say %q", want)
		}
	}
	for _, not := range append(s.not, "<no value>", "%!", "0001-01-01") {
		if strings.Contains(got.Text, not) {
			t.Errorf("the page says %q", not)
		}
	}
	if !strings.Contains(got.Words, "NotInZone") {
		t.Error("the page doesn't explain its words")
	}
	if got.Overflow > 0 {
		t.Errorf("the page is %d pixels too wide", got.Overflow)
	}
	if len(got.Pale) > 0 {
		t.Errorf("%d texts are hard to read: %q", len(got.Pale), got.Pale[0])
	}
	if t.Failed() {
		t.Log(got.Text)
	}
}

// open opens a tab that looks so.
func (l look) open(t *testing.T, browser context.Context) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	err := chromedp.Do(tab,
		chromedp.EmulateViewport(l.width, 900),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}}))
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// visit shows the page in a tab.
func visit(t *testing.T, tab context.Context, url string) (got seen) {
	t.Helper()
	tab, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	scripts := func(off bool) chromedp.Action[chromedp.Void] {
		return call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
	}
	err := chromedp.Do(tab, scripts(true), chromedp.Navigate(url), scripts(false)) // but for the test's own
	if err != nil {
		t.Fatal(err)
	}
	if got, err = chromedp.Run(tab, chromedp.Evaluate[seen](lookAround)); err != nil {
		t.Fatal(err)
	}
	keepPicture(t, tab)
	return got
}

// keepPicture keeps what the browser shows, if somebody wants it.
func keepPicture(t *testing.T, tab context.Context) {
	t.Helper()
	dir := os.Getenv("AZAFFINITY_ARTIFACTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(strings.TrimPrefix(t.Name(), "Test"), "/", "-") + ".png"
	if err := os.WriteFile(filepath.Join(dir, strings.ToLower(name)), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// newBrowser starts a browser that finds nothing but this machine.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("force-color-profile", "srgb"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium doesn't have for root
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil {
		if os.Getenv("AZAFFINITY_REQUIRE_ALL") != "" {
			t.Fatalf("no Chromium: %v", err)
		}
		t.Skipf("needs Chromium (Debian's package is enough): %v", err)
	}
	return browser
}
