package dialer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"

	"github.com/azaffinity/azaffinity/internal/link"
	"github.com/azaffinity/azaffinity/resolver"
)

// connect makes a connection, with TLS if there is a config for it.
func (in *transport) connect(ctx context.Context, network, addr string, config *tls.Config) (*conn, *tls.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	d := in.dialer
	r := d.newRace(in, network, addr, host, config)
	defer d.unuse(r.to)
	if d.resolver != nil {
		r.name = link.NameOf(d.resolver, host)
	}
	r.zonal = r.name != nil
	r.served = r.zonal || in.served(host)
	r.hurried = in.place == atHome || r.name != nil && !in.asIs && ctx.Value(asIsKey{}) == nil
	if r.hurried && r.down() {
		return nil, nil, in.refused(r.to, network)
	}
	won, err := r.run(ctx)
	if err != nil {
		err := in.failed(r.to, host, err)
		if r.name != nil && r.failing && !ours(err) {
			r.name.Failed(uint8(err.Cause), err.Err)
		}
		return nil, nil, err
	}
	return won.conn, won.secure, nil
}

// refused is the error for a name that is ejected, and tried in the background. net/http comes here by itself with a GET whose connection's path died.
func (in *transport) refused(to *target, network string) *Error {
	err := in.failed(to, to.host, &net.OpError{Op: "dial", Net: network, Err: errEjected})
	if to.died.Load() {
		err.Cause = resolver.CausePathDead
	}
	return err
}

// ours reports whether it is this process that can't make connections.
func ours(err error) bool {
	return errors.As(err, new(*panicked)) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// failed is the error for a connection that wasn't made.
func (in *transport) failed(to *target, host string, err error) *Error {
	return &Error{Host: host, Cause: causeOf(err), Err: err, to: to}
}
