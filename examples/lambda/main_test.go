package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const patience = 30 * time.Second

// builds are the function's programs, by the names of build's variants. They are made when they are needed, and once.
var builds struct {
	sync.Mutex
	dir string
}

func TestMain(m *testing.M) {
	var err error
	builds.dir, err = os.MkdirTemp("", "azaffinity-lambda-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(builds.dir)
	os.Exit(code)
}

// build builds this directory's program, as it is or, "without", with a Wrap that does nothing.
func build(t *testing.T, variant string) (path string) {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	path = filepath.Join(builds.dir, "function"+variant)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		if os.Getenv("AZAFFINITY_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the program can't be built here: %v", err)
	}
	args := []string{"build", "-o", path}
	if variant == "without" {
		args = append(args, "-overlay", without(t))
	}
	if out, err := exec.CommandContext(t.Context(), goTool, append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// without is an overlay for the go command, with a main.go that wraps nothing.
func without(t *testing.T) (path string) {
	t.Helper()
	main, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	const wrap = "middleware.Wrap(&cfg)"
	if strings.Count(string(main), wrap) != 1 {
		t.Fatalf("main.go has no %s to leave out", wrap)
	}
	dir := t.TempDir()
	changed, nothing, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "nothing.go"), filepath.Join(dir, "overlay.json")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(here, "main.go"): changed, filepath.Join(here, "nothing.go"): nothing,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		changed: strings.Replace(string(main), wrap, "wrapNothing()", 1),
		nothing: "package main\n\nimport \"github.com/azaffinity/azaffinity/resolver\"\n\n" +
			"func wrapNothing() (*resolver.Resolver, error) { return nil, nil }\n",
		overlay: string(replace),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}

// environment is an execution environment of the function, with Lambda's APIs.
type environment struct {
	api    *runtimeAPI
	began  time.Time     // when the process was started
	setup  time.Duration // of that, what the lab took
	stdin  io.Writer
	stdout *bufio.Reader
	end    func() // of the process
	stderr *strings.Builder
}

// given is what an environment may have otherwise.
type given struct {
	variant  string
	lab      string       // "-lab" if empty
	metadata http.Handler // metadata{homeID} if nil
	env      []string
}

// start starts the function in an execution environment. Nothing of this machine's own environment gets there.
func start(t *testing.T, g given) *environment {
	t.Helper()
	path := build(t, g.variant)
	if g.lab == "" {
		g.lab = "-lab"
	}
	if g.metadata == nil {
		g.metadata = metadata{homeID}
	}
	e := &environment{api: newRuntimeAPI(), stderr: &strings.Builder{}}
	api, about := httptest.NewServer(e.api), httptest.NewServer(g.metadata)
	cmd := exec.Command(path, g.lab)
	cmd.Env = append([]string{
		"AWS_REGION=us-east-1", "AWS_LAMBDA_FUNCTION_NAME=shop", "AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_LAMBDA_METADATA_API=" + strings.TrimPrefix(about.URL, "http://"), "AWS_LAMBDA_METADATA_TOKEN=" + metadataToken,
		"AWS_EC2_METADATA_DISABLED=true",
	}, g.env...)
	cmd.Stderr = e.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	e.stdin, e.stdout = stdin, bufio.NewReader(stdout)
	e.began = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	e.end = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // as Lambda does
		_ = cmd.Wait()
		api.CloseClientConnections()
		api.Close()
		about.Close()
		if strings.Contains(e.stderr.String(), metadataToken) {
			t.Error("the token was logged")
		}
	})
	t.Cleanup(e.end)
	line, err := e.stdout.ReadString('\n')
	if err == nil {
		e.setup, err = time.ParseDuration(strings.TrimSpace(line))
	}
	if err != nil {
		e.end()
		t.Fatalf("the lab doesn't start: %v\n%s", err, e.stderr)
	}
	return e
}

// tell has the lab do what a word says, and returns the requests that it executed so far, by zone.
func (e *environment) tell(t *testing.T, word string) (requests map[string]int) {
	t.Helper()
	_, err := fmt.Fprintln(e.stdin, word)
	if err == nil {
		var line []byte
		if line, err = e.stdout.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &requests)
		}
	}
	if err != nil {
		t.Fatalf("the lab doesn't answer: %v", err)
	}
	return requests
}

