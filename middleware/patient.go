package middleware

import (
	"context"
	"net/http/httptrace"
	"sync"

	"github.com/azaffinity/azaffinity/middleware/dialer"
)

// patient is the context of a send that has no other attempt behind it: its connection is left to the caller's deadline, even if its path is found dead. It
// may be back in time, and nobody else would send the request again. This is the one hook that we set, for such requests only.
type patient struct {
	context.Context
	trace httptrace.ClientTrace

	mu      sync.Mutex
	release []func()
	over    bool
}

func patiently(ctx context.Context) *patient {
	p := &patient{Context: ctx}
	callers := httptrace.ContextClientTrace(ctx)
	if callers != nil {
		p.trace = *callers
	}
	p.trace.GotConn = func(info httptrace.GotConnInfo) {
		p.hold(info)
		if callers != nil && callers.GotConn != nil {
			callers.GotConn(info)
		}
	}
	return p
}

// traced knows the key that net/http asks a context for its trace with. [httptrace.WithClientTrace] composes traces by reflection, which takes longer than all
// else that we do.
var traced = httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{})

// Value finds the trace here.
func (p *patient) Value(key any) any {
	if traced.Value(key) == httptrace.ContextClientTrace(traced) {
		return &p.trace
	}
	return p.Context.Value(key)
}

// hold keeps the connection, which may be the second: net/http tries a new one if a kept one broke.
func (p *patient) hold(info httptrace.GotConnInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.release = append(p.release, dialer.Hold(info.Conn))
	}
}

// end gives the connections up again.
func (p *patient) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	for _, release := range p.release {
		release()
	}
}
