package anyclient_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// client is a kind of client, in a VPC with what it is a client of.
type client struct {
	// endpoints starts what is behind the VPC's endpoints, if the lab doesn't have it.
	endpoints func(*vpc) ([]lab.Endpoint, error)
	// connect makes the client, and returns what calls by it.
	connect func(*vpc) (call, error)
}

type call func(context.Context) error

// home is not the zone that DNS names first to begin with.
var home = zone.Zone{Name: "us-east-1b", ID: "use1-az1"}

// vpc is a VPC, and a program's dialer in its home zone.
type vpc struct {
	*lab.Lab
	dialer   *dialer.Dialer
	services []string // behind endpoints
	ends     []func()
}

const patience = time.Minute

func start(c client) (v *vpc, err error) {
	v = &vpc{}
	defer func() {
		if err != nil {
			v.end()
		}
	}()
	endpoints, err := c.endpoints(v)
	if err != nil {
		return v, err
	}
	if v.Lab, err = lab.Start(lab.Options{Home: home.Name, Endpoints: endpoints, Buckets: []string{"photos"}}); err != nil {
		return v, err
	}
	v.atEnd(func() { _ = v.Close() })

	var listed []endpoint.Endpoint
	for _, e := range endpoints {
		if got, want := v.Address(e.Service, home.Name).Port(), cmp.Or(e.Port, 443); got != want {
			return v, fmt.Errorf("port %d is somebody else's on this machine", want)
		}
		v.services = append(v.services, e.Service)
		listed = append(listed, endpoint.Endpoint{Regional: v.RegionalName(e.Service)})
	}
	r, err := resolver.New(resolver.WithZone(zone.Static(home)), resolver.WithEndpoints(endpoint.Static(listed...)))
	if err != nil {
		return v, err
	}
	v.atEnd(func() { _ = r.Close() })
	v.dialer = dialer.New(r, dialer.WithNetResolver(v.Resolver()))
	return v, v.await(r)
}

// await returns when r knows the addresses in its zone. A program does not wait: until then it connects as it would without the dialer, for the
// milliseconds that DNS takes.
func (v *vpc) await(r *resolver.Resolver) error {
	for _, service := range v.services {
		addr := v.Address(service, home.Name).Addr()
		for deadline := time.Now().Add(patience); r.Locate(addr) != resolver.Home; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return fmt.Errorf("%s of %s is %v, and not Home", addr, service, r.Locate(addr))
			}
		}
	}
	return nil
}

// transport is what http.DefaultTransport is to a program in AWS.
func (v *vpc) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: v.CA()}}
}

// atEnd has f run when the VPC ends, before what was there earlier.
func (v *vpc) atEnd(f func()) { v.ends = append(v.ends, f) }

func (v *vpc) end() {
	for _, end := range slices.Backward(v.ends) {
		end()
	}
}

func partner(service string) bool { return strings.HasPrefix(service, "vpce-svc-") }

// arrived counts requests by zone, or connections to servers of which the lab knows no more.
func (v *vpc) arrived(service string) (counts map[string]int, of string) {
	if partner(service) {
		return v.ConnectionsOf(service), "connections"
	}
	return v.RequestsOf(service), "requests"
}

// show makes so many calls and prints where they arrived.
func show(c client, calls int) {
	v, err := start(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.end()
	call, err := c.connect(v)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range calls {
		if err := call(ctx); err != nil {
			fmt.Println(err)
		}
	}
	for _, service := range v.services {
		fmt.Println(shares(v.arrived(service)))
	}
}

// shares is "zone b: 20 of 20 requests", and more of that if other zones had some.
func shares(counts map[string]int, of string) string {
	all := 0
	for _, n := range counts {
		all += n
	}
	var parts []string
	for _, letter := range []string{"a", "b", "c"} {
		if n := counts["us-east-1"+letter]; n > 0 {
			parts = append(parts, fmt.Sprintf("zone %s: %d of %d %s", letter, n, all, of))
		}
	}
	return strings.Join(parts, ", ")
}
