package dialer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

// waiting is a server whose /wait answers when it is told to, or never.
func waiting(t testing.TB, cert tls.Certificate) (s *server, arrived *atomic.Int32, answer func()) {
	t.Helper()
	arrived = new(atomic.Int32)
	release := make(chan struct{})
	s = newServer(t, "127.0.0.1:0", cert, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/wait" {
			return
		}
		arrived.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	return s, arrived, sync.OnceFunc(func() { close(release) })
}

// kept is a transport with a dialer, through a DialContext of the user's.
func kept(t testing.TB, r *resolver.Resolver, roots *x509.CertPool, by func(ctx context.Context) (net.Conn, error)) *http.Transport {
	t.Helper()
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 200,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return by(ctx) },
	}
	dialer.New(r).Install(tr, nil)
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func post(tr *http.Transport, ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+zonalName+"/wait", nil)
	if err != nil {
		return err
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return err
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("no %s", what)
		}
	}
}

// Given a hundred connections that wait for answers, all acknowledged, when their path dies, then all end, although only some are probed at a time; and those
// whose requests have no other attempt don't, nor does one whose keep-alives its owner has switched off, however it is wrapped.
func TestManyQuietConnections(t *testing.T) {
	long(t)
	t.Parallel()
	cert, roots := authority(t, zonalName)
	s, arrived, _ := waiting(t, cert)
	r := newResolver(t)
	var silent atomic.Bool
	tr := kept(t, r, roots, func(ctx context.Context) (net.Conn, error) {
		nd := &net.Dialer{KeepAlive: 30 * time.Second}
		if silent.Load() {
			nd.KeepAlive = -1
		}
		c, err := nd.DialContext(ctx, "tcp", s.addr)
		return struct{ net.Conn }{c}, err
	})
	const many = 100
	ended := make(chan error, many)
	for range many {
		go func() { ended <- post(tr, t.Context()) }()
	}
	until(t, "requests", func() bool { return arrived.Load() == many })
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	release := make(chan func(), 1)
	holding := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { release <- dialer.Hold(info.Conn) }})
	held, unprobed := make(chan error, 1), make(chan error, 1)
	go func() { held <- post(tr, holding) }()
	until(t, "held request", func() bool { return arrived.Load() == many+1 })
	silent.Store(true)
	go func() { unprobed <- post(tr, ctx) }()
	until(t, "request over a connection without keep-alives", func() bool { return arrived.Load() == many+2 })
	time.Sleep(100 * time.Millisecond) // for the acknowledgements
	s.drop(t, true)
	start := time.Now()
	for range many {
		var dead *dialer.Error
		if err := <-ended; !errors.As(err, &dead) || dead.Cause != resolver.CausePathDead {
			t.Fatalf("got %v, want the path's death", err)
		}
	}
	if took := time.Since(start); took > 4500*time.Millisecond {
		t.Errorf("the last ended after %v", took)
	}
	for name, c := range map[string]chan error{"held": held, "without keep-alives": unprobed} {
		select {
		case err := <-c:
			t.Errorf("the one %s ended: %v", name, err)
		default:
		}
	}
	(<-release)()
	var dead *dialer.Error
	if err := <-held; !errors.As(err, &dead) || ctx.Err() != nil {
		t.Errorf("when it was held no longer, it ended with %v, want the path's death", err)
	}
	if err := <-unprobed; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the one without keep-alives ended with %v, want its deadline", err)
	}
}

// Given a connection with keep-alives as its owner set them, when it waits for an answer, then it is probed more often; and when that is there, it has its
// own again.
func TestKeepAlivesAreGivenBack(t *testing.T) {
	t.Parallel()
	cert, roots := authority(t, zonalName)
	s, arrived, answer := waiting(t, cert)
	var socket atomic.Pointer[net.TCPConn]
	tr := kept(t, newResolver(t), roots, func(ctx context.Context) (net.Conn, error) {
		nd := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 41 * time.Second, Interval: 7 * time.Second, Count: 5}}
		c, err := nd.DialContext(ctx, "tcp", s.addr)
		if err == nil {
			socket.Store(c.(*net.TCPConn))
		}
		return c, err
	})
	settings := func() (s [3]int) {
		raw, err := socket.Load().SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		_ = raw.Control(func(fd uintptr) {
			for i, option := range []int{syscall.TCP_KEEPIDLE, syscall.TCP_KEEPINTVL, syscall.TCP_KEEPCNT} {
				if s[i], err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, option); err != nil {
					t.Error(err)
				}
			}
		})
		return s
	}
	done := make(chan error, 1)
	go func() { done <- post(tr, t.Context()) }()
	until(t, "request", func() bool { return arrived.Load() == 1 })
	users := [3]int{41, 7, 5}
	until(t, "probes", func() bool { return settings() != users })
	answer()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	until(t, "settings of the owner's", func() bool { return settings() == users })
}
