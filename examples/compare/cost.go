package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strings"
	"time"
)

// Cost is what a call costs its process without any network: a transport that answers at once stands in for it. In one process with
// the lab the server's work couldn't be told from the client's. A real call costs more, for TLS and the kernel, so
// that the ratios here are the worst there are.
type Cost struct {
	Contender string  `json:"contender"`
	CPU       float64 `json:"cpuMicroseconds"`
	Allocs    float64 `json:"allocations"`
	Bytes     float64 `json:"bytes"`
	// The ratios are to the bare SDK, round by round.
	CPURatio   *Ratio `json:"cpuVsBare,omitempty"`
	AllocRatio *Ratio `json:"allocationsVsBare,omitempty"`
	ByteRatio  *Ratio `json:"bytesVsBare,omitempty"`
}

// control is the bare SDK once more: how far it is from itself is the noise.
const control = "bare SDK again"

// cost has all contenders call the stand-in, in turns.
func (r *runner) cost(ctx context.Context) (costs []Cost, err error) {
	p, err := newPlace(ctx, healthy, nil, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := p.close(); err == nil {
			err = e
		}
	}()
	contenders, end, err := p.contenders()
	if err != nil {
		return nil, err
	}
	defer end()
	again := contenders[0]
	again.Name = control
	contenders = append(contenders, again)

	r.began("cost of a call")
	calls := make([]call, len(contenders))
	cpu, allocs, bytes := make([]map[int]float64, len(contenders)), make([]map[int]float64, len(contenders)), make([]map[int]float64, len(contenders))
	for i, c := range contenders {
		cfg := c.config()
		cfg.HTTPClient = &http.Client{Transport: standIn{}} // after the dialer is attached: what is measured is the way of the SDK's own client
		calls[i] = sendMessage(cfg, c.base("sqs"), c.items)(0)
		cpu[i], allocs[i], bytes[i] = map[int]float64{}, map[int]float64{}, map[int]float64{}
		for range 100 { // until all that is made once is made
			if err := calls[i](ctx); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
	}
	for round := range r.plan.CostRounds {
		for _, i := range rand.Perm(len(contenders)) {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := cpuTime()
			for range r.plan.CostCalls {
				if err := calls[i](ctx); err != nil {
					return nil, fmt.Errorf("%s: %w", contenders[i].Name, err)
				}
			}
			used := cpuTime() - start
			runtime.ReadMemStats(&after)
			n := float64(r.plan.CostCalls)
			cpu[i][round] = float64(used) / float64(time.Microsecond) / n
			allocs[i][round] = float64(after.Mallocs-before.Mallocs) / n
			bytes[i][round] = float64(after.TotalAlloc-before.TotalAlloc) / n
			r.spent(time.Duration(r.plan.CostCalls) * costly)
		}
	}
	center := func(rounds map[int]float64) float64 {
		var all []float64
		for _, x := range rounds {
			all = append(all, x)
		}
		return median(all).Center
	}
	for i, c := range contenders {
		cost := Cost{Contender: c.Name, CPU: center(cpu[i]), Allocs: center(allocs[i]), Bytes: center(bytes[i])}
		if i > 0 {
			cost.CPURatio, cost.AllocRatio, cost.ByteRatio = overRounds(cpu[i], cpu[0]), overRounds(allocs[i], allocs[0]), overRounds(bytes[i], bytes[0])
		}
		costs = append(costs, cost)
	}
	return costs, nil
}

// standIn is a transport that answers SendMessage without a network. It reports a connection to traces, as net/http does.
type standIn struct{}

var sent = func() string {
	sum := md5.Sum([]byte(message))
	return `{"MessageId":"5fea7756-0ea4-451a-a703-a558b933e274","MD5OfMessageBody":"` + hex.EncodeToString(sum[:]) + `"}`
}()

func (standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		if trace.GetConn != nil {
			trace.GetConn(r.URL.Host)
		}
		if trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{Conn: nowhere{}, Reused: true})
		}
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		ContentLength: int64(len(sent)), Body: io.NopCloser(strings.NewReader(sent)),
	}, nil
}

// nowhere is a connection to nobody.
type nowhere struct{ net.Conn }

func (nowhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }
