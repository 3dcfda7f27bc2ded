package paths

import (
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"sync"
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

// site is a VPC of two zones for one caller. This process is in the namespace of the caller, which a link leads from to each zone's namespace.
type site struct {
	zones   []*zone // home and away
	dns     *nameserver
	service *service
}

// zone is a namespace with the endpoint's address in it and a server there.
type zone struct {
	name   string
	space  string // the namespace, and the caller's end of the link to it
	subnet string // "10.77.1.": the endpoint is at .10 and the caller at .1
}

func (z *zone) addr() string { return z.subnet + "10" }

var (
	sites  atomic.Int32
	making sync.Mutex // ip is not made for being run twice at a time
)

// newSite makes a site whose servers speak the protocol. It ends with the test.
func newSite(t *testing.T, p proto) *site {
	t.Helper()
	n := int(sites.Add(1)) - 1
	s := &site{service: newService()}
	for i, name := range []string{home, away} {
		z := &zone{name: name, space: fmt.Sprintf("s%d%c", n, 'a'+i), subnet: fmt.Sprintf("10.%d.%d.", 80+n/100, n%100*2+i)}
		if err := z.connect(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			making.Lock()
			defer making.Unlock()
			if err := run("", "ip", "netns", "del", z.space); err != nil {
				t.Error(err)
			}
		})
		s.zones = append(s.zones, z)
		listener, err := z.listen(p.port())
		if err != nil {
			t.Fatal(err)
		}
		s.service.serve(listener, name, p)
	}
	t.Cleanup(s.service.close) // and its sockets, which a namespace outlives its name for
	var err error
	if s.dns, err = newNameserver(s.zones); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.dns.close)
	return s
}

// connect makes the zone's namespace, the link to it, and the sets of addresses that its firewall drops packets of.
func (z *zone) connect() error {
	making.Lock()
	defer making.Unlock()
	outside := fmt.Sprintf(`
		netns add %[1]s
		link add %[1]s type veth peer name eth0 netns %[1]s
		addr add %[2]s1/24 dev %[1]s
		link set %[1]s up`, z.space, z.subnet)
	if err := run(outside, "ip", "-batch", "-"); err != nil {
		return err
	}
	within := fmt.Sprintf(`
		link set lo up
		addr add %s/24 dev eth0
		link set eth0 up`, z.addr())
	if err := run(within, "ip", "-n", z.space, "-batch", "-"); err != nil {
		return err
	}
	return z.nft(rules(z.addr()))
}

// rules are a zone's firewall: nothing is dropped until the address is in one of its sets. The kernel takes it out again when its time is over, to
// the millisecond, whatever else the machine has to do.
func rules(addr string) string {
	return fmt.Sprintf(`
		table inet fault {
			set lost { type ipv4_addr; flags timeout; }
			set closed { type ipv4_addr; flags timeout; }
			chain in {
				type filter hook input priority 0
				ip daddr %[1]s ip daddr @lost drop
				ip daddr %[1]s ip daddr @closed tcp flags & (syn|ack) == syn drop
			}
			chain out {
				type filter hook output priority 0
				ip saddr %[1]s ip saddr @lost drop
			}
		}
`, addr)
}

func (z *zone) nft(commands string) error {
	return run(commands, "ip", "netns", "exec", z.space, "nft", "-f", "-")
}

// lose drops all packets from and to the zones for so long; 0 is for good.
func (s *site) lose(t *testing.T, d time.Duration, zones ...string) {
	t.Helper()
	s.fault(t, "lost", d, zones)
}

// closeTo drops the SYNs of new connections to the zones. Those there are stay as they are.
func (s *site) closeTo(t *testing.T, zones ...string) {
	t.Helper()
	s.fault(t, "closed", 0, zones)
}

func (s *site) fault(t *testing.T, set string, d time.Duration, zones []string) {
	t.Helper()
	timeout := ""
	if d > 0 {
		timeout = fmt.Sprintf(" timeout %dms", d.Milliseconds())
	}
	for _, name := range zones {
		z := s.zone(name)
		if err := z.nft(fmt.Sprintf("add element inet fault %s { %s%s }\n", set, z.addr(), timeout)); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *site) zone(name string) *zone {
	for _, z := range s.zones {
		if z.name == name {
			return z
		}
	}
	return nil
}

// listen is net.Listen inside of the zone's namespace.
func (z *zone) listen(port string) (net.Listener, error) {
	type opened struct {
		net.Listener
		error
	}
	done := make(chan opened)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends in the zone's namespace, where nobody else may run
		listener, err := func() (net.Listener, error) {
			space, err := unix.Open("/var/run/netns/"+z.space, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, err
			}
			defer unix.Close(space)
			if err := unix.Setns(space, unix.CLONE_NEWNET); err != nil {
				return nil, err
			}
			return net.Listen("tcp4", net.JoinHostPort(z.addr(), port))
		}()
		done <- opened{listener, err}
	}()
	o := <-done
	return o.Listener, o.error
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
