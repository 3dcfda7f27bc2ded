package paths

import (
	"net"
	"strings"
	"sync/atomic"

	"github.com/miekg/dns"
)

// nameserver answers for the endpoint's names: the regional one with both zones' addresses, in rotation.
type nameserver struct {
	server *dns.Server
	addr   string
	zones  []zone
	turn   atomic.Uint32 // which zone the next answer for the regional name begins with
	steady atomic.Bool   // it begins with the other zone, each time
}

func newNameserver(zones []zone) (*nameserver, error) {
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &nameserver{addr: packets.LocalAddr().String(), zones: zones}
	s.server = &dns.Server{PacketConn: packets, Handler: s}
	started := make(chan struct{})
	s.server.NotifyStartedFunc = func() { close(started) }
	go func() { _ = s.server.ActivateAndServe() }()
	<-started
	return s, nil
}

func (s *nameserver) close() { _ = s.server.Shutdown() }

// ServeDNS answers A with the name's addresses, other questions about it with no data, and what isn't the endpoint's with NXDOMAIN.
func (s *nameserver) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	answer := new(dns.Msg).SetReply(question)
	answer.Authoritative, answer.RecursionAvailable = true, true
	q := question.Question[0]
	zones := s.zonesOf(strings.TrimSuffix(strings.ToLower(q.Name), "."))
	switch {
	case zones == nil:
		answer.Rcode = dns.RcodeNameError
	case q.Qtype == dns.TypeA:
		first := 0
		if len(zones) > 1 {
			if first = int(s.turn.Add(1)-1) % len(zones); s.steady.Load() {
				first = len(zones) - 1
			}
		}
		for i := range zones {
			answer.Answer = append(answer.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
				A:   net.ParseIP(zones[(first+i)%len(zones)].addr),
			})
		}
	}
	if len(answer.Answer) == 0 {
		answer.Ns = []dns.RR{&dns.SOA{
			Hdr: dns.RR_Header{Name: "amazonaws.com.", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 60},
			Ns:  "ns.amazonaws.com.", Mbox: "hostmaster.amazonaws.com.", Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: 60,
		}}
	}
	_ = w.WriteMsg(answer)
}

func (s *nameserver) zonesOf(name string) []zone {
	for _, service := range services {
		if under(name, vpceName(service, "")) {
			return s.zones
		}
		for i, z := range s.zones {
			if under(name, vpceName(service, z.name)) {
				return s.zones[i : i+1]
			}
		}
	}
	return nil
}

func under(name, base string) bool { return name == base || strings.HasSuffix(name, "."+base) }
