package lab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

const (
	partner  = "vpce-svc-0a1b2c3d4e5f60718"
	registry = lab.Account + ".dkr.ecr.us-east-1.amazonaws.com"
	restAPI  = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
)

// echo is a TCP server that answers with what it gets. Its address is on the loopback.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		running.Wait()
	})
	return ln.Addr().String()
}

// seen answers with the host that it was asked under.
var seen = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Host, r.URL.Path, body)
})

// say sends a word to a TCP server through the endpoint and waits for the echo.
func say(ctx context.Context, l *lab.Lab, host, word string) error {
	conn, err := l.DialContextIn(home)(ctx, "tcp", host+":5432")
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if _, err := io.WriteString(conn, word); err != nil {
		return err
	}
	got := make([]byte, len(word))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if !bytes.Equal(got, []byte(word)) {
		return fmt.Errorf("the echo of %q is %q", word, got)
	}
	return nil
}

func wantConnections(t *testing.T, l *lab.Lab, service string, a, b, c int) {
	t.Helper()
	want := map[string]int{"us-east-1a": a, "us-east-1b": b, "us-east-1c": c}
	if got := l.ConnectionsOf(service); !maps.Equal(got, want) {
		t.Errorf("%s: got connections %v, want %v", service, got, want)
	}
}

// Given a partner's database behind an endpoint, when it is connected to by each of its names, then it is reached at its own port, through the zones that the
// names lead to.
func TestServerBehindAnEndpoint(t *testing.T) {
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{
		{Service: partner, Server: echo(t), Port: 5432, Hosts: []string{"db.partner.example"}, PrivateDNS: true},
	}})
	ctx := within(t, 10*time.Second)
	for _, name := range []string{l.RegionalName(partner), "db.partner.example", "db.partner.example", l.ZonalName(partner, "us-east-1c")} {
		if err := say(ctx, l, name, strings.Repeat(name, 1000)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	wantConnections(t, l, partner, 1, 1, 2)
	if got := l.Address(partner, "us-east-1b").Port(); got != 5432 {
		t.Errorf("it listens at port %d, want 5432", got)
	}
	if !strings.HasSuffix(l.ZonalName(partner, "us-east-1a"), "-us-east-1a."+partner+".us-east-1.vpce.amazonaws.com") {
		t.Errorf("got zonal name %s", l.ZonalName(partner, "us-east-1a"))
	}
	l.ResetRequests()
	wantConnections(t, l, partner, 0, 0, 0)
}

// Given a TCP server behind an endpoint, when something is wrong with a zone, then its connections fail as those of the lab's own services do, and faults
// of HTTP are refused.
func TestFaultsOfAServer(t *testing.T) {
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{{Service: partner, Server: echo(t), Port: 5432}, {Service: "sts"}}})
	zonal := l.ZonalName(partner, home)
	for _, test := range []struct {
		fault lab.Fault
		fails func(error) bool
	}{
		{lab.Refuse, func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
		{lab.BlackHole, timedOut},
		{lab.Hang, timedOut},
		{lab.DNSAbsent, func(err error) bool { var d *net.DNSError; return errors.As(err, &d) && d.IsNotFound }},
		{lab.Unavailable, func(err error) bool { return err == nil }}, // the zone's other services have it
	} {
		if err := l.Fault(home, test.fault); err != nil {
			t.Fatalf("%v: %v", test.fault, err)
		}
		if err := say(within(t, 300*time.Millisecond), l, zonal, "hello"); !test.fails(err) {
			t.Errorf("%v: got %v", test.fault, err)
		}
		if err := say(within(t, 10*time.Second), l, l.ZonalName(partner, "us-east-1b"), "hello"); err != nil {
			t.Errorf("%v, another zone: %v", test.fault, err)
		}
		if err := l.Fault(home, lab.None); err != nil {
			t.Fatal(err)
		}
		if err := say(within(t, 10*time.Second), l, zonal, "hello"); err != nil {
			t.Errorf("%v is over: %v", test.fault, err)
		}
	}
	if err := l.FaultService(partner, home, lab.ServerError(500)); err == nil {
		t.Error("a TCP server that answers 500: want an error")
	}
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// Given a server that is gone, when a client connects to the endpoint before it, then the connection is reset.
func TestServerIsGone(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := ln.Addr().String()
	_ = ln.Close()
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{{Service: partner, Server: gone, Port: 5432}}})
	err = say(within(t, 10*time.Second), l, l.ZonalName(partner, home), "hello")
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v, want a reset", err)
	}
}

