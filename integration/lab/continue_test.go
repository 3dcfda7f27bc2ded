package lab_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// The SDK asks S3 whether it may go on with a body of more than 2 MB: Expect: 100-continue. A front end that reads requests says so. Over HTTP/2 the body
// waits for that. Over HTTP/1.1 it doesn't: net/http waits for requests with a ProtoMajor only, which the SDK's haven't got.
func TestContinue(t *testing.T) {
	for _, test := range []struct {
		fault     lab.Fault
		want      string
		continues bool
		executed  int
	}{
		{lab.None, "answered", true, 1},
		{lab.Refuse, "refused", false, 0},
		{lab.BlackHole, "silence", false, 0},
		{lab.Hang, "silence", false, 0},
		{lab.Stall, "silence", true, 0},
		{lab.Reset, "reset", true, 0},
		{lab.ResetAfter(0), "reset", true, 1},
		{lab.Unavailable, "503", true, 0},
		{lab.WrongCertificate, "wrong certificate", false, 0},
		{lab.DNSAbsent, "no such host", false, 0},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v http2=%v", test.fault, http2), func(t *testing.T) {
				t.Parallel()
				l := start(t, lab.Options{Buckets: []string{"photos"}, Endpoints: []lab.Endpoint{{Service: "s3"}}, HTTP2: http2})
				if err := l.Fault(home, test.fault); err != nil {
					t.Fatal(err)
				}
				c := s3.NewFromConfig(l.Config(), func(o *s3.Options) {
					o.BaseEndpoint, o.Retryer = base(l.ZonalName("s3", home)), aws.NopRetryer{}
				})
				patience := 20 * time.Second
				if test.want == "silence" {
					patience = 2 * time.Second
				}
				var waited, told atomic.Bool
				ctx := httptrace.WithClientTrace(within(t, patience), &httptrace.ClientTrace{
					Wait100Continue: func() { waited.Store(true) },
					Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
						told.Store(code == http.StatusContinue)
						return nil
					},
				})
				content := bytes.Repeat([]byte("a moon over a lake. "), 150_000) // 3 MB
				_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("moon"), Body: bytes.NewReader(content)})
				if o := outcome(err); o != test.want {
					t.Errorf("got %s, want %s", o, test.want)
				}
				if told.Load() != test.continues || waited.Load() != (http2 && test.continues) {
					t.Errorf("was told to go on: %v, waited for that: %v, want %v, and %v", told.Load(), waited.Load(), test.continues, http2 && test.continues)
				}
				if n := l.Requests()[home]; n != test.executed {
					t.Errorf("executed %d, want %d", n, test.executed)
				}
				if test.want != "answered" {
					return
				}
				out := must(c.GetObject(context.WithoutCancel(ctx), &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("moon")}))(t)
				if back := must(io.ReadAll(out.Body))(t); !bytes.Equal(back, content) {
					t.Errorf("got %d other bytes back", len(back))
				}
			})
		}
	}
}
