package anyclient_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const postgresService = "vpce-svc-0a1b2c3d4e5f60702"

// postgres asks a partner's PostgreSQL something, over a new connection each time. pgx looks hosts up by itself and tries one address after the other:
// LookupFunc has those of the zone come first, and DialFunc tells the dialer what became of them. An address that does not answer costs connect_timeout, until
// that is known. A LookupFunc that returns the host as it is leaves all of it to DialFunc, which tries the next address after 0.1 s.
var postgres = client{
	endpoints: func(v *vpc) ([]lab.Endpoint, error) {
		addr, err := startPostgres(v)
		if err != nil {
			return nil, err
		}
		return []lab.Endpoint{{
			Service: postgresService, Server: addr, Port: 5432, Hosts: []string{"db.partner.example"}, PrivateDNS: true,
		}}, nil
	},
	connect: func(v *vpc) (call, error) {
		config, err := pgx.ParseConfig("postgres://app@db.partner.example:5432/postgres?sslmode=disable&connect_timeout=1") // this server has no certificate
		if err != nil {
			return nil, err
		}
		config.LookupFunc, config.DialFunc = v.dialer.LookupHost, v.dialer.DialContext
		return func(ctx context.Context) error {
			conn, err := pgx.ConnectConfig(ctx, config)
			if err != nil {
				return err
			}
			defer conn.Close(ctx)
			var got int
			if err := conn.QueryRow(ctx, "select 6 * 7").Scan(&got); err != nil {
				return err
			}
			if got != 42 {
				return fmt.Errorf("6 * 7 is %d", got)
			}
			return nil
		}, nil
	},
}

// A partner's PostgreSQL, by pgx.
func Example_postgres() {
	show(postgres, 20)
	// Output: zone b: 20 of 20 connections
}
