package middleware

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/azaffinity/azaffinity/resolver"
)

// Given what a client of somebody else's reports of one send, when that fails, or the client wants another connection, then only what can't have been sent is
// taken for proof, and only what is in vain is called off.
func TestWhatAForeignClientReports(t *testing.T) {
	absent := &net.DNSError{Err: "no such host", IsNotFound: true}
	refused := errors.New("refused")
	own := errors.New("the client's own words")
	late := &net.OpError{Op: "dial", Net: "tcp", Err: timeout{errors.New("too late")}}
	type trace = *httptrace.ClientTrace
	asks := func(c trace) { c.GetConn("") }
	looks := func(c trace) { c.DNSStart(httptrace.DNSStartInfo{}) }
	looked := func(err error) func(trace) { return func(c trace) { c.DNSDone(httptrace.DNSDoneInfo{Err: err}) } }
	connects := func(network string) func(trace) { return func(c trace) { c.ConnectStart(network, "") } }
	connected := func(network string, err error) func(trace) {
		return func(c trace) { c.ConnectDone(network, "", err) }
	}
	shakes := func(c trace) { c.TLSHandshakeStart() }
	shaken := func(err error) func(trace) { return func(c trace) { c.TLSHandshakeDone(tls.ConnectionState{}, err) } }
	got := func(c trace) { c.GotConn(httptrace.GotConnInfo{}) }
	for _, tt := range []struct {
		name   string
		events []func(trace)
		err    error
		want   finding
		inVain bool // a second connection would be
	}{
		{"no such name, in the client's own words", []func(trace){asks, looks, looked(absent)}, own, finding{cause: resolver.CauseAbsent, unsent: true}, true},
		{"refused", []func(trace){asks, looks, looked(nil), connects("tcp"), connected("tcp", refused)}, own, finding{cause: resolver.CauseConnect, unsent: true}, true},
		{"refused, and another address tried", []func(trace){asks, connects("tcp"), connects("tcp"), connected("tcp", refused)}, own, finding{}, false},
		{"too late for DNS", []func(trace){asks, looks}, late, finding{cause: resolver.CauseTimeout, unsent: true}, false},
		{"too late for DNS, the server reported", []func(trace){asks, looks, connects("udp"), connected("udp", refused), connects("udp"), connected("udp", nil)}, late, finding{cause: resolver.CauseTimeout, unsent: true}, false},
		{"one name server refuses, and DNS goes on", []func(trace){asks, looks, connects("udp"), connected("udp", refused), looked(nil), connects("tcp")}, own, finding{}, false},
		{"too late for TLS", []func(trace){asks, connects("tcp"), connected("tcp", nil), shakes}, late, finding{cause: resolver.CauseTimeout, unsent: true}, false},
		{"failed in TLS", []func(trace){asks, connects("tcp"), connected("tcp", nil), shakes, shaken(refused)}, own, finding{cause: resolver.CauseConnect, unsent: true}, true},
		{"too late after TLS", []func(trace){asks, connects("tcp"), connected("tcp", nil), shakes, shaken(nil)}, late, finding{}, false},
		{"too late after TCP", []func(trace){asks, connects("tcp"), connected("tcp", nil)}, late, finding{}, false},
		{"too late after the connection", []func(trace){asks, connects("tcp"), got}, late, finding{}, false},
		{"refused after the connection", []func(trace){asks, connects("tcp"), connected("tcp", refused), got}, refused, finding{}, false},
		{"too late, and nothing begun", []func(trace){asks}, late, finding{}, false},
		{"too late for the second connection", []func(trace){asks, connects("tcp"), asks}, late, finding{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			off := false
			s := &seen{off: true, cancel: func() { off = true }}
			c := s.trace()
			for _, event := range tt.events {
				event(c)
			}
			if found := s.judge(sending(tt.err)); found != tt.want {
				t.Errorf("found %+v, want %+v", found, tt.want)
			}
			c.GetConn("")
			if off != tt.inVain {
				t.Errorf("called off: %v, want %v", off, tt.inVain)
			}
			if words := s.err("zonal").Error(); off && (!strings.HasPrefix(words, "no connection to zonal: ") || !strings.Contains(words, (*s.failure.Load()).Error())) {
				t.Errorf("the error says %q", words)
			}
		})
	}
}

