package anyclient_test

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const redisService = "vpce-svc-0a1b2c3d4e5f60703"

// cache writes to a partner's Redis and reads it again. go-redis keeps connections, and makes another when one ends.
var cache = client{
	endpoints: func(v *vpc) ([]lab.Endpoint, error) {
		addr, err := startRedis(v)
		if err != nil {
			return nil, err
		}
		return []lab.Endpoint{{
			Service: redisService, Server: addr, Port: 6379, Hosts: []string{"cache.partner.example"}, PrivateDNS: true,
		}}, nil
	},
	connect: func(v *vpc) (call, error) {
		client := redis.NewClient(&redis.Options{
			Addr: "cache.partner.example:6379", Dialer: v.dialer.DialContext,
			// It would look the host up by itself, in the machine's DNS, to tell the server whether that is inside.
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
		v.atEnd(func() { _ = client.Close() })
		return func(ctx context.Context) error {
			if err := client.Set(ctx, "order", "coffee", 0).Err(); err != nil {
				return err
			}
			got, err := client.Get(ctx, "order").Result()
			if err == nil && got != "coffee" {
				err = fmt.Errorf("the order is %q", got)
			}
			return err
		}, nil
	},
}

// A partner's Redis, by go-redis.
func Example_redis() {
	show(cache, 20)
	// Output: zone b: 1 of 1 connections
}
