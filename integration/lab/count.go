package lab

import (
	"slices"
	"sync"
	"time"
)

// Execution is a request that reached a service: its signature was right. It is recorded before the answer is written.
type Execution struct {
	Service   string
	Zone      string // of the front end it came through
	Host      string // that it was signed for
	Operation string // "SendMessage"; for S3 what x-id says, else the HTTP method
	// Invocation is what all attempts of one call of an SDK have in common: the Amz-Sdk-Invocation-Id header.
	Invocation string
	Attempt    string // which of them it is: "attempt=1", of the Amz-Sdk-Request header
	Time       time.Time
}

// maxExecutions is how many executions are kept.
const maxExecutions = 100_000

// Executions are the requests executed since the start or ResetRequests, oldest first: the last 100,000 of them at least.
func (l *Lab) Executions() []Execution {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	return slices.Clone(l.log.all)
}

// Requests are the numbers of requests executed since the start or ResetRequests, by zone name, those of zones without any included.
func (l *Lab) Requests() map[string]int { return l.count("") }

// RequestsOf is Requests of one service. Of an endpoint's Server the lab knows ConnectionsOf only.
func (l *Lab) RequestsOf(service string) map[string]int { return l.count(service) }

// ConnectionsOf are the numbers of connections that the service's front ends have taken since the start or ResetRequests, by zone name, those of zones
// without any included.
func (l *Lab) ConnectionsOf(service string) map[string]int {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	return l.byZone(l.log.connections, service)
}

// OpenConnectionsOf are the numbers of connections that the service's front ends have at the moment, by zone name, those of zones without any included.
func (l *Lab) OpenConnectionsOf(service string) map[string]int {
	open := map[string]int{}
	for _, z := range l.zones {
		open[z.Name] = 0
	}
	if e := l.endpoint(service); e != nil {
		for _, f := range e.fronts {
			open[f.zone.Name] = f.connections()
		}
	}
	return open
}

// ResetRequests starts to count again, connections too, and forgets Executions.
func (l *Lab) ResetRequests() {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	l.log.all, l.log.counts, l.log.connections = nil, nil, nil
}

func (l *Lab) count(service string) map[string]int {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	return l.byZone(l.log.counts, service)
}

// byZone adds up what was counted of a service, or of all.
func (l *Lab) byZone(all map[place]int, service string) map[string]int {
	counts := map[string]int{}
	for _, z := range l.zones {
		counts[z.Name] = 0
	}
	for key, n := range all {
		if service == "" || key.service == service {
			counts[key.zone] += n
		}
	}
	return counts
}

type executions struct {
	mu          sync.Mutex
	all         []Execution
	counts      map[place]int
	connections map[place]int
}

type place struct{ service, zone string }

func (x *executions) add(e Execution) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e.Time = time.Now()
	if len(x.all) == 2*maxExecutions {
		x.all = append(x.all[:0], x.all[maxExecutions:]...)
	}
	x.all = append(x.all, e)
	if x.counts == nil {
		x.counts = map[place]int{}
	}
	x.counts[place{e.Service, e.Zone}]++
}

func (x *executions) connected(to place) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.connections == nil {
		x.connections = map[place]int{}
	}
	x.connections[to]++
}
