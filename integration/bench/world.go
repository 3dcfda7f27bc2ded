package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	region = "us-east-1"
	home   = "us-east-1b"
	// catalogue is how many endpoints there are when calls are measured.
	catalogue = 100
)

// The hosts that calls go to, bare and in the zone.
const (
	usualSQS = "sqs.us-east-1.amazonaws.com"
	zonalSQS = "vpce-00000000000000001-abcdefgh-us-east-1b.sqs.us-east-1.vpce.amazonaws.com"
	usualS3  = "photos.s3.us-east-1.amazonaws.com"
	zonalS3  = "photos.bucket.vpce-00000000000000002-abcdefgh-us-east-1b.s3.us-east-1.vpce.amazonaws.com"
)

// world is what programs run in: a directory with files that list endpoints, and what they have started.
type world struct {
	dir  string
	seen func(host string) // is told where requests are sent; nil: nobody wants to know
	ends []func()
}

func (w *world) atEnd(f func()) { w.ends = append(w.ends, f) }

// close ends all that was started, the last first.
func (w *world) close() {
	for i := len(w.ends) - 1; i >= 0; i-- {
		w.ends[i]()
	}
	w.ends = nil
}

// listing is a file that lists n endpoints in six zones, as AWS does. The first two are SQS's and S3's.
func (w *world) listing(n int) (string, error) {
	path := filepath.Join(w.dir, fmt.Sprintf("%d.json", n))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	var all []map[string]any
	for i := range n {
		all = append(all, entry(i))
	}
	content, err := json.Marshal(map[string]any{"VpcEndpoints": all})
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, content, 0o600)
}

// entry is an endpoint as AWS lists it.
func entry(i int) map[string]any {
	service, star := fmt.Sprint("service", i), ""
	switch i {
	case 0:
		service = "sqs"
	case 1:
		service, star = "s3", "*."
	}
	id := fmt.Sprintf("vpce-%017x", i+1)
	var names []map[string]string
	for _, letter := range []string{"", "a", "b", "c", "d", "e", "f"} {
		in := ""
		if letter != "" {
			in = "-" + region + letter
		}
		names = append(names, map[string]string{"DnsName": star + id + "-abcdefgh" + in + "." + service + "." + region + ".vpce.amazonaws.com"})
	}
	return map[string]any{
		"VpcEndpointId": id, "VpcEndpointType": "Interface", "State": "available", "ServiceName": "com.amazonaws." + region + "." + service,
		"PrivateDnsEnabled": false, "DnsEntries": names,
	}
}

// options are the resolver's, for n endpoints.
func (w *world) options(n int) ([]resolver.Option, error) {
	path, err := w.listing(n)
	if err != nil {
		return nil, err
	}
	return []resolver.Option{resolver.WithZone(zone.Static(zone.Zone{Name: home})), resolver.WithEndpoints(endpoint.File(path))}, nil
}

// start makes a resolver that is ready.
func (w *world) start(n int) (*resolver.Resolver, error) {
	options, err := w.options(n)
	if err != nil {
		return nil, err
	}
	r, err := resolver.New(options...)
	if err != nil {
		return nil, err
	}
	w.atEnd(func() { _ = r.Close() })
	return r, r.Ready(context.Background())
}

// stop ends the resolver that was started last.
func (w *world) stop(r *resolver.Resolver) error {
	w.ends = w.ends[:len(w.ends)-1]
	return r.Close()
}

func firstRoute(r *resolver.Resolver) error {
	if r.Resolve(usualSQS).Host != zonalSQS {
		return errors.New("a resolver that is ready doesn't route")
	}
	return nil
}

// held is how many bytes a resolver holds while it is in use.
func (w *world) held(n int) (float64, error) {
	const some = 8
	var all [some]*resolver.Resolver
	before := heap()
	for i := range all {
		var err error
		if all[i], err = w.start(n); err != nil {
			return 0, err
		}
	}
	after := heap()
	for i := range all {
		_ = w.stop(all[some-1-i])
	}
	return (float64(after) - float64(before)) / some, nil
}

// heap is how many bytes are in use.
func heap() uint64 {
	var m runtime.MemStats
	for range 2 { // what has finalizers is freed by the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
