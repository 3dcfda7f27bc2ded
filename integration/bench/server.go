package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/azaffinity/azaffinity/middleware"
)

// asChild has this program do a part of its work in a process of its own: "serve", so that the work of the two can be told apart, or
// "repeat case client calls".
const asChild = "AZAFFINITY_BENCH_CHILD"

// isChild does what a child is for, and reports whether this process is one.
func isChild() bool {
	part := strings.Fields(os.Getenv(asChild))
	switch {
	case len(part) == 1 && part[0] == "serve":
		serve()
	case len(part) == 4 && part[0] == "repeat":
		if err := repeat(part[1], part[2], part[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	default:
		return false
	}
	return true
}

// answerAfter is how long the server takes. One that answers sooner than that is ahead of net/http, which still asks whether the request's body is at its end
// when the SDK closes it, and then gives the connection up: the bare SDK would make up to one connection in ten calls anew, by chance.
const answerAfter = time.Millisecond / 2

// heldPath is where the server says how many long polls it holds.
const heldPath = "/held"

// serve answers SendMessage over TLS, and holds ReceiveMessage, until its standard input ends.
func serve() {
	answer := sent()
	var held atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.URL.Path == heldPath:
			fmt.Fprint(w, held.Load())
			return
		case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ReceiveMessage"):
			held.Add(1)
			<-r.Context().Done()
			held.Add(-1)
			return
		}
		time.Sleep(answerAfter)
		w.Header().Set("X-Amzn-Requestid", requestID)
		_, _ = w.Write(answer)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // callers that end leave handshakes undone
	s.StartTLS()
	fmt.Println(s.Listener.Addr(), base64.StdEncoding.EncodeToString(s.Certificate().Raw))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// server is one in another process.
type server struct {
	address string
	roots   *x509.CertPool
}

// server starts one, which ends with the world.
func (w *world) server() (server, error) {
	self, err := os.Executable()
	if err != nil {
		return server{}, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asChild+"=serve")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return server{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return server{}, err
	}
	if err := cmd.Start(); err != nil {
		return server{}, err
	}
	w.atEnd(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return server{}, err
	}
	address, encoded, _ := strings.Cut(strings.TrimSpace(line), " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return server{}, err
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return server{}, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return server{address, roots}, nil
}

// config is that of a program all of whose calls lead to the server, whatever the host. Its HTTP client is the SDK's own.
func (w *world) config(s server, c client) (aws.Config, error) {
	cfg := config()
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.Proxy = nil
		t.ForceAttemptHTTP2 = false
		t.MaxConnsPerHost = 0                                                            // polls are more than the SDK's 2,048
		t.TLSClientConfig.RootCAs, t.TLSClientConfig.ServerName = s.roots, "example.com" // httptest's certificate's
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if w.seen != nil {
				host, _, _ := net.SplitHostPort(address)
				w.seen(host)
			}
			return new(net.Dialer).DialContext(ctx, network, s.address)
		}
	})
	if c != azaffinity {
		return cfg, nil
	}
	options, err := w.options(catalogue)
	if err != nil {
		return cfg, err
	}
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(options...))
	if err != nil {
		return cfg, err
	}
	w.atEnd(func() { _ = r.Close() })
	return cfg, errors.Join(r.Ready(context.Background()), firstRoute(r))
}

// overTLS is a call over a kept connection, to a server of its own.
func (w *world) overTLS(c client) (call, error) {
	s, err := w.server()
	if err != nil {
		return nil, err
	}
	cfg, err := w.config(s, c)
	if err != nil {
		return nil, err
	}
	return sending(cfg), nil
}

// probing is an HTTP client for questions to the server itself.
func (s server) probing() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, ServerName: "example.com"}}}
}
