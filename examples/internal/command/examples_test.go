package command_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/examples/internal/inlabtest"
)

// Those that serve or work until they are told to end, and those that end by themselves in the lab.
var (
	lasting = []string{"ec2", "ecs", "eks", "gradual"}
	ending  = []string{"doctor", "lambda", "otel", "s3transfer"}
	inLab   = slices.Concat(lasting, ending)
	serving = []string{"ec2", "ecs", "gradual"} // with -listen
)

// built are the programs, made when they are needed, and once.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(built.dir)
	os.Exit(code)
}

func program(t *testing.T, name string) (path string) {
	t.Helper()
	inlabtest.NeedGo(t)
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "azaffinity-examples-*"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", built.dir+string(filepath.Separator))
		for _, name := range append(inLab, "whereami") {
			build.Args = append(build.Args, "github.com/azaffinity/azaffinity/examples/"+name)
		}
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%v: %w\n%s", build, err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, name)
}

// command starts with nothing of this process's environment.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, name), args...)
	cmd.Env = []string{"TMPDIR=" + t.TempDir()}
	return cmd
}

// Given an example that serves, when it is started with -lab on a machine that knows nothing of AWS, then its calls soon stay
// in its zone; and with -lab=down they go elsewhere.
func TestServing(t *testing.T) {
	for _, c := range []struct {
		name, lab string
		ask       func(t *testing.T, url string) bool // true when it is as it should be
	}{
		{"ec2", "-lab", func(t *testing.T, url string) bool {
			return strings.Count(ask(t, "POST", url+"/orders"), "-us-east-1b.") == 2
		}},
		{"ec2", "-lab=down", func(t *testing.T, url string) bool {
			return !strings.Contains(ask(t, "POST", url+"/orders"), "-us-east-1b.")
		}},
		{"ecs", "-lab", func(t *testing.T, url string) bool {
			ask(t, "GET", url+"/queues")
			return strings.Contains(ask(t, "GET", url+"/debug/azaffinity?format=json"), `"InZone"`)
		}},
		{"ecs", "-lab=down", func(t *testing.T, url string) bool {
			ask(t, "GET", url+"/queues")
			return strings.Contains(ask(t, "GET", url+"/debug/azaffinity?format=json"), `"FailedOver"`)
		}},
		{"gradual", "-lab", func(t *testing.T, url string) bool {
			ask(t, "PUT", url+"/mode/prefer")
			return ask(t, "POST", url+"/orders") == "coffee" && regexp.MustCompile(`^prefer: [1-9]`).MatchString(ask(t, "GET", url+"/mode"))
		}},
		{"gradual", "-lab=down", func(t *testing.T, url string) bool {
			ask(t, "PUT", url+"/mode/prefer")
			return ask(t, "POST", url+"/orders") == "coffee" && strings.Contains(ask(t, "GET", url+"/mode"), "FailedOver")
		}},
	} {
		t.Run(c.name+c.lab, func(t *testing.T) {
			_, lines := start(t, c.name, "-listen", "127.0.0.1:0", c.lab)
			url := "http://" + await(t, lines, `listening on (\S+)`)
			for deadline := time.Now().Add(time.Minute); !c.ask(t, url); time.Sleep(5 * time.Millisecond) { // the zone is found meanwhile
				if time.Now().After(deadline) {
					t.Fatal("for a minute it wasn't where it should be")
				}
			}
		})
	}
}

// Given an example that ends by itself, when it is started with -lab, then it prints one page, of lines that fit a terminal but
// for endpoints' names, and of calls in its zone; and with -lab=down it ends as well.
func TestPage(t *testing.T) {
	for name, want := range map[string]string{
		"doctor":     `All is well`,
		"lambda":     `(?m)^  vpce-\S+-us-east-1b\.sqs\.`,
		"otel":       `(?m)^  vpce-\S+-us-east-1b\.sqs\.`,
		"s3transfer": `by zone so far: .*us-east-1b:[1-9]`,
	} {
		for _, flag := range []string{"-lab", "-lab=down"} {
			t.Run(name+flag, func(t *testing.T) {
				page, err := command(t, name, flag).CombinedOutput()
				wantCode := 0
				if name == "doctor" && flag == "-lab=down" {
					wantCode = 1 // it finds problems
				}
				if code := exitCode(err); code != wantCode {
					t.Errorf("got the exit code %d, want %d", code, wantCode)
				}
				if flag == "-lab" && !regexp.MustCompile(want).Match(page) {
					t.Errorf("got\n%s\nwant %s", page, want)
				}
				wantPage(t, string(page))
			})
		}
	}
}

