package zonenet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// prefix is what addresses begin with. Nothing outside of the namespaces ever sees one.
var prefix = [2]byte{10, 77}

func address(number int) netip.Addr { return endpointAddress(number, 0) }

func endpointAddress(number, endpoint int) netip.Addr {
	return netip.AddrFrom4([4]byte{prefix[0], prefix[1], byte(number), byte(10 + endpoint)})
}

// addresses are a zone's: its own, and those of its endpoints.
func addresses(number int) (all []netip.Addr) {
	for endpoint := range 1 + MaxEndpoints {
		all = append(all, endpointAddress(number, endpoint))
	}
	return all
}

// Network is a running network. Start makes it; its methods are safe for concurrent use.
type Network struct {
	zones    []*zone
	switched *exec.Cmd
	orders   io.WriteCloser
	greeting sync.WaitGroup
	close    sync.Once
	closeErr error
}

type zone struct {
	name    string
	number  int              // of its device
	ns      int              // namespace, as a file
	greeter *net.TCPListener // for RoundTrip
}

// Start makes the zones and what is between them, with this process as one more host in the home zone. The process must be in a namespace of its
// own: see Enter. The caller closes it; a process can have one at a time.
func Start(opts Options) (*Network, error) {
	n := &Network{}
	if err := n.start(opts); err != nil {
		_ = n.Close()
		return nil, fmt.Errorf("zonenet: %w", err)
	}
	return n, nil
}

func (n *Network) start(opts Options) error {
	if !entered.Load() {
		return errors.New("this process is in the machine's own network: call Enter first")
	}
	places := append([]string{opts.Home}, opts.Zones...) // by device
	if err := opts.Jitter.Check(); err != nil {
		return err
	}
	d := distances{Delays: make([][]time.Duration, len(places)), Jitter: opts.Jitter}
	for i, from := range places {
		for _, to := range places {
			d.Delays[i] = append(d.Delays[i], max(0, opts.Distance(from, to)))
		}
	}
	argument, err := json.Marshal(d)
	if err != nil {
		return err
	}

	var devices []*os.File // the switch's
	defer func() {
		for _, d := range devices {
			_ = d.Close()
		}
	}()
	ours, err := newDevice(address(0))
	if err != nil {
		return err
	}
	devices = append(devices, ours)
	for i, name := range opts.Zones {
		z := &zone{name: name, number: i + 1}
		err := inNew(func(ns int) error {
			d, err := newDevice(addresses(z.number)...)
			if err != nil {
				return err
			}
			devices = append(devices, d)
			if z.greeter, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: address(z.number).AsSlice()}); err != nil {
				return err
			}
			z.ns = ns
			return nil
		})
		if err != nil {
			return fmt.Errorf("zone %s: %w", name, err)
		}
		n.zones = append(n.zones, z)
		n.greeting.Go(z.greet)
	}

	n.switched = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{SwitchName, string(argument)}, Stderr: os.Stderr, ExtraFiles: devices,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // what a terminal says to this process isn't for the switch
	}
	if n.orders, err = n.switched.StdinPipe(); err != nil {
		return err
	}
	return n.switched.Start()
}

func (n *Network) zone(name string) (*zone, error) {
	for _, z := range n.zones {
		if z.name == name {
			return z, nil
		}
	}
	return nil, fmt.Errorf("zonenet: no zone %q", name)
}

// Addr is a zone's own address; the zero Addr if there is no such zone.
func (n *Network) Addr(zone string) netip.Addr {
	z, err := n.zone(zone)
	if err != nil {
		return netip.Addr{}
	}
	return address(z.number)
}

// EndpointAddr is the address of a zone for the front end of an endpoint. Endpoints are numbered from 1 to MaxEndpoints; the zero Addr where there is no
// such zone or number.
func (n *Network) EndpointAddr(zone string, endpoint int) netip.Addr {
	z, err := n.zone(zone)
	if err != nil || endpoint < 1 || endpoint > MaxEndpoints {
		return netip.Addr{}
	}
	return endpointAddress(z.number, endpoint)
}

// Inside runs f on a thread in the zone's namespace, and returns its error: sockets that f makes are that zone's, wherever they are used
// from then on. What f starts by go is not in there.
func (n *Network) Inside(zone string, f func() error) error {
	z, err := n.zone(zone)
	if err != nil {
		return err
	}
	return within(z.ns, f)
}

// Drop drops all packets from and to a zone from now on, those under way as well, or lets them pass again.
func (n *Network) Drop(zone string, dropped bool) error {
	z, err := n.zone(zone)
	if err != nil {
		return err
	}
	order := []byte{byte(z.number), pass}
	if dropped {
		order[1] = drop
	}
	_, err = n.orders.Write(order)
	return err
}

// Close ends all of it.
func (n *Network) Close() error {
	n.close.Do(func() {
		if n.orders != nil {
			_ = n.orders.Close()
		}
		if n.switched != nil && n.switched.Process != nil {
			n.closeErr = n.switched.Wait()
		}
		for _, z := range n.zones {
			n.closeErr = errors.Join(n.closeErr, z.greeter.Close(), unix.Close(z.ns))
		}
		n.greeting.Wait()
	})
	return n.closeErr
}
