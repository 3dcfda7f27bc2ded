package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// DNSAddr is the address ("127.0.0.1:port", UDP and TCP) of the VPC's DNS server.
func (l *Lab) DNSAddr() string { return l.dns.addr }

// Resolver asks the VPC's DNS server and no other.
func (l *Lab) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if err := l.ctx.Err(); err != nil {
			return nil, err
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, l.dns.addr)
		if err == nil {
			question, cancel := context.WithCancel(ctx) // net itself would wait for the answer, 5 s
			stop := context.AfterFunc(l.ctx, cancel)
			context.AfterFunc(question, func() {
				stop()
				cancel()
				_ = conn.Close()
			})
		}
		return conn, err
	}}
}

// ttl is what AWS gives the names of interface endpoints, in seconds.
const ttl = 60

type nameserver struct {
	lab      *Lab
	addr     string
	udp, tcp *dns.Server
}

func newNameserver(l *Lab) (*nameserver, error) {
	packets, streams, err := samePort()
	if err != nil {
		return nil, fmt.Errorf("dns: %w", err)
	}
	s := &nameserver{lab: l, addr: packets.LocalAddr().String()}
	s.udp = &dns.Server{PacketConn: packets, Handler: s}
	s.tcp = &dns.Server{Listener: streams, Handler: s}
	for _, server := range []*dns.Server{s.udp, s.tcp} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		l.running.Go(func() { _ = server.ActivateAndServe() })
		<-started // Shutdown works only on a server that has started
	}
	return s, nil
}

// samePort finds a port that is free for both UDP and TCP.
func samePort() (net.PacketConn, net.Listener, error) {
	var last error
	for range 20 {
		packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		streams, err := net.Listen("tcp4", packets.LocalAddr().String())
		if err == nil {
			return packets, streams, nil
		}
		_ = packets.Close()
		last = err
	}
	return nil, nil, last
}

func (s *nameserver) close() error {
	err := s.udp.Shutdown()
	if tcpErr := s.tcp.Shutdown(); err == nil {
		err = tcpErr
	}
	return err
}

// ServeDNS answers A with the name's addresses, anything else about a known name with no data, and unknown names with NXDOMAIN. For a zonal name
// there may be a fault to do something else.
func (s *nameserver) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	answer := new(dns.Msg).SetReply(question)
	answer.Authoritative, answer.RecursionAvailable = true, true // Go takes an empty answer with neither for a lame server
	if len(question.Question) != 1 {
		_ = w.WriteMsg(answer.SetRcode(question, dns.RcodeFormatError))
		return
	}
	q := question.Question[0]
	e, zonal, addrs := s.lab.find(q.Name)
	fault := None
	if zonal != nil {
		fault = zonal.current()
	}
	switch {
	case fault == DNSSilent:
		return
	case fault == DNSServerFailure:
		_ = w.WriteMsg(answer.SetRcode(question, dns.RcodeServerFailure))
		return
	case e == nil, fault == DNSAbsent:
		answer.Rcode = dns.RcodeNameError
	case fault == DNSNoData:
	case q.Qtype == dns.TypeA && q.Qclass == dns.ClassINET:
		for _, addr := range rotate(addrs, int(e.turn.Add(1)-1)) {
			answer.Answer = append(answer.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: addr.AsSlice(),
			})
		}
	}
	if len(answer.Answer) == 0 {
		answer.Ns = []dns.RR{&dns.SOA{
			Hdr: dns.RR_Header{Name: s.lab.suffix + ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
			Ns:  "ns." + s.lab.suffix + ".", Mbox: "hostmaster." + s.lab.suffix + ".", Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: ttl,
		}}
	}
	_ = w.WriteMsg(answer)
}

func rotate(addrs []netip.Addr, by int) []netip.Addr {
	by %= len(addrs)
	return append(append([]netip.Addr{}, addrs[by:]...), addrs[:by]...)
}