// Given handlers behind the endpoints for a registry and for REST APIs, when they are asked under their own hosts, then they see those and whole bodies, the
// lab counts the requests by zone, and HTTP's faults work.
func TestHandlerBehindAnEndpoint(t *testing.T) {
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{
		{Service: "dkr.ecr", Handler: seen, PrivateDNS: true},
		{Service: "execute-api", Handler: seen, PrivateDNS: true},
		{Service: partner, Handler: seen, Hosts: []string{"*.partner.example"}, PrivateDNS: true},
	}})
	post := func(host string) (int, string) {
		resp, err := l.HTTPClient().Post("https://"+host+"/x", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, string(must(io.ReadAll(resp.Body))(t))
	}
	for service, host := range map[string]string{"dkr.ecr": registry, "execute-api": restAPI, partner: "api.partner.example"} {
		for range 6 {
			if status, body := post(host); status != http.StatusOK || body != "POST "+host+" /x hello" {
				t.Fatalf("%s: got %d %q", host, status, body)
			}
		}
		for zone, n := range l.RequestsOf(service) {
			if n != 2 {
				t.Errorf("%s: got %d requests in %s, want 2", service, n, zone)
			}
		}
	}
	for _, zone := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
		if err := l.Fault(zone, lab.ServerError(http.StatusBadGateway)); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := post(restAPI); status != http.StatusBadGateway {
		t.Errorf("got %d, want 502", status)
	}
	// A partner's certificate is for the partner's names.
	_, err := l.HTTPClient().Get("https://" + l.ZonalName(partner, home))
	if outcome(err) != "wrong certificate" {
		t.Errorf("got %v, want a certificate for other names", err)
	}
}

// Given endpoints of all kinds, when they are described, then package endpoint reads them as AWS's.
func TestDescriptionsOfAllKinds(t *testing.T) {
	l := start(t, lab.Options{Endpoints: []lab.Endpoint{
		{Service: "dkr.ecr", Handler: seen, PrivateDNS: true},
		{Service: "execute-api", Handler: seen, PrivateDNS: true},
		{Service: partner, Handler: seen, Hosts: []string{"db.partner.example"}, PrivateDNS: true},
	}})
	file := filepath.Join(t.TempDir(), "endpoints.json")
	if err := os.WriteFile(file, l.DescribeVpcEndpoints(), 0o600); err != nil {
		t.Fatal(err)
	}
	catalog := must(endpoint.File(file).Endpoints(t.Context()))(t)
	if len(catalog.Notes) != 0 {
		t.Errorf("got notes %q", catalog.Notes)
	}
	want := map[string][]string{
		"dkr.ecr":     {"dkr.ecr.us-east-1.amazonaws.com", "*.dkr.ecr.us-east-1.amazonaws.com"},
		"execute-api": {"execute-api.us-east-1.amazonaws.com", "*.execute-api.us-east-1.amazonaws.com"},
		partner:       nil, // they are listed, and package endpoint has no use for them
	}
	for _, e := range catalog.Endpoints {
		if !slices.Equal(e.Hosts, want[e.Service]) || e.Regional != l.RegionalName(e.Service) || len(e.Zonal) != 3 {
			t.Errorf("got %+v, want hosts %q", e, want[e.Service])
		}
		delete(want, e.Service)
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
	for _, name := range []string{
		"com.amazonaws.us-east-1.ecr.dkr", "com.amazonaws.us-east-1.execute-api", "com.amazonaws.vpce.us-east-1." + partner, "db.partner.example",
	} {
		if !bytes.Contains(l.DescribeVpcEndpoints(), []byte(`"`+name+`"`)) {
			t.Errorf("%s is not in the description", name)
		}
	}
}
