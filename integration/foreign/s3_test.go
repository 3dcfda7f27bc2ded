package foreign

//lint:file-ignore SA1019 The old transfer manager is deprecated, and what most programs have.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	tmtypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/s3store"
	"gocloud.dev/blob/s3blob"
	"golang.org/x/exp/slog"
)

const mib = 1 << 20

// content is n's own, of some size.
func content(n, size int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%019d\n", n)), size/20)
}

func key(n int) string { return fmt.Sprintf("moon-%d.jpg", n) }

func same(sent, got []byte) error {
	if !bytes.Equal(sent, got) {
		return fmt.Errorf("%d bytes came back that are not the %d that were sent", len(got), len(sent))
	}
	return nil
}

func buckets(t *testing.T, p *place) work {
	b, err := s3blob.OpenBucket(t.Context(), s3blob.Dial(p.attached()), bucket, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return func(ctx context.Context, n int) error {
		sent := content(n, 1000)
		if err := b.WriteAll(ctx, key(n), sent, nil); err != nil {
			return err
		}
		got, err := b.ReadAll(ctx, key(n))
		if err != nil {
			return err
		}
		return same(sent, got)
	}
}

// uploads is tusd's server, and a client of it.
func uploads(t *testing.T, p *place) work {
	store := s3store.New(bucket, s3.NewFromConfig(p.attached()))
	store.TemporaryDirectory = t.TempDir()
	composer := handler.NewStoreComposer()
	store.UseIn(composer)
	tusd, err := handler.NewHandler(handler.Config{BasePath: "/files/", StoreComposer: composer, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/files/", tusd))
	t.Cleanup(server.Close)
	return func(ctx context.Context, n int) error {
		sent := content(n, 1000)
		_, location, err := tus(ctx, http.MethodPost, server.URL+"/files/", http.Header{"Upload-Length": {strconv.Itoa(len(sent))}}, nil)
		if err != nil {
			return err
		}
		header := http.Header{"Upload-Offset": {"0"}, "Content-Type": {"application/offset+octet-stream"}}
		if _, _, err := tus(ctx, http.MethodPatch, location, header, sent); err != nil {
			return err
		}
		got, _, err := tus(ctx, http.MethodGet, location, http.Header{}, nil)
		if err != nil {
			return err
		}
		return same(sent, got)
	}
}

// tus makes a request of the protocol that tusd speaks, see https://tus.io/protocols/resumable-upload.
func tus(ctx context.Context, method, url string, header http.Header, body []byte) (answer []byte, location string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	header.Set("Tus-Resumable", "1.0.0")
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = errors.New(method + ": " + resp.Status + ": " + string(answer))
	}
	return answer, resp.Header.Get("Location"), err
}

func oldManager(_ *testing.T, p *place) work {
	client := s3.NewFromConfig(p.attached(), quiet)
	up, down := manager.NewUploader(client), manager.NewDownloader(client)
	return func(ctx context.Context, n int) error {
		sent := content(n, 5*mib+40)
		if _, err := up.Upload(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key(n)), Body: bytes.NewReader(sent)}); err != nil {
			return err
		}
		got := manager.NewWriteAtBuffer(make([]byte, 0, len(sent)))
		if _, err := down.Download(ctx, got, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key(n))}); err != nil {
			return err
		}
		return same(sent, got.Bytes())
	}
}

func newManager(_ *testing.T, p *place) work {
	m := transfermanager.New(s3.NewFromConfig(p.attached(), quiet), func(o *transfermanager.Options) {
		o.PartSizeBytes, o.MultipartUploadThreshold, o.GetObjectType = 5*mib, 5*mib, tmtypes.GetObjectRanges
	})
	return func(ctx context.Context, n int) error {
		sent := content(n, 5*mib+40)
		if _, err := m.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: aws.String(bucket), Key: aws.String(key(n)), Body: bytes.NewReader(sent)}); err != nil {
			return err
		}
		got := manager.NewWriteAtBuffer(make([]byte, 0, len(sent)))
		if _, err := m.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: aws.String(bucket), Key: aws.String(key(n)), WriterAt: got}); err != nil {
			return err
		}
		return same(sent, got.Bytes())
	}
}

// quiet: a range has no checksum, and the SDK would log that.
func quiet(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true }
