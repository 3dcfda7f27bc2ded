package metadata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/azaffinity/azaffinity/resolver/zone"
)

// TestMain takes away what the machine's own environment says about a zone or about metadata.
func TestMain(m *testing.M) {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		for _, prefix := range []string{"AWS_", "ECS_", "AZAFFINITY_"} {
			if strings.HasPrefix(name, prefix) && name != requireAll {
				_ = os.Unsetenv(name)
			}
		}
	}
	goleak.VerifyTestMain(m)
}

const (
	requireAll  = "AZAFFINITY_REQUIRE_ALL"
	mockName    = "ec2-metadata-mock"
	mockInstall = "go install github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@v1.13.0"

	// patience is for what takes milliseconds, on a machine with other things to do.
	patience = 30 * time.Second
)

var findMock = sync.OnceValues(func() (string, error) {
	if path, err := exec.LookPath(mockName); err == nil {
		return path, nil
	}
	out, err := exec.Command("go", "env", "GOBIN", "GOPATH").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	gobin, gopath, _ := strings.Cut(strings.TrimRight(string(out), "\n"), "\n")
	dirs := []string{gobin}
	for _, dir := range filepath.SplitList(gopath) {
		dirs = append(dirs, filepath.Join(dir, "bin"))
	}
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, mockName)); err == nil {
			return path, nil
		}
	}
	return "", errors.New(mockName + " is neither on PATH nor where go install puts it: " + mockInstall)
})

// needMock returns the mock's path, or ends the test.
func needMock(t *testing.T) string {
	t.Helper()
	path, err := findMock()
	switch {
	case err == nil:
		return path
	case os.Getenv(requireAll) == "1":
		t.Fatalf("%v (%s=1: a test that can't run is a failure)", err, requireAll)
	default:
		t.Skip(err)
	}
	return ""
}

// ownSubnets are those of an instance.
var ownSubnets = subnets("10.0.1.0/24", "2600:1f14:30ab:6901::/64")

func subnets(blocks ...string) (all []netip.Prefix) {
	for _, b := range blocks {
		all = append(all, netip.MustParsePrefix(b))
	}
	return all
}

// mock is a running ec2-metadata-mock.
type mock struct {
	url  string
	stop func() // returns when the process has ended; may be called again
}

// startMock starts the mock of an instance in zone z. It takes IMDSv2 only, unless flags say otherwise.
func startMock(t *testing.T, z zone.Zone, flags ...string) *mock {
	t.Helper()
	path := needMock(t)
	var failed []error
	for range 5 { // somebody else may be faster to take the port
		m, err := tryMock(t.Context(), path, t.TempDir(), z, flags)
		if err == nil {
			t.Cleanup(m.stop)
			return m
		}
		failed = append(failed, err)
	}
	t.Fatal(errors.Join(failed...))
	return nil
}

func tryMock(ctx context.Context, path, dir string, z zone.Zone, flags []string) (*mock, error) {
	instance := fmt.Sprintf("i-%017x", rand.Uint64()) // whoever answers with it is the mock that was started here
	config, err := json.Marshal(map[string]any{"metadata": map[string]any{"values": map[string]string{
		"instance-id":                    instance,
		"placement-availability-zone":    z.Name,
		"placement-availability-zone-id": z.ID,
		"mac-subnet-ipv4-cidr-block":     ownSubnets[0].String(),
		"mac-subnet-ipv6-cidr-blocks":    ownSubnets[1].String(), // its own is larger than AWS makes one
	}}})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "mock.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(address)
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, path, append([]string{"-n", host, "-p", port, "-c", file, "--imdsv2"}, flags...)...)
	cmd.Env = []string{"HOME=" + dir} // it reads its configuration from there and from the environment, too
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	m := &mock{url: "http://" + address, stop: func() {
		_ = cmd.Process.Kill()
		<-ended
	}}
	late := time.After(patience)
	for {
		if _, got := m.get("/latest/meta-data/instance-id", m.token()); got == instance {
			return m, nil
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("%s ended: %s", mockName, output.String())
		case <-late:
			m.stop()
			return nil, fmt.Errorf("%s on %s is not there after %v: %s", mockName, address, patience, output.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func freeAddress() (string, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

const (
	tokenHeader    = "X-Aws-Ec2-Metadata-Token"
	tokenTTLHeader = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
)

// direct is for what the tests themselves want to know. Nothing of it outlives a request.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// token returns a new token, or "".
func (m *mock) token() string {
	_, token := m.do(http.MethodPut, tokenPath, tokenTTLHeader, "60")
	return token
}

// get returns the answer to one question, with a token or, if that is "", without: status 0 means that there was no answer.
func (m *mock) get(path, token string) (status int, body string) {
	return m.do(http.MethodGet, path, tokenHeader, token)
}

func (m *mock) do(method, path, header, value string) (status int, body string) {
	r, err := http.NewRequest(method, m.url+path, nil)
	if err != nil {
		return 0, ""
	}
	if value != "" {
		r.Header.Set(header, value)
	}
	resp, err := direct.Do(r)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	return resp.StatusCode, string(text)
}

// eventually waits until what is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(patience)
	for !so() {
		select {
		case <-late:
			t.Fatalf("after %v it is still not so: %s", patience, what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
