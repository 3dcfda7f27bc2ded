// Command s3transfer copies a file to S3 and back with the SDK's transfer manager, whose parts all stay in the
// Availability Zone. The transfer manager works with a client that it is given, so there is nothing to do but to make that
// client from a wrapped config. If the zone's endpoint goes down in the middle, only the parts that were under way
// are sent again, and these and the rest go by other zones. The same goes if packets are dropped in the middle of a download's
// body: on Linux the dead path is found in some two seconds, and the transfer manager reads that part again.
//
//	go run ./examples/s3transfer -file FILE    # to the bucket that BUCKET names
//	go run ./examples/s3transfer -lab          # in a VPC in this process, whose zone goes down half-way
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/azaffinity/azaffinity/examples/internal/command"
	"github.com/azaffinity/azaffinity/examples/internal/inlab"
	"github.com/azaffinity/azaffinity/middleware"
)

type transfer struct {
	path     string // of the file; the copy gets ".copy"
	progress progress
}

func (t transfer) run(ctx context.Context, options ...func(*config.LoadOptions) error) error {
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return err
	}
	r, err := middleware.Wrap(&cfg)
	if err != nil {
		return err
	}
	defer r.Close()
	// Not needed, but a short-lived program has many calls in its first second.
	if err := r.Ready(ctx); err != nil {
		log.Print(err)
	}

	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.DisableLogOutputChecksumValidationSkipped = true // a range has no checksum; else each is logged
	})
	manager := transfermanager.New(client, func(o *transfermanager.Options) {
		o.GetObjectType = types.GetObjectRanges // whatever parts an object was uploaded in
		o.ObjectProgressListeners.Register(t.progress)
	})
	if err := t.upload(ctx, manager); err != nil {
		return err
	}
	if err := t.download(ctx, manager); err != nil {
		return err
	}
	for _, e := range r.Snapshot().Endpoints {
		if e.Service == "s3" {
			log.Printf("by reason: %v", e.Attempts)
		}
	}
	return nil
}

func main() {
	t := transfer{progress: report}
	flag.StringVar(&t.path, "file", "", "the file; with -lab one of random bytes if none is given")
	var options []inlab.LoadOption // none, without -lab
	command.Main(inlab.Lab(&options, t.inLab), func(ctx context.Context) error { return t.run(ctx, options...) })
}

func (t transfer) upload(ctx context.Context, manager *transfermanager.Client) error {
	file, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket(), Key: t.key(), Body: file})
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	return nil
}

func (t transfer) download(ctx context.Context, manager *transfermanager.Client) error {
	file, err := os.Create(t.path + ".copy")
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = manager.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: bucket(), Key: t.key(), WriterAt: file})
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	return file.Close()
}

func bucket() *string { return aws.String(os.Getenv("BUCKET")) }

func (t transfer) key() *string { return aws.String(filepath.Base(t.path)) }

// progress is told after each part. It is called by several goroutines.
type progress func(upload bool, done, total int64)

func (p progress) OnObjectBytesTransferred(_ context.Context, e *transfermanager.ObjectBytesTransferredEvent) {
	_, upload := e.Input.(*transfermanager.UploadObjectInput)
	p(upload, e.BytesTransferred, e.TotalBytes)
}

func report(upload bool, done, total int64) {
	verb := "downloaded"
	if upload {
		verb = "uploaded"
	}
	log.Printf("%s %d of %d MiB", verb, done>>20, total>>20)
}
