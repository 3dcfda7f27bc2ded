package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware/dialer"
)

// presigned is what became of requests to a presigned URL, whose signature names its host.
type presigned struct {
	host                string
	plain, dialed, down tally // without the dialer, with it, and with it while the home zone's endpoints were down
	changed             int   // requests whose host was another one
	stray               int   // requests executed in the home zone after its endpoints were down
	// unreachable: this process may not listen at port 443, where a plain client looks for its URLs.
	unreachable bool
}

// presign has plain HTTP clients get a presigned URL, without the dialer and with it, and takes the home zone's endpoints down for the last requests. It has a
// resolver of its own, as another process would: the one before may still keep away from the zone.
func (d demo) presign(ctx context.Context, rec *recorder, f *findings) error {
	l := rec.lab
	if f.presigned.unreachable = l.Address("s3", f.home).Port() != 443; f.presigned.unreachable {
		return nil
	}
	target, err := presignedURL(ctx, l)
	if err != nil {
		return err
	}
	f.presigned.host = target.Host
	r, forget, err := d.resolver(ctx, l)
	if err != nil {
		return err
	}
	defer forget()

	var plain, dialed []worker
	for range d.workers {
		plain = append(plain, worker{fetch(plainClient(l, nil), target)})
		dialed = append(dialed, worker{fetch(plainClient(l, dialer.New(r, dialer.WithNetResolver(l.Resolver()))), target)})
	}
	begun := time.Now()
	get := func(workers []worker) tally {
		rec.work(ctx, workers, d.pause, func(n int) bool { return n < d.calls })
		return rec.cut()
	}
	rec.cut()
	f.presigned.plain = get(plain)
	f.presigned.dialed = get(dialed)
	if err := l.Fault(f.home, lab.Refuse); err != nil {
		return err
	}
	broken := time.Now()
	f.presigned.down = get(dialed)
	for _, e := range l.Executions() {
		if e.Time.After(begun) && e.Host != target.Host {
			f.presigned.changed++
		}
		if e.Time.After(broken) && e.Zone == f.home {
			f.presigned.stray++
		}
	}
	return l.Fault(f.home, lab.None)
}

// presignedURL is made by the SDK, for an object that a worker has put.
func presignedURL(ctx context.Context, l *lab.Lab) (*url.URL, error) {
	client := s3.NewFromConfig(l.Config(), func(o *s3.Options) {
		o.BaseEndpoint = aws.String("https://" + strings.Replace(l.RegionalName("s3"), "*.", "bucket.", 1))
	})
	signed, err := s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(photos), Key: aws.String("worker-0")})
	if err != nil {
		return nil, err
	}
	return url.Parse(signed.URL)
}

// plainClient is what any program may have. In place of the lab's transport, which has its DNS and trusts its CA, d.RoundTripper(nil) does outside.
func plainClient(l *lab.Lab, d *dialer.Dialer) *http.Client {
	sdk := l.SDKClient()
	transport := sdk.GetTransport()
	if d == nil {
		return &http.Client{Transport: transport}
	}
	d.Install(transport, sdk.GetDialer())
	return &http.Client{Transport: d.RoundTripper(transport)}
}

// fetch gets a URL.
func fetch(client *http.Client, from *url.URL) call {
	return func(ctx context.Context) (none smithymiddleware.Metadata, err error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
		if err != nil {
			return none, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return none, err
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err == nil && (resp.StatusCode != http.StatusOK || !bytes.Equal(got, content)) {
			err = fmt.Errorf("a presigned URL was answered with %s: %q", resp.Status, got)
		}
		return none, err
	}
}
