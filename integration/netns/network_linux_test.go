package netns

import (
	"crypto/x509"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sys/unix"
)

const (
	region     = "us-east-1"
	endpointID = "vpce-0a1b2c3d4e5f60718-lj2wisx3"
	tail       = ".s3." + region + ".vpce.amazonaws.com"
	bucket     = "photos"
	home       = region + "a" // the zone that the client is in
)

// network is a VPC of three zones. This process is in the namespace of the client, which a link leads from to each zone's namespace. There is no
// other way out of it.
type network struct {
	dir   string // for whatever is to be written
	zones []*zone
	dns   *nameserver
	pool  *x509.CertPool // the authority that vouches for the endpoint's names

	direct *s3.Client // without azaffinity, and of another zone
}

// zone is a namespace of its zone's name, with the endpoint's address in it and an S3 server there.
type zone struct {
	name    string
	subnet  string // "10.77.1.": the endpoint is at .10 and the client at .1
	gateway *gateway
}

func (z *zone) addr() string { return z.subnet + "10" }

// vpceName is the regional name (zone "") or a zonal one, without the star in front.
func vpceName(zone string) string {
	if zone != "" {
		zone = "-" + zone
	}
	return endpointID + zone + tail
}

// newNetwork sets all of it up. What it doesn't undo itself when it fails ends with the process.
func newNetwork(dir string) (n *network, err error) {
	n = &network{dir: dir}
	defer func() {
		if err != nil {
			n.close()
			n = nil
		}
	}()
	if err := private(); err != nil {
		return n, err
	}
	if err := checkFirewall(); err != nil {
		return n, err
	}
	for i, name := range []string{home, region + "b", region + "c"} {
		z := &zone{name: name, subnet: fmt.Sprintf("10.77.%d.", i+1)}
		if err := z.connect(); err != nil {
			return n, err
		}
		n.zones = append(n.zones, z)
	}
	if n.dns, err = newNameserver(n.zones); err != nil {
		return n, err
	}
	if err := n.startGateways(); err != nil {
		return n, err
	}
	n.direct = n.newDirect()
	return n, nil
}

// private has what ip writes under /run seen by this process only. The namespace of mounts is its own already.
func private() error {
	run, err := filepath.EvalSymlinks("/var/run")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", run, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount tmpfs on %s: %w", run, err)
	}
	return nil
}

// connect makes the zone's namespace and the link to it.
func (z *zone) connect() error {
	outside := fmt.Sprintf(`
		netns add %[1]s
		link set lo up
		link add %[1]s type veth peer name eth0 netns %[1]s
		addr add %[2]s1/24 dev %[1]s
		link set %[1]s up`, z.name, z.subnet)
	if err := run(outside, "ip", "-batch", "-"); err != nil {
		return err
	}
	within := fmt.Sprintf(`
		link set lo up
		addr add %s/24 dev eth0
		link set eth0 up`, z.addr())
	return run(within, "ip", "-n", z.name, "-batch", "-")
}

func (n *network) zone(name string) *zone {
	for _, z := range n.zones {
		if z.name == name {
			return z
		}
	}
	return nil
}

// close ends the servers, and with them everything that keeps connections, or still waits for one: net/http goes on with those that nobody wants
// any more.
func (n *network) close() {
	for _, z := range n.zones {
		if z.gateway != nil {
			z.gateway.stop()
		}
	}
	for _, z := range n.zones {
		_ = z.killSockets()
	}
	if n.dns != nil {
		n.dns.close()
	}
}

// reachable waits until the zone's server can be connected to: a link that is up again takes its time.
func (z *zone) reachable() error {
	late := time.Now().Add(patience)
	for {
		conn, err := net.DialTimeout("tcp4", net.JoinHostPort(z.addr(), "443"), 200*time.Millisecond)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(late) {
			return fmt.Errorf("%s can't be reached after %v: %w", z.name, patience, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// patience is for what takes a moment, on a machine with other things to do.
const patience = 30 * time.Second
