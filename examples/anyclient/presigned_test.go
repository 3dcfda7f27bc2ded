package anyclient_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// presignedURL has no more than URLs that somebody signed: if their host were another, the signatures would be wrong.
var presignedURL = client{
	endpoints: func(*vpc) ([]lab.Endpoint, error) {
		return []lab.Endpoint{{Service: "s3", PrivateDNS: true}}, nil
	},
	connect: func(v *vpc) (call, error) {
		putURL, getURL, err := presign(v.Config())
		if err != nil {
			return nil, err
		}
		client := &http.Client{Transport: v.dialer.RoundTripper(v.transport())}
		return func(ctx context.Context) error {
			put, err := http.NewRequestWithContext(ctx, http.MethodPut, putURL, strings.NewReader("a moon over a lake"))
			if err != nil {
				return err
			}
			if err := do(client, put); err != nil {
				return err
			}
			get, err := http.NewRequestWithContext(ctx, http.MethodGet, getURL, nil)
			if err != nil {
				return err
			}
			return do(client, get)
		}, nil
	},
}

func presign(cfg aws.Config) (put, get string, err error) {
	signer := s3.NewPresignClient(s3.NewFromConfig(cfg))
	bucket, key := aws.String("photos"), aws.String("moon.jpg")
	p, err := signer.PresignPutObject(context.Background(), &s3.PutObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return "", "", err
	}
	g, err := signer.PresignGetObject(context.Background(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return "", "", err
	}
	return p.URL, g.URL, nil
}

func do(client *http.Client, request *http.Request) error {
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", request.Method, request.URL.Host, answer.Status, body)
	}
	return err
}

// A plain http.Client with presigned URLs.
func Example_presignedURL() {
	show(presignedURL, 10)
	// Output: zone b: 20 of 20 requests
}
