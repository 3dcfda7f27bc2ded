package dialer

import (
	"context"
	"net"
)

// DialContext connects to an address, as [net.Dialer.DialContext] does: to those of the host's addresses first that are in this zone and healthy. It is for clients
// that make connections by such a function and keep the host for TLS and authentication to themselves:
//
//   - gRPC: grpc.WithContextDialer, around it with the network "tcp", and a target "passthrough:///host:port". Without "passthrough", gRPC looks the host up
//     by itself and asks for addresses one by one, in an order of its own.
//   - go-redis: Options.Dialer. With TLSConfig set there, the function has to do TLS, too: tls.Client over its connection.
//   - database drivers: mysql.RegisterDialContext (go-sql-driver), clickhouse.Options.DialContext, mongo's SetDialer, franz-go's kgo.Dialer.
//   - an [http.Transport], if it is not to fail over inside a request: [Dialer.RoundTripper] does.
//
// Its connections have no timeout but ctx's, and are never ended for being elsewhere: a pool moves as fast as it makes new ones, which a maximum lifetime of
// connections in the client's settings bounds.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d.plain.dial(ctx, network, address)
}

// LookupHost looks a host's addresses up, as [net.Resolver.LookupHost] does, and returns them in the order in which they should be tried: this zone's first, those
// that failed lately last. It is for clients that look hosts up themselves and hand addresses on: pgx's Config.LookupFunc, which tries
// them one after the other. pgx takes [Dialer.DialContext] as its DialFunc as well, and should be given both: then what becomes of the connections is known
// here. By itself a lookup tells nothing of the health of addresses.
func (d *Dialer) LookupHost(ctx context.Context, host string) ([]string, error) {
	in := d.plain
	ips, err := in.addresses(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	nearest := in.nearest(host, ips)
	if len(nearest) > 0 && d.near.explores(host) {
		nearest = nil
	}
	hosts := make([]string, 0, len(ips))
	for _, ip := range in.order(host, ips, nearest, in.place) {
		hosts = append(hosts, ip.String())
	}
	return hosts, nil
}