// Given a send that there is no retry behind, but whose body can be sent once more, when a foreign client tries in vain, then it is called off.
func TestWhichSendsAreCalledOff(t *testing.T) {
	for _, tt := range []struct {
		name     string
		attempts bool
		body     body
		mute     bool
		want     bool
	}{
		{"a retry behind it", true, body{streams: true}, false, true},
		{"its body rewinds", false, body{}, false, true},
		{"neither", false, body{fixed: true}, false, false},
		{"a client that doesn't say when it has a connection", true, body{}, true, false},
	} {
		c := &call{shared: &shared{foreign: true}, attempts: tt.attempts, body: tt.body, route: resolver.Route{Fallback: "regional"}}
		c.mute.Store(tt.mute)
		if c.seeing(t.Context()); c.seen.off != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, c.seen.off, tt.want)
		}
	}
}

// Given an answer to a foreign client's send, then the context that it was sent with lasts until the body is closed, and ends at once if there is none.
func TestContextsOfForeignSends(t *testing.T) {
	closed := &http.Response{Body: io.NopCloser(strings.NewReader("answer"))}
	for _, tt := range []struct {
		name  string
		raw   any
		lasts bool
	}{
		{"a body", &smithyhttp.Response{Response: closed}, true},
		{"no body", &smithyhttp.Response{Response: &http.Response{}}, false},
		{"no response", &smithyhttp.Response{}, false},
		{"no answer of HTTP's", "answer", false},
	} {
		var sent context.Context
		c := &call{shared: &shared{foreign: true}, route: resolver.Route{Fallback: "regional"}}
		out, _, err := (*foreign)(c).HandleDeserialize(c.seeing(t.Context()), smithymiddleware.DeserializeInput{},
			smithymiddleware.DeserializeHandlerFunc(func(ctx context.Context, _ smithymiddleware.DeserializeInput) (out smithymiddleware.DeserializeOutput, _ smithymiddleware.Metadata, _ error) {
				sent, out.RawResponse = ctx, tt.raw
				return out, smithymiddleware.Metadata{}, nil
			}))
		if err != nil || (sent.Err() == nil) != tt.lasts {
			t.Errorf("%s: got %v, and the context %v; want it to last: %v", tt.name, err, sent.Err(), tt.lasts)
		}
		if tt.lasts {
			_ = out.RawResponse.(*smithyhttp.Response).Body.Close()
			if sent.Err() == nil {
				t.Errorf("%s: the context lasts after the body", tt.name)
			}
		}
	}
}

// Given a foreign client that answers, when it told of connections on the way, then it is heard from then on; one that asked for a connection and never had one
// is not.
func TestMuteClients(t *testing.T) {
	for _, tt := range []struct{ asks, gets, mute bool }{{false, false, false}, {true, false, true}, {true, true, false}, {false, true, false}} {
		c := &call{shared: &shared{foreign: true}, route: resolver.Route{Fallback: "regional"}}
		_, _, err := (*foreign)(c).HandleDeserialize(c.seeing(t.Context()), smithymiddleware.DeserializeInput{},
			smithymiddleware.DeserializeHandlerFunc(func(ctx context.Context, _ smithymiddleware.DeserializeInput) (out smithymiddleware.DeserializeOutput, _ smithymiddleware.Metadata, _ error) {
				if client := httptrace.ContextClientTrace(ctx); client != nil {
					if tt.asks {
						client.GetConn("")
					}
					if tt.gets {
						client.GotConn(httptrace.GotConnInfo{})
					}
				}
				return out, smithymiddleware.Metadata{}, nil
			}))
		if err != nil || c.mute.Load() != tt.mute {
			t.Errorf("%+v: got %v, %v", tt, c.mute.Load(), err)
		}
	}
	failing := answerBody{unclosed{errors.New("not closed")}, func() {}}
	if err := failing.Close(); err == nil || err.Error() != "not closed" {
		t.Errorf("got %v", err)
	}
}

// unclosed is a body that can't be closed.
type unclosed struct{ err error }

func (e unclosed) Read([]byte) (int, error) { return 0, io.EOF }
func (e unclosed) Close() error             { return e.err }
