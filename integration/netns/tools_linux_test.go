package netns

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	gatewayName    = "versitygw"
	gatewayInstall = "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0"
)

// findUnshare is the command line that runs a program in new namespaces, if this kernel makes them for us and the other tools are there, too.
func findUnshare() ([]string, error) {
	for _, tool := range []string{"unshare", "ip", "ss", "nft"} {
		if _, err := lookPath(tool); err != nil {
			return nil, err
		}
	}
	if _, err := findGateway(); err != nil {
		return nil, err
	}
	path, _ := lookPath("unshare")
	line := []string{path, "--net", "--mount"}
	if os.Getuid() != 0 {
		line = append(line, "--map-root-user")
	}
	if err := run("", append(line, "--", "true")...); err != nil {
		return nil, fmt.Errorf("no new namespaces here, which needs root or unprivileged user namespaces: %w", err)
	}
	return line, nil
}

// lookPath also looks where Debian puts tools that only root has on PATH.
func lookPath(tool string) (string, error) {
	for _, name := range []string{tool, "/usr/sbin/" + tool, "/sbin/" + tool} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing (Debian's packages iproute2, nftables and util-linux have all that is needed)", tool)
}

func findGateway() (string, error) {
	if path, err := exec.LookPath(gatewayName); err == nil {
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
		if path, err := exec.LookPath(filepath.Join(dir, gatewayName)); dir != "" && err == nil {
			return path, nil
		}
	}
	return "", errors.New(gatewayName + " is neither on PATH nor where go install puts it: " + gatewayInstall)
}

// run runs a tool to its end, with the input it is to read. What the tool had to say about a failure is in the error.
func run(input string, line ...string) error {
	path, err := lookPath(line[0])
	if err != nil {
		return err
	}
	cmd := exec.Command(path, line[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(line, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
