//go:build unix

package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// asServer has this test's program be the server of another one of its kind, so that the work of the two can be told apart.
const asServer = "AZAFFINITY_BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

// serve answers SendMessage over TLS until its standard input ends.
func serve() {
	answer := sent()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
		_, _ = w.Write(answer)
	}))
	defer s.Close()
	fmt.Println(s.Listener.Addr(), base64.StdEncoding.EncodeToString(s.Certificate().Raw))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// server starts one, and returns a transport that leads there, whatever the host.
func server(tb testing.TB) *http.Transport {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asServer+"=yes")
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	address, encoded, _ := strings.Cut(strings.TrimSpace(line), " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		tb.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}, // httptest's certificate's
	}
	tb.Cleanup(transport.CloseIdleConnections)
	return transport
}

// callsOverTLS are the clients', each with a server and a connection of its own.
func callsOverTLS(tb testing.TB) []func(context.Context) error {
	path := listing(tb, catalogue)
	var calls []func(context.Context) error
	for _, c := range clients {
		var r *resolver.Resolver
		if c.routed {
			r = start(tb, path, c.mode)
			tb.Cleanup(func() { _ = r.Close() })
		}
		cfg := config(standIn{}, r)
		cfg.HTTPClient = &http.Client{Transport: server(tb)}
		calls = append(calls, operations[0].make(cfg))
	}
	return calls
}

// TestCallsOverTLS checks that the benchmark's calls are answered.
func TestCallsOverTLS(t *testing.T) {
	for i, call := range callsOverTLS(t) {
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", clients[i].name, err)
		}
	}
}

// BenchmarkCallOverTLS is a whole SDK call over a kept connection to a server in another process. CPU is this process's, its collector of
// garbage and the kernel's work for it included.
func BenchmarkCallOverTLS(b *testing.B) {
	calls := callsOverTLS(b)
	for i, c := range clients {
		b.Run("op="+operations[0].name+"/client="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), time.Minute) // as callers should
				err := calls[i](ctx)
				cancel()
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu is what this process has used.
func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
