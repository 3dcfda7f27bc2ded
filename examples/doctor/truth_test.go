package main

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// went is where calls went: which zones executed them, and whether any was sent into the own one, or at least connected to it.
type went struct {
	home, others   int // executed
	sent, dialled  bool
	answered, lost int
}

// claims are what the report may say of where calls go, and what then has to be true.
var claims = map[string]func(w went) bool{
	"the zone":                func(w went) bool { return w.home > 0 && w.others == 0 && w.lost == 0 },
	"other zones":             func(w went) bool { return w.home == 0 && w.others > 0 && !w.sent },
	"the zone, then others":   func(w went) bool { return w.home == 0 && w.others > 0 && w.sent },
	"all zones":               func(w went) bool { return w.home > 0 && w.others > 0 && w.lost == 0 },
	"all zones, this one too": func(w went) bool { return w.home == 0 && w.others > 0 && w.dialled },
	"no zone that answers":    func(w went) bool { return w.home+w.others == 0 && w.answered == 0 },
	"past the endpoint":       func(w went) bool { return w.home+w.others == 0 && !w.dialled },
}

// Given each fault of the lab in the own zone, and none, or a fault of all zones, in each of azaffinity's modes, when the doctor says where
// calls go, then that is where a program's calls then went: by the zones that executed them, and by the addresses they were sent to.
func TestWhereCallsGo(t *testing.T) {
	for mode, want := range map[string]map[string]string{
		"prefer": {
			"": "the zone", "everywhere": "no zone that answers", "refuse": "other zones", "black-hole": "other zones", "hang": "other zones",
			"certificate": "other zones", "stall": "the zone, then others", "reset": "the zone, then others", "unavailable": "the zone, then others",
		},
		"observe": {
			"": "all zones", "everywhere": "no zone that answers", "refuse": "other zones", "black-hole": "other zones", "hang": "all zones, this one too",
			"certificate": "all zones, this one too", "stall": "all zones, this one too", "reset": "all zones, this one too", "unavailable": "all zones, this one too",
		},
		"off": {"": "all zones", "refuse": "other zones", "stall": "all zones, this one too"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Setenv(resolver.EnvMode, mode)
			for fault, says := range want {
				t.Run("fault="+fault, func(t *testing.T) {
					t.Parallel()
					l, n := faulty(t, fault, lab.Endpoint{Service: "sts", PrivateDNS: true})
					_, rep := examined(t, n, fromFile(t, l, home)...)
					if got := rep.Endpoints[0].CallsTo; got != says {
						t.Errorf("the doctor says that calls go to %q, want %q", got, says)
					}
					calls := follow(t, l, "sts", func(ctx context.Context, r *resolver.Resolver) error {
						cfg := l.Config()
						middleware.Attach(&cfg, r)
						_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil) // each with connections of its own
						return err
					})
					if !claims[says](calls) {
						t.Errorf("the doctor says that calls go to %q, and they went %+v", says, calls)
					}
				})
			}
		})
	}
}

// Given an endpoint without private DNS and a mode in which nothing is routed, then calls go past it, and the doctor says so.
func TestCallsGoPast(t *testing.T) {
	t.Setenv(resolver.EnvMode, "observe")
	l, n := faulty(t, "", lab.Endpoint{Service: "dynamodb"})
	_, rep := examined(t, n, fromFile(t, l, home)...)
	got := rep.Endpoints[0].CallsTo
	calls := follow(t, l, "dynamodb", func(ctx context.Context, r *resolver.Resolver) error {
		cfg := l.Config()
		middleware.Attach(&cfg, r)
		_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, nil)
		return err
	})
	if got != "past the endpoint" || !claims[got](calls) {
		t.Errorf("the doctor says that calls go to %q, and they went %+v", got, calls)
	}
}

// faulty is a VPC with an endpoint and a fault: in the own zone by the flag's name, or all zones refusing.
func faulty(t *testing.T, fault string, e lab.Endpoint) (*lab.Lab, *network) {
	t.Helper()
	l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{e}})
	zones, f := []string{home}, faults[fault]
	if fault == "everywhere" {
		zones, f = []string{home, "us-east-1b", "us-east-1c"}, lab.Refuse
	}
	for _, z := range zones {
		if err := l.Fault(z, f); err != nil {
			t.Fatal(err)
		}
	}
	n.patience /= 2
	return l, n
}

// follow makes calls, one after the other, each with a second, and watches where they go.
func follow(t *testing.T, l *lab.Lab, service string, call func(context.Context, *resolver.Resolver) error) (w went) {
	t.Helper()
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: home})), resolver.WithEndpoints(described(l.DescribeVpcEndpoints())))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.ResetRequests()
	var sent, dialled atomic.Bool
	at := l.Address(service, home).String()
	for range 9 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		var remote atomic.Value
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			ConnectStart: func(_, addr string) {
				if addr == at {
					dialled.Store(true)
				}
			},
			GotConn: func(c httptrace.GotConnInfo) { remote.Store(c.Conn.RemoteAddr().String()) },
			WroteRequest: func(i httptrace.WroteRequestInfo) {
				if i.Err == nil && remote.Load() == at {
					sent.Store(true)
				}
			},
		})
		if err := call(ctx, r); err != nil {
			w.lost++
		} else {
			w.answered++
		}
		cancel()
	}
	w.sent, w.dialled = sent.Load(), dialled.Load() || l.ConnectionsOf(service)[home] > 0
	for z, n := range l.RequestsOf(service) {
		if z == home {
			w.home += n
		} else {
			w.others += n
		}
	}
	return w
}