// wantPage fails unless the text is one page: 32 lines of 80 columns.
func wantPage(t *testing.T, page string) {
	t.Helper()
	if n := strings.Count(page, "\n"); n > 32 {
		t.Errorf("got %d lines, want a page", n)
	}
	for line := range strings.Lines(page) {
		if line = strings.TrimSuffix(line, "\n"); len([]rune(line)) > 80 && !strings.Contains(line, ".vpce.") {
			t.Errorf("got a line of %d columns:\n%s", len([]rune(line)), line)
		}
	}
}

// Given the help of an example, then it fits a terminal, and has the flags that others have for the same.
func TestHelp(t *testing.T) {
	for _, name := range append(inLab, "whereami") {
		help, _ := command(t, name, "-h").CombinedOutput()
		for line := range strings.Lines(string(help)) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%s: got a line of %d columns: %s", name, len(line), line)
			}
		}
		if strings.Contains(string(help), "  -lab") != slices.Contains(inLab, name) || strings.Contains(string(help), "  -listen") != slices.Contains(serving, name) {
			t.Errorf("%s: got\n%s\nwant -lab or -listen if they are of use", name, help)
		}
	}
}

// Given what an example has no use for, when it is started with that, then it says so, and ends with 2.
func TestRefused(t *testing.T) {
	for _, name := range append(inLab, "whereami") {
		for _, args := range []string{"-lab=up", "here", "-lab here", "-addr :8080"} {
			out, err := command(t, name, strings.Fields(args)...).CombinedOutput()
			if code := exitCode(err); code != 2 || len(out) == 0 {
				t.Errorf("%s %s: got the exit code %d and %q, want 2 and why", name, args, code, out)
			}
		}
	}
}

// Given an example that runs until it is told to end, when Ctrl-C is pressed, then it ends with 130; and with SIGTERM, with 0.
func TestSignals(t *testing.T) {
	for _, name := range lasting {
		for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 0} {
			args, ready := []string{"-lab", "-listen", "127.0.0.1:0"}, "listening"
			if !slices.Contains(serving, name) {
				args, ready = args[:1], "order 3"
			}
			cmd, lines := start(t, name, args...)
			await(t, lines, ready)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(cmd.Wait()); code != want {
				t.Errorf("%s, %v: got the exit code %d, want %d", name, signal, code, want)
			}
		}
	}
}

// Given one that ends by itself, when Ctrl-C is pressed before, then it ends with 130 as well.
func TestInterrupted(t *testing.T) {
	for name, ready := range map[string]string{"otel": "span", "s3transfer": "uploaded"} {
		cmd, lines := start(t, name, "-lab")
		await(t, lines, ready)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if code := exitCode(cmd.Wait()); code != 130 {
			t.Errorf("%s: got the exit code %d, want 130", name, code)
		}
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// Given the main file of an example that makes calls, when it is read from the top, then the first function shows how azaffinity
// is put into it.
func TestShowsWrapFirst(t *testing.T) {
	for _, name := range []string{"ec2", "ecs", "eks", "gradual", "lambda", "otel", "s3transfer"} {
		path := filepath.Join("..", "..", name, "main.go")
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, content, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			body := content[f.Pos()-1 : f.End()-1]
			if !bytes.Contains(body, []byte("middleware.Wrap(&")) && !bytes.Contains(body, []byte("middleware.Attach(&")) {
				t.Errorf("%s: the first function is %s, without it", path, f.Name)
			}
			break
		}
	}
}

// start starts an example, and returns it with what it prints.
func start(t *testing.T, name string, args ...string) (*exec.Cmd, <-chan string) {
	t.Helper()
	cmd := command(t, name, args...)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(reader)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		reader.Close()
	})
	return cmd, lines
}

// await waits for a line with the pattern in it, and returns its group, if it has one.
func await(t *testing.T, lines <-chan string, pattern string) string {
	t.Helper()
	late := time.After(time.Minute)
	re := regexp.MustCompile(pattern)
	var seen []string
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("it ended with\n%s\nwant %s", strings.Join(seen, "\n"), pattern)
			}
			seen = append(seen, line)
			if m := re.FindStringSubmatch(line); m != nil {
				return m[len(m)-1]
			}
		case <-late:
			t.Fatalf("in a minute it printed\n%s\nwant %s", strings.Join(seen, "\n"), pattern)
		}
	}
}

func ask(t *testing.T, method, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("coffee"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %s, %s, %v", url, response.Status, body, err)
	}
	return string(body)
}
