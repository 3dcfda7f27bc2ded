//go:build go1.25

package middleware_test

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
)

// Given a name that is out of use, when it is tried again, then over a new connection:
// those that were kept are closed, and nothing is written to them.
func TestTrialsTakeNewConnections(t *testing.T) { synctest.Test(t, trialsTakeNewConnections) }

func trialsTakeNewConnections(t *testing.T) {
	r := newResolver(t)
	for range 3 {
		r.Failed(r.Resolve(serviceHost), resolver.CauseConnect, errors.New("refused"))
	}
	kept := []*closer{{}, {}}
	n := 0
	client, _ := hooked(func(tr *httptrace.ClientTrace, req *http.Request) error {
		if req.URL.Host != zonalHost {
			return fine(tr, req)
		}
		tr.GetConn("x")
		if n < len(kept) {
			n++
			tr.GotConn(httptrace.GotConnInfo{Conn: kept[n-1], Reused: true})
			if req.Context().Err() == nil {
				t.Error("written to a connection from before")
			}
			return req.Context().Err()
		}
		tr.GotConn(httptrace.GotConnInfo{Conn: &closer{}})
		return nil
	})
	s := stack{url: "https://" + serviceHost, signing: "Signing"}
	deadline := time.Now().Add(15 * time.Second) // the trial comes after 8 to 10 s
	for !r.Snapshot().Endpoints[0].InUse {
		if time.Now().After(deadline) {
			t.Fatal("the name is still out of use")
		}
		if _, err := s.call(t, client, opts(r)...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for i, conn := range kept {
		if !conn.closed {
			t.Errorf("connection %d from before is still open", i+1)
		}
	}
}
