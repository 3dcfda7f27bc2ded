package dialer

import (
	"net/netip"
	"sync"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// The tests tell a resolver where a zonal name leads by link.Learned. This stands in for a resolver that takes no notice of it: with the health of the names that
// it has.
type ofResolver struct {
	resolver any
	addr     netip.Addr
}

var learned struct {
	mu    sync.Mutex
	names map[ofResolver]string
}

func init() {
	learned.names = map[ofResolver]string{}
	link.Learned = func(r any, name string, addrs []netip.Addr) {
		learned.mu.Lock()
		defer learned.mu.Unlock()
		for _, a := range addrs {
			learned.names[ofResolver{r, a.Unmap()}] = name
			link.NameOf(r, name).Connected(a.Unmap()) // so that it has the address
		}
	}
	link.NameAt = func(r any, addr netip.Addr) link.Name {
		learned.mu.Lock()
		defer learned.mu.Unlock()
		if name := learned.names[ofResolver{r, addr}]; name != "" {
			return link.NameOf(r, name)
		}
		return nil
	}
	locate = func(r *resolver.Resolver, addr netip.Addr) resolver.Location {
		if r == nil {
			return resolver.Unknown
		}
		switch name := link.NameAt(r, addr); {
		case name == nil:
			return resolver.Unknown
		case !name.Healthy():
			return resolver.HomeEjected
		}
		return resolver.Home
	}
}
