package metadata

import (
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// What ${ECS_CONTAINER_METADATA_URI_V4}/task answers, after "Amazon ECS task metadata v4 examples" of the ECS Developer Guide.
// The one on Fargate has the ID that agents tell since 2026-01.
var (
	//go:embed testdata/ecs-task-on-ec2.json
	taskOnEC2 string
	//go:embed testdata/ecs-task-on-fargate.json
	taskOnFargate string
)

// What the Lambda metadata endpoint answers, after "Using the Lambda metadata endpoint" of the Lambda Developer Guide.
const (
	environmentSample = `{"AvailabilityZoneID":"use1-az1"}`
	cacheControl      = "private, max-age=43200, immutable"
	lambdaToken       = "a-token-that-nobody-may-print"
)

// fake is a metadata endpoint of ECS or Lambda.
type fake struct {
	mu    sync.Mutex
	body  string
	cache string // Cache-Control, where there is one
	asked int
}

func (f *fake) answer(w http.ResponseWriter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	w.Header().Set("Content-Type", "application/json")
	if f.cache != "" {
		w.Header().Set("Cache-Control", f.cache)
	}
	_, _ = io.WriteString(w, f.body)
}

func (f *fake) wantAsked(t *testing.T, want int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked != want {
		t.Errorf("the endpoint was asked %d times, want %d", f.asked, want)
	}
}

// onECS makes this process a container of an ECS task, on AWS_ECS_EC2 or AWS_ECS_FARGATE.
func onECS(t *testing.T, platform, task string) *fake {
	t.Helper()
	f := &fake{body: task}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v4/0123-456/task" {
			http.NotFound(w, r)
			return
		}
		f.answer(w)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_EXECUTION_ENV", platform)
	t.Setenv("ECS_CONTAINER_METADATA_URI_V4", server.URL+"/v4/0123-456")
	return f
}

// onLambda makes this process an execution environment of a Lambda function.
func onLambda(t *testing.T, environment string) *fake {
	t.Helper()
	f := &fake{body: environment, cache: cacheControl}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/2026-01-15/metadata/execution-environment":
			http.NotFound(w, r)
		case r.Method != http.MethodGet:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.Header.Get("Authorization") != "Bearer "+lambdaToken:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			f.answer(w)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
	t.Setenv("AWS_LAMBDA_METADATA_API", strings.TrimPrefix(server.URL, "http://"))
	t.Setenv("AWS_LAMBDA_METADATA_TOKEN", lambdaToken)
	return f
}

// onEC2 makes IMDS, which is there in every environment of these tests, lead to s.
func onEC2(t *testing.T, s *service) {
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.url)
}

// wantQuiet fails if something that was said holds the Lambda token.
func wantQuiet(t *testing.T, said any) {
	t.Helper()
	if strings.Contains(fmt.Sprintf("%+v", said), lambdaToken) {
		t.Error("the Lambda token was shown")
	}
}
