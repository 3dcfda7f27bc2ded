package lab

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
)

// backend is a service: one for the whole VPC, whatever zone a request comes through.
type backend interface {
	// serve executes a verified request. Its answer carries the request id.
	serve(w http.ResponseWriter, r *http.Request, body []byte, id string)
	// fail answers with an error in the service's own format.
	fail(w http.ResponseWriter, id string, err *apiError)
	// operation is the name of the operation asked for, "" if the request doesn't say.
	operation(r *http.Request, body []byte) string
}

func newBackends(l *Lab, opts Options) (map[string]backend, error) {
	s3, err := newS3(l, opts.Buckets)
	if err != nil {
		return nil, err
	}
	dynamodb, err := newDynamoDB(l.region, opts.Tables)
	if err != nil {
		return nil, err
	}
	all := map[string]backend{"s3": s3, "dynamodb": dynamodb, "kinesis": newKinesis(), "sqs": newSQS(l.region, l.suffix), "sts": sts{}}
	for _, e := range l.endpoints {
		if e.Handler != nil {
			all[e.Service] = handled{e.Handler}
		}
	}
	return all, nil
}

// handled is a service that the lab's user brings.
type handled struct{ http.Handler }

func (h handled) serve(w http.ResponseWriter, r *http.Request, _ []byte, _ string) {
	h.ServeHTTP(w, r)
}

func (handled) fail(w http.ResponseWriter, _ string, err *apiError) {
	http.Error(w, err.code+": "+err.message, err.status)
}

func (handled) operation(r *http.Request, _ []byte) string { return r.Method }

type apiError struct {
	status        int
	code, message string
}

// jsonService speaks AWS JSON 1.0 or 1.1: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
type jsonService struct {
	version   string // "1.0" where empty
	target    string // what X-Amz-Target says before the dot
	namespace string // of error codes
	call      map[string]func(ctx context.Context, body []byte) (any, *apiError)
	checksum  bool              // X-Amz-Crc32, as DynamoDB sends
	query     map[string]string // X-Amzn-Query-Error by code, as SQS sends
}

func (s *jsonService) operation(r *http.Request, _ []byte) string {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return name
}

func (s *jsonService) serve(w http.ResponseWriter, r *http.Request, body []byte, id string) {
	target, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	call := s.call[name]
	if target != s.target || call == nil {
		s.fail(w, id, &apiError{http.StatusBadRequest, "UnknownOperationException", fmt.Sprintf("the lab does not have operation %q", name)})
		return
	}
	out, err := call(r.Context(), body)
	if err != nil {
		s.fail(w, id, err)
		return
	}
	s.answer(w, id, http.StatusOK, out)
}

func (s *jsonService) fail(w http.ResponseWriter, id string, err *apiError) {
	if query, ok := s.query[err.code]; ok {
		w.Header().Set("X-Amzn-Query-Error", query+";Sender")
	}
	s.answer(w, id, err.status, object{"__type": s.namespace + "#" + err.code, "message": err.message})
}

func (s *jsonService) answer(w http.ResponseWriter, id string, status int, out any) {
	body, _ := json.Marshal(out) // plain values: cannot fail
	w.Header().Set("Content-Type", "application/x-amz-json-"+cmp.Or(s.version, "1.0"))
	w.Header().Set("X-Amzn-Requestid", id)
	if s.checksum {
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// on makes a call of a function with typed input.
func on[In any](do func(ctx context.Context, in In) (any, *apiError)) func(context.Context, []byte) (any, *apiError) {
	return func(ctx context.Context, body []byte) (any, *apiError) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, &apiError{http.StatusBadRequest, "SerializationException", err.Error()}
		}
		return do(ctx, in)
	}
}
