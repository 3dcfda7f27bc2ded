package middleware

import (
	"context"
	"net"
	"net/http/httptrace"
	"testing"
	"time"
)

// Given a caller that traces its call, when the call is patient, then all that the caller asked for is called, and the context is the caller's in all else.
func TestPatientCallsTheCallersTrace(t *testing.T) {
	type key struct{}
	var got, asked int
	var lookups int
	ctx := httptrace.WithClientTrace(context.WithValue(t.Context(), key{}, "value"), &httptrace.ClientTrace{
		GetConn:  func(string) { asked++ },
		GotConn:  func(httptrace.GotConnInfo) { got++ },
		DNSStart: func(httptrace.DNSStartInfo) { lookups++ },
	})
	ctx, cancel := context.WithDeadline(ctx, time.Now().Add(time.Hour))
	defer cancel()
	p := patiently(ctx)
	trace := httptrace.ContextClientTrace(p)
	trace.GetConn("host")
	c, other := net.Pipe()
	defer other.Close()
	trace.GotConn(httptrace.GotConnInfo{Conn: c})
	trace.GotConn(httptrace.GotConnInfo{Conn: c})
	trace.DNSStart(httptrace.DNSStartInfo{})
	if asked != 1 || got != 2 || lookups != 1 {
		t.Errorf("the caller's functions were called %d, %d and %d times", asked, got, lookups)
	}
	if len(p.release) != 2 {
		t.Errorf("%d connections are held, want both", len(p.release))
	}
	if p.Value(key{}) != "value" || p.Value("other") != nil {
		t.Error("the context has not the caller's values")
	}
	if at, ok := p.Deadline(); !ok || time.Until(at) < time.Minute {
		t.Error("the context has not the caller's deadline")
	}
	p.end()
	trace.GotConn(httptrace.GotConnInfo{Conn: c})
	if got != 3 || len(p.release) != 2 {
		t.Error("a connection is held when all is over")
	}
	if trace := httptrace.ContextClientTrace(patiently(t.Context())); trace.GetConn != nil || trace.GotConn == nil {
		t.Error("a call that nobody traces has other hooks than ours")
	}
}

// Given the SDK's switch for other prices of retries, then fewer errors are handed to it at a time.
func TestRetryQuotaOfNewPrices(t *testing.T) {
	for value, want := range map[string]int{"": 90, "false": 90, "true": 32} {
		t.Setenv(newPrice, value)
		if q := newRetryQuota(90, 32); cap(q.free) != want {
			t.Errorf("%q: got %d, want %d", value, cap(q.free), want)
		}
	}
}
