package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/azaffinity/azaffinity/resolver"
)

// finding is something that its reader might want to change.
type finding struct {
	Code  string `json:"code"`
	Level level  `json:"level"`
	What  string `json:"what"`
	Do    string `json:"do"`
	Name  string `json:"name,omitempty"` // the DNS name it is about
}

type level string

const (
	problem level = "problem" // the exit code is 1
	advice  level = "advice"
)

func (x *exam) problem(code, name, what, do string) {
	x.Findings = append(x.Findings, finding{code, problem, what, do, name})
}

func (x *exam) advise(code, name, what, do string) {
	x.Findings = append(x.Findings, finding{code, advice, what, do, name})
}

func (x *exam) has(code string) bool {
	return slices.ContainsFunc(x.Findings, func(f finding) bool { return f.Code == code })
}

// judge is what there is to say of an endpoint that has been examined.
func (x *exam) judge() {
	switch {
	case !x.used():
		x.judgeUnused()
		return
	case x.Regional.err != nil && (x.Zonal == nil || x.Zonal.err != nil):
		// no name of it can be looked up: one finding is enough
	case x.Zonal != nil:
		x.judgeZonal()
	case x.route.Reason == resolver.NotInZone:
		x.problem("not-in-zone", "", "it is not in "+x.zone+": calls go to its other zones", x.joinZone())
	case x.route.Reason == resolver.CrossRegion:
		x.advise("cross-region", "", "its service is in "+x.Region+": AWS has no zonal names for another Region", "nothing: its regional name is used")
	}
	x.judgeRegional()
	x.judgeHosts()
}

func (x *exam) judgeUnused() {
	switch {
	case x.route.Reason == resolver.FreePath:
		x.advise("gateway-endpoint", "", "it is not used: "+x.endpoint.FreePath,
			"nothing; to have calls stay in the zone, at the interface endpoint's price: resolver.WithInterfaceFor(\""+x.Service+"\")")
	case strings.HasPrefix(x.Service, "vpce-svc-"):
		x.advise("not-routed", "", "it leads to somebody's own service, which no AWS client resolves a host of",
			"nothing, or give a client its regional name as its URL")
	default:
		x.advise("not-routed", "", "it is not used: its hosts work under their own name only, or another endpoint serves them",
			"nothing, or leave it out of the endpoints")
	}
}

func (x *exam) joinZone() string {
	return "give the endpoint a subnet in " + x.zone + ", if its service can be had there; if it is another account's, see that its letters are used (AZAFFINITY_ZONE_NAMES)"
}

func (x *exam) judgeZonal() {
	z := x.Zonal.result()
	switch {
	case z.Failed == stepName && isNotFound(z.err) && x.endpoint.Zonal != nil:
		x.problem("stale", x.Zonal.Name, "its zonal name is listed, and does not exist",
			"list the endpoints again (-discover -snapshot FILE): it was changed or deleted; names of a new one take some minutes")
	case z.Failed == stepName && isNotFound(z.err):
		x.problem("not-in-zone", x.Zonal.Name, "its name in "+x.zone+" does not exist: it is not in the zone", x.joinZone())
	case z.Failed == stepConnect && isTimeout(z.err) && !slices.ContainsFunc(x.others(), func(a address) bool { return !a.timedOut() }):
		x.problem("security-group", x.Zonal.Name, "TCP to port 443 times out, in all of its zones",
			"let the endpoint's security group accept TCP 443 from here; if it does, look at network ACLs and routes")
	case z.Failed == stepConnect && isTimeout(z.err):
		x.problem("zone-timeout", x.Zonal.Name, "TCP to port 443 times out in "+x.zone+", and not in other zones",
			"look at the network ACL of the endpoint's subnet in "+x.zone+", and at AWS's health; calls fail over")
	case !z.well():
		x.unreached(x.Zonal, "its zonal name")
	case x.farther():
		own, other := nearest(x.Zonal.Addresses), nearest(x.others())
		x.problem("farther", x.Zonal.Name, fmt.Sprintf("another zone is nearer: %s to %v in %s, %s to %v", millis(own.rtt), own.Addr, x.zone, millis(other.rtt), other.Addr),
			"check the zone: its letter may not be the one of the endpoint's owner (AZAFFINITY_ZONE_NAMES), or AZAFFINITY_ZONE is wrong")
	}
}

func (a address) timedOut() bool { return a.Failed == stepConnect && isTimeout(a.err) }

