package main

import (
	"context"
	"errors"
	"slices"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// The contenders without the middleware, whose connections the dialer makes: what it does for clients whose hosts can't be rewritten. The first has
// the endpoints listed, the second nothing. Their calls are the same, and keep the regional name.
const (
	dialed  = "dialer"
	nearest = "nearest"
)

// dialers makes them, with nothing learned yet. Nearest is one of them only if packets really travel: what it goes by is the kernel's handshake times,
// which are all alike on the loopback. close ends what they have running.
func (s surroundings) dialers() (all []contender, close func(), err error) {
	var resolvers []*resolver.Resolver
	close = func() {
		for _, r := range resolvers {
			_ = r.Close()
		}
	}
	add := func(name string, r *resolver.Resolver, e error) {
		if e != nil {
			err = errors.Join(err, e)
			return
		}
		resolvers = append(resolvers, r)
		c := s.contender(name, s.regional)
		c.dialer = dialer.New(r, dialer.WithNetResolver(s.lookup))
		all = append(all, c)
	}
	r, e := s.resolver(resolver.Prefer)
	add(dialed, r, e)
	if s.apart {
		r, e := s.knowsNothing()
		add(nearest, r, e)
	}
	if err != nil {
		close()
		return nil, nil, err
	}
	return all, close, nil
}

// knowsNothing is a resolver with no endpoint listed, and without metadata, which would tell it the own subnet.
func (s surroundings) knowsNothing() (*resolver.Resolver, error) {
	return resolver.New(resolver.WithEndpoints(endpoint.Static()), resolver.WithZone(zone.Static(zone.Zone{Name: s.zone})), resolver.WithMode(resolver.Prefer))
}

// besideYardsticks are the dialers, and what they are compared with.
func (s surroundings) besideYardsticks() (all []contender, close func(), err error) {
	all, close, err = s.dialers()
	return append(s.yardsticks(), all...), close, err
}

// besideAll are the dialers, and all others.
func (s surroundings) besideAll() (all []contender, close func(), err error) {
	others, closeOthers, err := s.contenders()
	if err != nil {
		return nil, nil, err
	}
	all, closeDialers, err := s.dialers()
	if err != nil {
		closeOthers()
		return nil, nil, err
	}
	return append(others, all...), func() { closeDialers(); closeOthers() }, nil
}

// lessons is how many connections nearest makes before it is measured, as a process that has run for a second has.
const lessons = 48

// learn has a program see each zone some times, by calls that nobody measures. They are made one after the other: of several at a time, the one for a farther
// zone would be served by the connection that another call has finished with, and its own given up before the kernel had measured anything.
func (p *program) learn(ctx context.Context) {
	for range lessons {
		p.reconnect()
		p.warm(ctx, 1)
	}
}

// only are what was seen of some contenders.
func only(all []taken, names []string) []taken {
	return slices.DeleteFunc(slices.Clone(all), func(t taken) bool { return !slices.Contains(names, t.contender) })
}

func (o outage) only(names []string) outage {
	o.all = only(o.all, names)
	return o
}
