package paths

import (
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	region     = "us-east-1"
	home       = region + "a" // the zone that the caller is in
	away       = region + "b"
	endpointID = "vpce-0a1b2c3d4e5f60718-lj2wisx3"
)

// vpceName is the regional name (zone "") of the service's endpoint or a zonal one, without the star that S3's has in front.
func vpceName(service, zone string) string {
	if zone != "" {
		zone = "-" + zone
	}
	return endpointID + zone + "." + service + "." + region + ".vpce.amazonaws.com"
}

// space is the network namespace of all endpoints' addresses, which a link leads to.
const space = "vpc"

// connect makes the namespace, the link to it, and its firewall. All addresses of both prefixes are the namespace's own.
func connect() error {
	outside := fmt.Sprintf(`
		link set lo up
		netns add %[1]s
		link add %[1]s type veth peer name eth0 netns %[1]s
		addr add 10.79.0.1/30 dev %[1]s
		link set %[1]s up
		route add 10.80.0.0/15 via 10.79.0.2`, space)
	if err := run(outside, "ip", "-batch", "-"); err != nil {
		return err
	}
	within := `
		link set lo up
		addr add 10.79.0.2/30 dev eth0
		link set eth0 up
		route add default via 10.79.0.1
		route add local 10.80.0.0/15 dev lo`
	if err := run(within, "ip", "-n", space, "-batch", "-"); err != nil {
		return err
	}
	return nft(firewall)
}

// firewall drops nothing until an address is in one of its sets. The kernel takes it out again when its time is over, to the millisecond, whatever else the
// machine has to do.
const firewall = `
	table inet fault {
		set lost { type ipv4_addr; flags timeout; }
		set closed { type ipv4_addr; flags timeout; }
		chain in {
			type filter hook input priority 0
			ip daddr @lost drop
			ip daddr @closed tcp flags & (syn|ack) == syn drop
		}
		chain out {
			type filter hook output priority 0
			ip saddr @lost drop
		}
	}
`

func nft(commands string) error {
	return within(func() error { return run(commands, "nft", "-f", "-") })
}

// within runs f in the namespace.
func within(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends in the namespace, where nobody else may run
		done <- func() error {
			file, err := unix.Open("/var/run/netns/"+space, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(file)
			if err := unix.Setns(file, unix.CLONE_NEWNET); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-done
}

// site is a VPC of two zones for one caller: an address of the endpoint in each, with a server.
type site struct {
	zones   []zone // home and away
	dns     *nameserver
	service *service
}

type zone struct{ name, addr string }

var sites atomic.Int32

// newSite makes a site whose servers speak the protocol. It ends with the test.
func newSite(t *testing.T, p proto) *site {
	t.Helper()
	n := int(sites.Add(1)) - 1
	s := &site{service: newService()}
	t.Cleanup(s.service.close)
	for i, name := range []string{home, away} {
		z := zone{name, fmt.Sprintf("10.%d.%d.%d", 80+i, n/200, n%200+10)}
		s.zones = append(s.zones, z)
		err := within(func() error {
			listener, err := net.Listen("tcp4", net.JoinHostPort(z.addr, p.port()))
			if err == nil {
				s.service.serve(listener, name, p)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.dns, err = newNameserver(s.zones); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.dns.close)
	return s
}

// lose drops all packets from and to the zones for so long; 0 is for good. It returns when it began.
func (s *site) lose(t *testing.T, d time.Duration, zones ...string) time.Time {
	t.Helper()
	return s.fault(t, "lost", d, zones)
}

// closeTo drops the SYNs of new connections to the zones. Those there are stay as they are.
func (s *site) closeTo(t *testing.T, zones ...string) {
	t.Helper()
	s.fault(t, "closed", 0, zones)
}

func (s *site) fault(t *testing.T, set string, d time.Duration, zones []string) time.Time {
	t.Helper()
	timeout := ""
	if d > 0 {
		timeout = fmt.Sprintf(" timeout %dms", d.Milliseconds())
	}
	var elements []string
	for _, z := range s.zones {
		if slices.Contains(zones, z.name) {
			elements = append(elements, z.addr+timeout)
		}
	}
	if err := nft(fmt.Sprintf("add element inet fault %s { %s }\n", set, strings.Join(elements, ", "))); err != nil {
		t.Fatal(err)
	}
	return time.Now()
}

// proto is the protocol that a site's servers speak.
type proto string

const (
	http1 proto = "http1" // HTTP/1.1 over TLS
	http2 proto = "http2" // HTTP/2 over TLS
	h2c   proto = "h2c"   // HTTP/2 without TLS
)

func (p proto) port() string {
	if p == h2c {
		return "80"
	}
	return "443"
}

func (p proto) tls() *tls.Config {
	if p == h2c {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{authority().leaf}, MinVersion: tls.VersionTLS12}
}
