package lab

import (
	"context"
	"io"
	"net"
)

// relay hands connections on to a TCP server, until the front end is closed.
func (f *front) relay(server string) {
	connections := listener{f}
	f.server = connections
	f.lab.running.Go(func() {
		for {
			conn, err := connections.Accept()
			if err != nil {
				return
			}
			f.lab.running.Go(func() { f.connect(conn.(serverConn), server) })
		}
	})
}

// connect carries bytes between a client and the server, until one of them has no more.
func (f *front) connect(client serverConn, server string) {
	defer func() { _ = client.Close() }()
	behind, err := new(net.Dialer).DialContext(f.lab.ctx, "tcp", server)
	if err != nil {
		client.wire.reset(client) // a load balancer without a target does that, too
		return
	}
	defer context.AfterFunc(f.lab.ctx, func() { _ = behind.Close() })()
	f.lab.running.Go(func() {
		_, _ = io.Copy(behind, client)
		_ = behind.Close()
	})
	_, _ = io.Copy(client, behind)
	_ = behind.Close()
}
