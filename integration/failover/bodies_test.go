package failover

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// reading is a transport that reads the whole body before it sends: as those do that record requests, compress or retry them.
type reading struct {
	http.RoundTripper
	tries int           // it makes of a request without an answer, as hashicorp/go-retryablehttp does
	pause time.Duration // between them
}

func (r reading) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	var body []byte
	if req.Body != nil {
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	for try := range max(1, r.tries) {
		if try > 0 {
			select {
			case <-time.After(r.pause):
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		}
		again := req.Clone(req.Context())
		if req.Body != nil {
			again.Body = io.NopCloser(bytes.NewReader(body))
		}
		if resp, err = r.RoundTripper.RoundTrip(again); err == nil || req.Context().Err() != nil {
			return resp, err
		}
	}
	return nil, err
}

// recording is a transport that keeps a copy of what it sends.
type recording struct{ http.RoundTripper }

func (r recording) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		return r.RoundTripper.RoundTrip(req)
	}
	var kept bytes.Buffer
	if _, err := kept.ReadFrom(req.Body); err != nil {
		return nil, err
	}
	own := req.Clone(req.Context())
	own.Body = io.NopCloser(bytes.NewReader(kept.Bytes()))
	return r.RoundTripper.RoundTrip(own)
}

// readers are the clients that have read a body before there is a connection.
var readers = []struct {
	name   string
	attach func(*place, *resolver.Resolver) aws.Config
}{
	{"reads first", func(p *place, r *resolver.Resolver) aws.Config {
		return attachTo(p, r, &http.Client{Transport: reading{RoundTripper: p.HTTPClient().Transport}})
	}},
	{"reads first and retries", func(p *place, r *resolver.Resolver) aws.Config {
		return attachTo(p, r, &http.Client{Transport: reading{p.HTTPClient().Transport, 4, 50 * time.Millisecond}})
	}},
	{"reads first and retries slowly", func(p *place, r *resolver.Resolver) aws.Config {
		return attachTo(p, r, &http.Client{Transport: reading{p.HTTPClient().Transport, 4, time.Second}})
	}},
	{"records", func(p *place, r *resolver.Resolver) aws.Config {
		return attachTo(p, r, &http.Client{Transport: recording{p.HTTPClient().Transport}})
	}},
	{"own client, logs bodies", func(p *place, r *resolver.Resolver) aws.Config {
		cfg := attachTo(p, r, p.SDKClient())
		cfg.ClientLogMode, cfg.Logger = aws.LogRequestWithBody, logging.Nop{}
		return cfg
	}},
	{"foreign client, logs bodies", func(p *place, r *resolver.Resolver) aws.Config {
		cfg := attachTo(p, r, p.HTTPClient())
		cfg.ClientLogMode, cfg.Logger = aws.LogRequestWithBody, logging.Nop{}
		return cfg
	}},
}

func attachTo(p *place, r *resolver.Resolver, client aws.HTTPClient) aws.Config {
	cfg := p.Config()
	cfg.HTTPClient = client
	middleware.Attach(&cfg, r)
	return cfg
}

// Given an S3 endpoint that is not in the zone and is listed by its regional name, when uploads are made by clients that have read the body before
// there is a connection, then none fails, each is executed once, and none takes longer than a connect timeout: at the first, and when the name is tried again,
// some ten seconds later.
func TestUploadsThroughClientsThatRead(t *testing.T) {
	t.Parallel()
	const lasts = 11500 * time.Millisecond // later trials are like the second
	bodies := []workload{
		put("seekable", payload, seekable, plain), put("seekable, trailer", payload, seekable),
		put("stream", payload, readOnce, plain, unsigned), put("stream, trailer", payload, readOnce),
	}
	for _, reader := range readers {
		t.Run(reader.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "s3", Zones: []string{away, farthest}}}})
			var callers sync.WaitGroup
			defer callers.Wait()
			for _, body := range bodies {
				for _, retries := range []bool{true, false} {
					name := body.name + ", retries off"
					if retries {
						name = body.name + ", retries on"
					}
					r, err := resolver.New(
						resolver.WithZone(zone.Static(zone.Zone{Name: home})),
						resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: p.RegionalName("s3")})))
					if err != nil {
						t.Fatal(err)
					}
					own := *p
					own.resolver, own.config = r, load{retries: retries}.set(reader.attach(p, r))
					callers.Go(func() {
						defer r.Close()
						trials := 0
						for begun := time.Now(); time.Since(begun) < lasts; time.Sleep(100 * time.Millisecond) {
							start := time.Now()
							ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
							_, err := body.call(ctx, &own)
							cancel()
							if err != nil {
								t.Errorf("%s: after %v: %v", name, time.Since(begun).Round(time.Second), err)
								return
							}
							if took := time.Since(start); took > connectTimeout+slack {
								t.Errorf("%s: after %v an upload took %v", name, time.Since(begun).Round(time.Second), took)
							}
							trials++
						}
						s := r.Snapshot().Endpoints[0]
						var sent uint64
						for _, n := range s.Attempts {
							sent += n
						}
						t.Logf("%s: %d uploads, %d sends by %v", name, trials, sent, s.Attempts)
					})
				}
			}
			callers.Wait()
			times := map[string]int{}
			for _, e := range p.Executions() {
				if times[e.Invocation]++; times[e.Invocation] > 1 || e.Operation != "PutObject" {
					t.Errorf("executed %d times: %+v", times[e.Invocation], e)
				}
				if strings.Contains(e.Host, home) {
					t.Errorf("executed under %s", e.Host)
				}
			}
		})
	}
}
