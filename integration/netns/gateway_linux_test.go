package netns

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	accessKey = "AKIDEXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// gateway is versitygw in one zone. All zones' gateways serve the same directory, as all zones of a Region serve the same buckets.
type gateway struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	output bytes.Buffer
	log    string // the access log: a line per request that was executed or refused
}

// startGateways starts versitygw in every zone, with one bucket.
func (n *network) startGateways() error {
	path, err := findGateway()
	if err != nil {
		return err
	}
	names := []string{"*.bucket." + vpceName(""), "bucket." + vpceName("")}
	for _, z := range n.zones {
		names = append(names, "*.bucket."+vpceName(z.name), "bucket."+vpceName(z.name))
	}
	pool, cert, key, err := certify(n.dir, names)
	if err != nil {
		return err
	}
	n.pool = pool
	store := filepath.Join(n.dir, "store")
	if err := os.MkdirAll(filepath.Join(store, bucket), 0o755); err != nil {
		return err
	}
	for _, z := range n.zones {
		z.gateway = &gateway{log: filepath.Join(n.dir, z.name+".log"), ended: make(chan struct{})}
		// The bucket is what stands in front of ".bucket", be it in the regional name or in a zonal one.
		err := z.gateway.start("ip", "netns", "exec", z.name, path, "--port", "0.0.0.0:443", "--cert", cert, "--key", key,
			"--keep-alive", "--quiet", "--virtual-domain", "bucket", "--access-log", z.gateway.log, "posix", store)
		if err != nil {
			return err
		}
	}
	for _, z := range n.zones {
		if err := z.reachable(); err != nil {
			return errors.Join(err, errors.New(z.gateway.stop()))
		}
	}
	return nil
}

func (g *gateway) start(line ...string) error {
	path, err := lookPath(line[0])
	if err != nil {
		return err
	}
	g.cmd = exec.Command(path, line[1:]...)
	g.cmd.Env = []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey}
	g.cmd.Stdout, g.cmd.Stderr = &g.output, &g.output
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it may not outlive this process, however that ends
	if err := g.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = g.cmd.Wait()
		close(g.ended)
	}()
	return nil
}

// stop returns what the server had to say.
func (g *gateway) stop() string {
	if g.cmd == nil || g.cmd.Process == nil {
		return ""
	}
	_ = g.cmd.Process.Kill()
	<-g.ended
	return g.output.String()
}

// executed counts the requests for an object that the server carried out.
func (g *gateway) executed(operation, key string) (n int, err error) {
	text, err := os.ReadFile(g.log)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		// owner bucket [time zone] ip requester id operation key uri status …
		fields := strings.Fields(line)
		if len(fields) > 10 && fields[7] == "s3_"+operation && fields[8] == key && fields[10] == "200" {
			n++
		}
	}
	return n, nil
}

// executed counts, by zone, how often an operation on an object was carried out.
func (n *network) executed(operation, key string) (map[string]int, error) {
	counts := map[string]int{}
	for _, z := range n.zones {
		count, err := z.gateway.executed(operation, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", z.name, err)
		}
		if count > 0 {
			counts[z.name] = count
		}
	}
	return counts, nil
}