// invoke invokes the function, and returns the host that it called and when it had answered.
func (e *environment) invoke(t *testing.T) (host string, at time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o := e.api.invoke(ctx, `{"Text": "a book"}`)
	var r receipt
	if o.err == nil {
		o.err = json.Unmarshal(o.answer, &r)
	}
	if o.err == nil && r.MessageID == "" {
		o.err = errors.New("there is no message ID")
	}
	if o.err != nil {
		e.end()
		t.Fatalf("got %s, %v\n%s", o.answer, o.err, e.stderr)
	}
	return r.Host, o.at
}

func isZonal(host string) bool {
	label, _, _ := strings.Cut(host, ".")
	return strings.HasSuffix(label, "-"+home)
}

// Given a function whose metadata tell its zone's ID, when it is invoked, then all of its calls stay there, the first one too.
func TestStaysInTheZone(t *testing.T) {
	e := start(t, given{})
	const n = 6
	for range n {
		if host, _ := e.invoke(t); !isZonal(host) {
			t.Errorf("got %s, want the name in %s", host, home)
		}
	}
	if got, want := e.tell(t, "requests"), (map[string]int{"us-east-1a": 0, home: n, "us-east-1c": 0}); !maps.Equal(got, want) {
		t.Errorf("got requests %v, want %v", got, want)
	}
	if e.end(); e.stderr.Len() > 0 {
		t.Errorf("it logged %s", e.stderr)
	}
}

// Given a zone whose endpoint refuses, from the start or from the third invocation, when the function is invoked, then it
// answers, by way of other zones.
func TestZoneDown(t *testing.T) {
	for _, before := range []int{0, 3} {
		g := given{}
		if before == 0 {
			g.lab = "-lab=down"
		}
		e := start(t, g)
		for range before {
			e.invoke(t)
		}
		if before > 0 {
			e.tell(t, "down")
		}
		const n = 6
		for range n {
			if host, _ := e.invoke(t); isZonal(host) {
				t.Errorf("down after %d invocations: got %s, want another name", before, host)
			}
		}
		got := e.tell(t, "requests")
		if got[home] != before || got["us-east-1a"]+got["us-east-1c"] != n {
			t.Errorf("down after %d invocations: got requests %v, want %d elsewhere", before, got, n)
		}
	}
}

// silent answers nothing until its client is gone.
type silent struct{}

func (silent) ServeHTTP(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Given a function that doesn't learn its zone, or its name, or has a mistake in its environment, when it is invoked, then
// it answers all the same, and has said what is wrong.
func TestZoneNotKnown(t *testing.T) {
	for _, test := range []struct {
		name  string
		given given
		says  string
	}{
		{"metadata that don't answer", given{metadata: silent{}}, "not ready"},
		{"metadata that aren't there", given{metadata: http.NotFoundHandler()}, "AWS_LAMBDA_METADATA_API"},
		{"a zone without a name", given{metadata: metadata{"use1-az4"}}, "use1-az4"},
		{"a mistake", given{env: []string{"AZAFFINITY_MODE=sideways"}}, "AZAFFINITY_MODE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := start(t, test.given)
			if host, _ := e.invoke(t); isZonal(host) {
				t.Errorf("got %s, want another name", host)
			}
			e.end()
			if !strings.Contains(e.stderr.String(), test.says) {
				t.Errorf("it logged %q, want %q", e.stderr, test.says)
			}
		})
	}
}

// Given an event that is none, when the function is invoked, then Lambda gets the error, and the function goes on.
func TestNoOrder(t *testing.T) {
	e := start(t, given{})
	o := e.api.invoke(t.Context(), `["a book"]`)
	if o.err == nil || !strings.Contains(o.err.Error(), "UnmarshalTypeError") {
		t.Errorf("got %s, %v; want an error that says that it's no order", o.answer, o.err)
	}
	if host, _ := e.invoke(t); !isZonal(host) {
		t.Errorf("got %s, want the name in %s", host, home)
	}
}
