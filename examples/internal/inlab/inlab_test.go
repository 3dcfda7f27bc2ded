package inlab_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/examples/internal/inlabtest"
)

// Given each of the examples that take their VPC from here, when it is built and started with -lab on a machine that knows
// nothing of AWS, then it soon shows a call that stayed in its zone.
func TestFlag(t *testing.T) {
	inlabtest.NeedGo(t)
	dir := t.TempDir()
	names := []string{"ec2", "gradual", "otel", "s3transfer"}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir+string(filepath.Separator))
	for _, name := range names {
		build.Args = append(build.Args, "github.com/azaffinity/azaffinity/examples/"+name)
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	for _, c := range []struct {
		name, args string
		wants      string                              // in what is printed
		ask        func(t *testing.T, url string) bool // of the server; true when it is as it should be
	}{
		{name: "ec2", args: "-addr 127.0.0.1:0", ask: func(t *testing.T, url string) bool {
			return strings.Count(ask(t, "POST", url+"/orders"), "-us-east-1b.") == 2
		}},
		{name: "gradual", args: "-addr 127.0.0.1:0", ask: func(t *testing.T, url string) bool {
			ask(t, "PUT", url+"/mode/prefer")
			return ask(t, "POST", url+"/orders") == "coffee" && regexp.MustCompile(`^prefer: [1-9]`).MatchString(ask(t, "GET", url+"/mode"))
		}},
		{name: "otel", wants: `"server.address","Value":\{"Type":"STRING","Value":"vpce-[0-9a-z-]*-us-east-1b\.`},
		{name: "s3transfer", wants: `requests in all: .*us-east-1b:[1-9].*`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lines := start(t, filepath.Join(dir, c.name), append(strings.Fields(c.args), "-lab")...)
			if c.ask == nil {
				await(t, lines, c.wants)
				return
			}
			url := "http://" + await(t, lines, `listening on (\S+)`)
			for deadline := time.Now().Add(time.Minute); !c.ask(t, url); time.Sleep(5 * time.Millisecond) { // the zone is found meanwhile
				if time.Now().After(deadline) {
					t.Fatal("for a minute it wasn't in its zone")
				}
			}
		})
	}
}

// start starts a program without anything of this process's environment, and returns what it prints.
func start(t *testing.T, path string, args ...string) <-chan string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"TMPDIR=" + t.TempDir()}
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
	return lines
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
