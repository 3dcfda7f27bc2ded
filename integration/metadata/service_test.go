package metadata

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

const (
	tokenPath = "/latest/api/token"
	namePath  = "/latest/meta-data/placement/availability-zone"
	idPath    = "/latest/meta-data/placement/availability-zone-id"

	macPath    = "/latest/meta-data/mac"
	blockPath  = "/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/subnet-ipv4-cidr-block" // of the mock's one interface
	blocksPath = "/latest/meta-data/network/interfaces/macs/0e:49:61:0f:c3:11/subnet-ipv6-cidr-blocks"
)

// service is the address of the instance metadata service, as 169.254.169.254 is. It leads to a mock, which can come late,
// go away and come back; without one, connections break. It notes what it was asked.
type service struct {
	url string

	mu       sync.Mutex
	mock     *mock
	told     string // TTL that the mock is told to give a token, if not the one that was asked for
	honest   bool   // whoever asked for the token is told that TTL, too
	noTokens bool   // tokens are not served
	token    string // the last that was sent along
	asked    []string
}

func newService(t *testing.T, m *mock) *service {
	t.Helper()
	s := &service{mock: m}
	server := httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// endpoint has a source ask s.
func (s *service) endpoint(o *imds.Options) { o.Endpoint = s.url }

// change changes s, which is being asked.
func (s *service) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	to, told, honest, noTokens := s.mock, s.told, s.honest, s.noTokens
	token := r.Header.Get(tokenHeader)
	if token != "" {
		s.token = token
	}
	s.mu.Unlock()
	getsToken := r.Method == http.MethodPut && r.URL.Path == tokenPath
	note := func(answer any) {
		question := r.Method + " " + r.URL.Path
		if token == "" && !getsToken {
			question += " without a token"
		}
		s.change(func() { s.asked = append(s.asked, fmt.Sprintf("%s: %v", question, answer)) })
	}
	if to == nil {
		note("nobody")
		panic(http.ErrAbortHandler)
	}
	if getsToken && noTokens {
		note(http.StatusNotFound)
		http.NotFound(w, r)
		return
	}
	target, err := url.Parse(to.url)
	if err != nil {
		panic(err)
	}
	wanted := r.Header.Get(tokenTTLHeader)
	(&httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if getsToken && told != "" {
				r.Out.Header.Set(tokenTTLHeader, told)
			}
		},
		ModifyResponse: func(resp *http.Response) error {
			if getsToken && told != "" && !honest {
				resp.Header.Set(tokenTTLHeader, wanted)
			}
			note(resp.StatusCode) // before the client reads the answer
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			note("nobody")
			panic(http.ErrAbortHandler)
		},
	}).ServeHTTP(w, r)
}

// wantAsked compares what s was asked since the last time, and how it answered.
func (s *service) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, want := strings.Join(s.asked, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("IMDS was asked\n%s\nwant\n%s", got, want)
	}
	s.asked = nil
}

// count is how often s was asked that since the last wantAsked.
func (s *service) count(question string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, asked := range s.asked {
		if asked == question {
			n++
		}
	}
	return n
}

const (
	gotToken = "PUT " + tokenPath + ": 200"
	gotName  = "GET " + namePath + ": 200"
	gotID    = "GET " + idPath + ": 200"

	gotMAC    = "GET " + macPath + ": 200"
	gotBlock  = "GET " + blockPath + ": 200"
	gotBlocks = "GET " + blocksPath + ": 200"
)
