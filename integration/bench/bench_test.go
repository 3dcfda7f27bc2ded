package bench

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	region  = "us-east-1"
	home    = "us-east-1b"
	message = "a letter of usual size, more or less"
)

// letters are of the zones that endpoints are in.
var letters = []string{"a", "b", "c", "d", "e", "f"}

// entry is an endpoint as AWS lists it. The first two are SQS's and S3's.
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
	for _, z := range append([]string{""}, letters...) {
		if z != "" {
			z = "-" + region + z
		}
		names = append(names, map[string]string{"DnsName": star + id + "-abcdefgh" + z + "." + service + "." + region + ".vpce.amazonaws.com"})
	}
	return map[string]any{
		"VpcEndpointId": id, "VpcEndpointType": "Interface", "State": "available", "ServiceName": "com.amazonaws." + region + "." + service,
		"PrivateDnsEnabled": false, "DnsEntries": names,
	}
}

// listing is a file with n endpoints in six zones.
func listing(tb testing.TB, n int) string {
	tb.Helper()
	var all []map[string]any
	for i := range n {
		all = append(all, entry(i))
	}
	content, err := json.Marshal(map[string]any{"VpcEndpoints": all})
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "endpoints.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// start is what a program does at its start, until its calls are routed.
func start(tb testing.TB, path string, mode resolver.Mode) *resolver.Resolver {
	tb.Helper()
	r, err := resolver.New(
		resolver.WithZone(zone.Static(zone.Zone{Name: home})),
		resolver.WithEndpoints(endpoint.File(path)),
		resolver.WithMode(mode))
	if err != nil {
		tb.Fatal(err)
	}
	if err := r.Ready(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return r
}

// standIn answers without a network, and tells those who trace of a connection as net/http does.
type standIn struct {
	answer []byte
	host   *string // where the last request was sent; nil: nobody wants to know
}

func (s standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		if trace.GetConn != nil {
			trace.GetConn(r.URL.Host)
		}
		if trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{Reused: true})
		}
	}
	if s.host != nil {
		*s.host = r.URL.Host
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"X-Amzn-Requestid": {"00000000-0000-4000-8000-000000000000"}},
		ContentLength: int64(len(s.answer)), Body: io.NopCloser(bytes.NewReader(s.answer)),
	}, nil
}

// operations are SDK calls.
var operations = []struct {
	name         string
	answer       []byte
	usual, zonal string // hosts
	make         func(aws.Config) func(context.Context) error
}{
	{
		"SendMessage", sent(), "sqs.us-east-1.amazonaws.com", "vpce-00000000000000001-abcdefgh-us-east-1b.sqs.us-east-1.vpce.amazonaws.com",
		func(cfg aws.Config) func(context.Context) error {
			client := sqs.NewFromConfig(cfg)
			return func(ctx context.Context) error {
				_, err := client.SendMessage(ctx, &sqs.SendMessageInput{
					QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/mails"), MessageBody: aws.String(message),
				})
				return err
			}
		},
	},
	{
		"GetObject", []byte(message), "photos.s3.us-east-1.amazonaws.com", "photos.bucket.vpce-00000000000000002-abcdefgh-us-east-1b.s3.us-east-1.vpce.amazonaws.com",
		func(cfg aws.Config) func(context.Context) error {
			client := s3.NewFromConfig(cfg)
			return func(ctx context.Context) error {
				out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("moon")})
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, out.Body)
				_ = out.Body.Close()
				return err
			}
		},
	},
}

func sent() []byte {
	sum := md5.Sum([]byte(message))
	return []byte(`{"MessageId":"5fea7756-0ea4-451a-a703-a558b933e274","MD5OfMessageBody":"` + hex.EncodeToString(sum[:]) + `"}`)
}

// clients are the ways to call. The first two are the same: what they differ by is noise.
var clients = []struct {
	name   string
	routed bool
	mode   resolver.Mode
}{
	{name: "bare"},
	{name: "bare-again"},
	{name: "azaffinity", routed: true},
	{name: "observing", routed: true, mode: resolver.Observe},
	{name: "off", routed: true, mode: resolver.Off},
}

// config is that of one of the clients, with r where it is routed.
func config(transport standIn, r *resolver.Resolver) aws.Config {
	cfg := aws.Config{
		Region:                     region,
		Credentials:                aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", "")),
		HTTPClient:                 &http.Client{Transport: transport},
		Logger:                     logging.Nop{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	if r != nil {
		middleware.Append(&cfg.APIOptions, r)
	}
	return cfg
}

// catalogue is how many endpoints there are when calls are measured.
const catalogue = 100

// TestCalls checks that the benchmarks measure what they say.
func TestCalls(t *testing.T) {
	path := listing(t, catalogue)
	for _, op := range operations {
		for _, c := range clients {
			t.Run(op.name+"/"+c.name, func(t *testing.T) {
				var r *resolver.Resolver
				want := op.usual
				if c.routed {
					r = start(t, path, c.mode)
					defer func() { _ = r.Close() }()
					if c.mode == resolver.Prefer {
						want = op.zonal
					}
				}
				var host string
				if err := op.make(config(standIn{op.answer, &host}, r))(t.Context()); err != nil {
					t.Fatal(err)
				}
				if host != want {
					t.Errorf("sent to %s, want %s", host, want)
				}
			})
		}
	}
}

// BenchmarkCall is a whole SDK call without its network, by one caller, and by as many as there are processors.
func BenchmarkCall(b *testing.B) {
	path := listing(b, catalogue)
	for _, op := range operations {
		calls := make([]func(context.Context) error, len(clients)) // all at first: a collector of garbage has the same to look through for each
		for i, c := range clients {
			var r *resolver.Resolver
			if c.routed {
				r = start(b, path, c.mode)
				defer func() { _ = r.Close() }()
			}
			calls[i] = op.make(config(standIn{op.answer, nil}, r))
		}
		for i, c := range clients {
			do := calls[i]
			b.Run("op="+op.name+"/callers=one/client="+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := do(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("op="+op.name+"/callers=many/client="+c.name, func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := do(context.Background()); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkStart is from nothing to the first routed call: reading a file with so many endpoints in six zones, and making the table of hosts.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		path := listing(b, n)
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := start(b, path, resolver.Prefer)
				if r.Resolve(operations[0].usual).Target != resolver.Zonal {
					b.Fatal("not routed")
				}
				_ = r.Close()
			}
		})
	}
}

// BenchmarkMemory is what a resolver holds while it is in use.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		path := listing(b, n)
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			var held []*resolver.Resolver
			before := heap()
			for b.Loop() {
				held = append(held, start(b, path, resolver.Prefer))
			}
			after := heap()
			b.ReportMetric((float64(after)-float64(before))/float64(len(held)), "B-held")
			b.ReportMetric(0, "ns/op") // BenchmarkStart's
			for _, r := range held {
				_ = r.Close()
			}
			runtime.KeepAlive(held)
		})
	}
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
