package lab_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// afterSigning changes a request when its signature is made.
func afterSigning(change func(*smithyhttp.Request)) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("tamper",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				change(in.Request.(*smithyhttp.Request))
				return next.HandleFinalize(ctx, in)
			}), "Signing", middleware.After)
	}
}

func TestWhatWasNotSignedIsRefused(t *testing.T) {
	l := start(t, lab.Options{Buckets: []string{"photos"}})
	for what, change := range map[string]func(*smithyhttp.Request){
		"host":   func(r *smithyhttp.Request) { r.URL.Host = l.ZonalName("sts", "us-east-1b") },
		"path":   func(r *smithyhttp.Request) { r.URL.Path = "/other" },
		"query":  func(r *smithyhttp.Request) { r.URL.RawQuery = "a=b" },
		"header": func(r *smithyhttp.Request) { r.Header.Set("Content-Type", "text/plain") },
		"body": func(r *smithyhttp.Request) {
			other, err := r.SetStream(strings.NewReader("Action=GetCallerIdentity&Version=2011-06-16"))
			if err == nil {
				*r = *other
			}
		},
		"signature": func(r *smithyhttp.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+"0") },
	} {
		l.ResetRequests()
		c := stsAt(l.Config(), l.ZonalName("sts", "us-east-1a"))
		_, err := c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}, sts.WithAPIOptions(afterSigning(change)))
		if err == nil {
			t.Errorf("%s changed: got an answer", what)
		}
		wantCode(t, err, "SignatureDoesNotMatch")
		for zone, n := range l.Requests() {
			if n != 0 {
				t.Errorf("%s changed: counted in %s", what, zone)
			}
		}
	}

	// The same for S3's body with a trailing checksum, which takes another way through the verification.
	c := s3.NewFromConfig(l.Config(), func(o *s3.Options) { o.BaseEndpoint = base(l.ZonalName("s3", "us-east-1a")) })
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("k"), Body: strings.NewReader("moon")},
		s3.WithAPIOptions(afterSigning(func(r *smithyhttp.Request) {
			r.URL.Host = "photos.bucket." + strings.TrimPrefix(l.RegionalName("s3"), "*.")
		})))
	wantCode(t, err, "SignatureDoesNotMatch")
}

func TestUnsignedOrForeignRequestsAreRefused(t *testing.T) {
	l := start(t, lab.Options{})
	host := l.RegionalName("sts")
	get := func(authorization, date string) string {
		r := must(http.NewRequest(http.MethodGet, "https://"+host+"/?Action=GetCallerIdentity&Version=2011-06-15", nil))(t)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		res := must(l.HTTPClient().Do(r))(t)
		defer res.Body.Close()
		body := must(io.ReadAll(res.Body))(t)
		_, code, _ := strings.Cut(string(body), "<Code>")
		code, _, _ = strings.Cut(code, "</Code>")
		return fmt.Sprintf("%d %s", res.StatusCode, code)
	}
	signed := func(service, region, key string, at time.Time) (string, string) {
		r := must(http.NewRequest(http.MethodGet, "https://"+host+"/?Action=GetCallerIdentity&Version=2011-06-15", nil))(t)
		credentials := must(l.Config().Credentials.Retrieve(t.Context()))(t)
		if key != "" {
			credentials.AccessKeyID = key
		}
		sum := sha256.Sum256(nil)
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(sum[:]), service, region, at); err != nil {
			t.Fatal(err)
		}
		return r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date")
	}
	now := time.Now()
	for what, test := range map[string]struct {
		want                string
		authorization, date string
	}{
		"none":    {want: "403 MissingAuthenticationToken"},
		"basic":   {want: "403 IncompleteSignature", authorization: "Basic eDp5"},
		"cut off": {want: "403 IncompleteSignature", authorization: "AWS4-HMAC-SHA256 Credential=", date: "x"},
	} {
		if got := get(test.authorization, test.date); got != test.want {
			t.Errorf("%s: got %s, want %s", what, got, test.want)
		}
	}
	for what, test := range map[string]struct {
		want                 string
		service, region, key string
		at                   time.Time
	}{
		"right":           {"200 ", "sts", "us-east-1", "", now},
		"another service": {"403 SignatureDoesNotMatch", "sqs", "us-east-1", "", now},
		"another Region":  {"403 SignatureDoesNotMatch", "sts", "us-west-2", "", now},
		"another key":     {"403 InvalidClientTokenId", "sts", "us-east-1", "AKIAANOTHER", now},
		"too old":         {"403 SignatureDoesNotMatch", "sts", "us-east-1", "", now.Add(-16 * time.Minute)},
		"too early":       {"403 SignatureDoesNotMatch", "sts", "us-east-1", "", now.Add(16 * time.Minute)},
	} {
		if got := get(signed(test.service, test.region, test.key, test.at)); got != test.want {
			t.Errorf("%s: got %s, want %s", what, got, test.want)
		}
	}
}

func TestPresigned(t *testing.T) {
	l := start(t, lab.Options{Buckets: []string{"photos"}})
	c := s3.NewFromConfig(l.Config(), func(o *s3.Options) { o.BaseEndpoint = base(l.RegionalName("s3")) })
	put := must(s3.NewPresignClient(c).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("a b")}))(t)
	get := must(s3.NewPresignClient(c).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("photos"), Key: aws.String("a b")}))(t)
	who := must(sts.NewPresignClient(stsAt(l.Config(), "")).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	for _, test := range []struct {
		what, method, url, body string
		want                    int
	}{
		{"put", "PUT", put.URL, "moon", 200},
		{"get", "GET", get.URL, "", 200},
		{"another object", "GET", strings.Replace(get.URL, "a%20b", "a%20c", 1), "", 403},
		{"another method", "DELETE", get.URL, "", 403},
		{"another host", "GET", strings.Replace(get.URL, "."+strings.TrimPrefix(l.RegionalName("s3"), "*."), "."+strings.TrimPrefix(l.ZonalName("s3", "us-east-1a"), "*."), 1), "", 403},
		{"sts", who.Method, who.URL, "", 200},
	} {
		r := must(http.NewRequest(test.method, test.url, strings.NewReader(test.body)))(t)
		res := must(l.HTTPClient().Do(r))(t)
		body := must(io.ReadAll(res.Body))(t)
		_ = res.Body.Close()
		if res.StatusCode != test.want {
			t.Errorf("%s: got %d, want %d: %s", test.what, res.StatusCode, test.want, body)
		}
	}
}

func TestCorruptTrailingChecksumIsRefused(t *testing.T) {
	l := start(t, lab.Options{Buckets: []string{"photos"}})
	c := s3.NewFromConfig(l.Config(), func(o *s3.Options) { o.BaseEndpoint = base(l.RegionalName("s3")); o.Retryer = aws.NopRetryer{} })
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("photos"), Key: aws.String("k"), Body: strings.NewReader("moon")},
		s3.WithAPIOptions(afterSigning(func(r *smithyhttp.Request) {
			chunked, err := io.ReadAll(r.GetStream())
			if err != nil {
				t.Error(err)
			}
			other, err := r.SetStream(strings.NewReader(strings.Replace(string(chunked), "moon", "noon", 1)))
			if err != nil {
				t.Error(err)
			}
			*r = *other
		})))
	wantCode(t, err, "BadDigest")
}
