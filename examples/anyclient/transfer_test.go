package anyclient_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	tmtypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const mib = 1 << 20

// transfer copies an object of two parts to S3 and back. Its HTTP client has the dialer in place of transfermanager.WithRoundRobinDNS, which would take one
// address after the other, whatever the zone, and stay with one that is dead.
var transfer = client{
	endpoints: func(*vpc) ([]lab.Endpoint, error) {
		return []lab.Endpoint{{Service: "s3", PrivateDNS: true}}, nil
	},
	connect: func(v *vpc) (call, error) {
		manager := transfermanager.New(s3.NewFromConfig(v.Config(), func(o *s3.Options) {
			o.HTTPClient = &http.Client{Transport: v.dialer.RoundTripper(v.transport())}
			o.DisableLogOutputChecksumValidationSkipped = true // a range has no checksum
		}), func(o *transfermanager.Options) {
			o.PartSizeBytes, o.MultipartUploadThreshold = 5*mib, 5*mib
			o.GetObjectType = tmtypes.GetObjectRanges
		})
		sent := bytes.Repeat([]byte("a moon over a lake. "), 6*mib/20)
		bucket, key := aws.String("photos"), aws.String("moon.jpg")
		return func(ctx context.Context) error {
			if _, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(sent)}); err != nil {
				return err
			}
			got := memory(make([]byte, len(sent)))
			if _, err := manager.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: bucket, Key: key, WriterAt: got}); err != nil {
				return err
			}
			if !bytes.Equal(sent, got) {
				return errors.New("what came back is something else")
			}
			return nil
		}, nil
	},
}

// memory is as long as what is written to it.
type memory []byte

func (m memory) WriteAt(p []byte, at int64) (int, error) { return copy(m[at:], p), nil }

// The SDK's transfer manager for S3: two parts up with a request before and one after them, and two down.
func Example_transferManager() {
	show(transfer, 1)
	// Output: zone b: 6 of 6 requests
}
