package lab

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// s3 is gofakes3, in memory, behind what it lacks: the host names of interface endpoints, and bodies with a trailing checksum.
type s3 struct {
	lab     *Lab
	handler http.Handler
}

func newS3(l *Lab, buckets []string) (*s3, error) {
	store := s3mem.New()
	for _, name := range buckets {
		if err := gofakes3.ValidateBucketName(name); err != nil {
			return nil, fmt.Errorf("bucket %q: %w", name, err)
		}
		if err := store.CreateBucket(name); err != nil {
			return nil, fmt.Errorf("bucket %q: %w", name, err)
		}
	}
	// The signature has been checked against the clock already.
	return &s3{l, gofakes3.New(store, gofakes3.WithTimeSkewLimit(0)).Server()}, nil
}

// operation: the SDK says it in the query of many operations; the method has to do for the others.
func (*s3) operation(r *http.Request, _ []byte) string {
	if name := r.URL.Query().Get("x-id"); name != "" {
		return name
	}
	return r.Method
}

func (s *s3) serve(w http.ResponseWriter, r *http.Request, body []byte, id string) {
	bucket, err := s.bucket(r.Host)
	if err != nil {
		s.fail(w, id, err)
		return
	}
	if bucket != "" {
		r.URL.Path, r.URL.RawPath = "/"+bucket+r.URL.Path, ""
	}
	if r.Header.Get("X-Amz-Content-Sha256") == unsignedTrailer {
		if body, err = unchunk(r.Header, body); err != nil {
			s.fail(w, id, err)
			return
		}
	} else if err := checkChecksums(r.Header, body); err != nil {
		s.fail(w, id, err)
		return
	}
	// gofakes3 keeps every X-Amz- header as the object's metadata and returns it: leave it those that S3 keeps.
	for _, name := range passing {
		r.Header.Del(name)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))

	// S3 answers with the checksum of an object if it was asked to, and if the answer is the whole object.
	wanted := r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && r.Header.Get("Range") == ""
	s.handler.ServeHTTP(&checksumFilter{w, wanted, false}, r)
}

// passing are the headers that end with the request.
var passing = []string{
	"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Decoded-Content-Length", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Trailer", "X-Amz-Security-Token",
}

// bucket is the one that the host names; "" for path style.
func (s *s3) bucket(host string) (string, *apiError) {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	e := s.lab.endpoint("s3")
	bases := []string{e.name("")}
	for _, z := range e.zones {
		bases = append(bases, e.name(z.Name))
	}
	for _, base := range bases {
		rest, ok := strings.CutSuffix("."+host, "."+base)
		if !ok {
			continue
		}
		if bucket, ok := strings.CutSuffix(rest, ".bucket"); ok {
			return strings.TrimPrefix(bucket, "."), nil
		}
		return "", &apiError{http.StatusNotImplemented, "NotImplemented", "the lab has buckets only, no " + host}
	}
	if rest, ok := strings.CutSuffix("."+host, ".s3."+s.lab.region+"."+s.lab.suffix); ok {
		return strings.TrimPrefix(rest, "."), nil
	}
	return "", &apiError{http.StatusNotImplemented, "NotImplemented", "the lab does not know host " + host}
}

func (*s3) fail(w http.ResponseWriter, id string, err *apiError) {
	body, _ := xml.Marshal(struct {
		XMLName                  xml.Name `xml:"Error"`
		Code, Message, RequestId string
	}{Code: err.code, Message: err.message, RequestId: id})
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Amz-Request-Id", id)
	w.WriteHeader(err.status)
	_, _ = w.Write(body)
}

// checksumFilter takes the object's checksum out of answers that must not have it: the SDK would compare it with the part it got.
type checksumFilter struct {
	http.ResponseWriter
	wanted, begun bool
}

func (f *checksumFilter) WriteHeader(status int) {
	if !f.begun && !f.wanted {
		for name := range f.Header() {
			if strings.HasPrefix(name, "X-Amz-Checksum-") {
				f.Header().Del(name)
			}
		}
	}
	f.begun = true
	f.ResponseWriter.WriteHeader(status)
}

func (f *checksumFilter) Write(p []byte) (int, error) {
	if !f.begun {
		f.WriteHeader(http.StatusOK)
	}
	return f.ResponseWriter.Write(p)
}