// unreached says why a name can't be used, if that needs no comparison with others.
func (x *exam) unreached(p *probe, which string) {
	a := p.result()
	say := func(code, what, do string) { x.problem(code, p.Name, which+" "+what, do) }
	var invalid x509.CertificateInvalidError
	switch {
	case a.Failed == stepName && isNotFound(a.err):
		say("no-name", "does not exist", "list the endpoints again: this one was deleted, or its name is misspelt")
	case a.Failed == stepName:
		say("dns", "can't be looked up: "+reason(a.err), "see that this machine asks the VPC's DNS resolver, and that it answers")
	case a.timedOut():
		say("security-group", "times out on TCP port 443", "let the endpoint's security group accept TCP 443 from here; if it does, look at network ACLs and routes")
	case a.Failed == stepConnect && errors.Is(a.err, syscall.ECONNREFUSED):
		say("refused", "refuses connections to port 443", "look for a firewall that rejects them: an endpoint that is well doesn't")
	case a.Failed == stepConnect:
		say("connect", "can't be connected to: "+reason(a.err), "see that there is a route from here to the endpoint's subnets")
	case a.Failed == stepTLS:
		say("tls", "accepts connections, and no TLS: "+reason(a.err), "look for a firewall or proxy on the way that keeps TLS from passing")
	case isOtherName(a.err):
		say("certificate", "has another name's certificate", "see who answers at this address: a proxy on the way, or DNS that isn't AWS's")
	case errors.As(a.err, &invalid) && invalid.Reason == x509.Expired:
		say("certificate-expired", "has a certificate that isn't valid now", "set this machine's clock")
	case a.Failed == stepCertificate:
		say("certificate-untrusted", "has a certificate that isn't trusted here: "+reason(a.err),
			"install CA certificates; where TLS is inspected on the way, exempt this name or set AWS_CA_BUNDLE")
	case a.unavailable():
		say("unavailable", fmt.Sprintf("answers %d, and without a service behind it", a.Status), "wait: calls go to other zones when some have failed; if it lasts, ask AWS, and shift away from the zone (Resolver.ShiftAway)")
	default:
		say("no-answer", "takes a request and does not answer: "+reason(a.err), "wait: calls go to other zones when some have failed; if it lasts, ask AWS, and shift away from the zone (Resolver.ShiftAway)")
	}
}

// reason is an error in words that don't differ from one endpoint to the next, if that is possible.
func reason(err error) string {
	switch {
	case isTimeout(err):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection is reset"
	}
	return err.Error()
}

// judgeRegional reports on the way that calls take when the zonal name can't be used.
func (x *exam) judgeRegional() {
	others := x.others()
	sound := slices.ContainsFunc(others, address.well)
	var bad []string
	for _, a := range others {
		if !a.well() {
			bad = append(bad, a.Addr.String())
		}
	}
	switch {
	case x.Regional.err != nil, x.Zonal == nil && !sound:
		x.unreached(x.Regional, "its regional name")
	case x.has("security-group"), len(bad) == 0:
		// it has been said, or all is well
	case !sound && x.Zonal.result().Failed == x.Regional.result().Failed && !x.Zonal.well():
		// the same again
	default:
		x.problem("fallback", x.Regional.Name, "in other zones it can't be used at "+strings.Join(bad, ", "),
			"look at the endpoint's subnets in those zones (network ACLs), and at AWS's health: calls that fail over may go there")
	}
}

// noPrivateDNS has the services whose endpoints can't have it.
var noPrivateDNS = []string{"dynamodb", "data.iot"}

const fixPrivateDNS = "see that this machine asks the VPC's DNS resolver, and that the VPC has enableDnsSupport and enableDnsHostnames"

// judgeHosts reports on the service's own hosts, which are where calls go that have no zonal name, and those of other programs.
func (x *exam) judgeHosts() {
	if x.Regional.err != nil {
		return
	}
	for _, l := range x.Hosts {
		switch {
		case x.leadsHere(l):
		case x.endpoint.PrivateDNS && l.err != nil:
			x.problem("private-dns", l.Host, "it has private DNS, and its host can't be looked up: "+reason(l.err), fixPrivateDNS)
		case x.endpoint.PrivateDNS:
			x.problem("private-dns", l.Host, fmt.Sprintf("it has private DNS, and its host leads elsewhere, to %v: calls that fail over would leave the endpoint", l.Addresses[0]), fixPrivateDNS)
		case !slices.Contains(noPrivateDNS, x.Service):
			where := "does not lead anywhere"
			if l.err == nil {
				where = fmt.Sprintf("leads elsewhere, to %v", l.Addresses[0])
			}
			x.advise("private-dns-off", l.Host, "private DNS is off: its host "+where, "nothing for calls that azaffinity routes; for all others, enable the endpoint's private DNS")
		}
	}
}

// leadsHere reports whether a host has addresses of the endpoint only.
func (x *exam) leadsHere(l lookup) bool {
	var own []address
	for _, p := range x.probes() {
		own = append(own, p.Addresses...)
	}
	for _, addr := range l.Addresses {
		if !slices.ContainsFunc(own, func(a address) bool { return a.Addr == addr }) {
			return false
		}
	}
	return l.err == nil
}
