package dialer_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	regionalName = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
	zonalName    = "vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com"
)

func newResolver(t testing.TB) *resolver.Resolver {
	t.Helper()
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: regionalName})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// client has the dialer in a transport that connects to s whatever the name is.
func client(t *testing.T, r *resolver.Resolver, s *server, roots *tls.Config, http2 bool) *http.Client {
	t.Helper()
	tr := &http.Transport{
		TLSClientConfig: roots, ForceAttemptHTTP2: http2,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, network, s.addr)
		},
	}
	dialer.New(r).Install(tr, nil)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// Given a connection whose packets vanish, before a request or while it is answered, when it is used, then it ends with an error that names the path, within
// 2.5 s, and the zonal name is ejected.
func TestDeadPaths(t *testing.T) {
	cert, roots := authority(t, zonalName)
	for _, http2 := range []bool{false, true} {
		for _, acknowledged := range []bool{false, true} {
			name := map[bool]string{false: "HTTP1", true: "HTTP2"}[http2] + map[bool]string{false: "/not acknowledged", true: "/acknowledged"}[acknowledged]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				arrived := make(chan bool, 1)
				s := newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/wait" {
						arrived <- true
						<-r.Context().Done()
					}
				}))
				r := newResolver(t)
				c := client(t, r, s, &tls.Config{RootCAs: roots}, http2)
				for range 3 {
					resp, err := c.Get("https://" + zonalName)
					if err != nil {
						t.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				if !acknowledged {
					s.drop(t, true)
				}
				start := time.Now()
				if acknowledged {
					go func() {
						<-arrived
						time.Sleep(100 * time.Millisecond)
						s.drop(t, true)
					}()
				}
				req, _ := http.NewRequest(http.MethodPost, "https://"+zonalName+"/wait", nil)
				_, err := c.Do(req)
				took := time.Since(start)
				var dead *dialer.Error
				if !errors.As(err, &dead) || dead.Cause != resolver.CausePathDead || dead.NotSent(start) {
					t.Errorf("got %v after %v, want the path's death, and no proof that nothing was sent", err, took)
				}
				t.Logf("took %v", took)
				if took > 2600*time.Millisecond || took < time.Second {
					t.Errorf("took %v", took)
				}
				if route := r.Resolve(regionalName); route.Reason != resolver.Unhealthy {
					t.Errorf("afterwards %v", route)
				}
			})
		}
	}
}

// Given packets that vanish for 0.9 s, when a request is under way, then it is answered.
func TestBlips(t *testing.T) {
	cert, roots := authority(t, zonalName)
	for _, begin := range []time.Duration{0, 200, 500, 900, 1000, 1100, 1300, 1800} {
		t.Run((begin * time.Millisecond).String(), func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/wait" {
					time.Sleep(3 * time.Second)
				}
			}))
			r := newResolver(t)
			c := client(t, r, s, &tls.Config{RootCAs: roots}, false)
			resp, err := c.Get("https://" + zonalName)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			time.AfterFunc(begin*time.Millisecond, func() {
				s.drop(t, true)
				time.Sleep(900 * time.Millisecond)
				s.drop(t, false)
			})
			start := time.Now()
			resp, err = c.Post("https://"+zonalName+"/wait", "", nil)
			if err != nil {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
			resp.Body.Close()
			if n := s.connections(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

// Given a request that went over a path that died, when the path is back after the request was given up, then it doesn't arrive.
func TestGivenUpRequestsDoNotArrive(t *testing.T) {
	long(t)
	t.Parallel()
	cert, roots := authority(t, zonalName)
	arrived := make(chan bool, 1)
	s := newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			arrived <- true
		}
	}))
	c := client(t, newResolver(t), s, &tls.Config{RootCAs: roots}, false)
	resp, err := c.Get("https://" + zonalName)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.drop(t, true)
	if _, err := c.Post("https://"+zonalName+"/late", "", nil); err == nil {
		t.Fatal("answered over a dead path")
	}
	s.drop(t, false)
	select {
	case <-arrived:
		t.Error("the request arrived after it was given up")
	case <-time.After(3 * time.Second): // the kernel's next try is due within that
	}
}
