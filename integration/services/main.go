// Command services makes the table of services that the resolver looks labels of vpce names up in,
// resolver/internal/services/table.txt, out of what AWS publishes with its SDK for Go, version 1: the endpoint rules of
// each service (which the clients of version 2 follow as well), the host prefixes of its operations, and the model of
// all partitions' endpoints for the services that have no rules there. What AWS launched later is in newer.go.
//
//	go generate ./resolver/internal/services
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("o", "", "the file to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	text, err := generate()
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, 0o644)
}

// generate makes the whole file.
func generate() ([]byte, error) {
	models, version, err := sdkModels()
	if err != nil {
		return nil, err
	}
	t := newTable()
	if err := t.addRules(models); err != nil {
		return nil, err
	}
	t.addEndpointModel()
	t.addNewer()
	return t.text(version), nil
}

// sdkModels finds the directory with a service's models in each of its
// directories. They come with the module's source.
func sdkModels() (dir, version string, err error) {
	const module = "github.com/aws/aws-sdk-go"
	answer, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}\t{{.Version}}", module).Output()
	if err != nil {
		return "", "", fmt.Errorf("go list -m %s: %w", module, err)
	}
	dir, version, _ = strings.Cut(strings.TrimSpace(string(answer)), "\t")
	if dir == "" {
		return "", "", fmt.Errorf("%s has no directory: go mod download it", module)
	}
	return filepath.Join(dir, "models", "apis"), version, nil
}
