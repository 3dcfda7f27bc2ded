package netns

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// What a zone's firewall can do.
const (
	dropRequests = `chain requests { type filter hook input priority 0; iif "lo" accept; drop; }`
	dropAnswers  = `chain answers { type filter hook output priority 0; oif "lo" accept; drop; }`
	rejectReset  = `chain refuse { type filter hook input priority 0; tcp dport 443 reject with tcp reset; }`
	rejectHost   = `chain unreachable { type filter hook input priority 0; tcp dport 443 reject with icmp type host-unreachable; }`
)

// checkFirewall reports whether this kernel takes all of these.
func checkFirewall() error {
	return run("table inet fault {\n"+strings.Join([]string{dropRequests, dropAnswers, rejectReset, rejectHost}, "\n")+"\n}\n", "nft", "--check", "-f", "-")
}

// firewall is a fault: the zone's own rules, as nft understands them.
func firewall(chain string) func(*testing.T, *zone) {
	return func(t *testing.T, z *zone) {
		t.Helper()
		nft := func(rules string) error { return run(rules, "ip", "netns", "exec", z.name, "nft", "-f", "-") }
		z.suffer(t, func() error { return nft("table inet fault {\n" + chain + "\n}\n") }, func() error { return nft("flush ruleset\n") })
	}
}

// linkDown is a fault: the zone's network interface is switched off.
func linkDown(t *testing.T, z *zone) {
	t.Helper()
	set := func(state string) func() error {
		return func() error { return run("", "ip", "-n", z.name, "link", "set", "eth0", state) }
	}
	z.suffer(t, set("down"), set("up"))
}

// addressGone is a fault: the zone's network interface has lost its address.
func addressGone(t *testing.T, z *zone) {
	t.Helper()
	address := func(do string) func() error {
		return func() error { return run("", "ip", "-n", z.name, "addr", do, z.addr()+"/24", "dev", "eth0") }
	}
	z.suffer(t, address("del"), address("add"))
}

// suffer breaks the zone until the test ends.
func (z *zone) suffer(t *testing.T, broken, mended func() error) {
	t.Helper()
	t.Cleanup(func() {
		if err := mended(); err != nil {
			t.Fatal(err)
		}
		if err := z.reachable(); err != nil {
			t.Fatal(err)
		}
	})
	if err := broken(); err != nil {
		t.Fatal(err)
	}
}

// killSockets ends the client's connections to the zone, as an administrator would.
func (z *zone) killSockets() error {
	return run("", "ss", "--no-header", "--tcp", "--kill", "dst", z.addr())
}

// needKill ends the test if the kernel can't kill sockets.
func (n *network) needKill(t *testing.T) {
	t.Helper()
	z := n.zones[len(n.zones)-1]
	conn, err := net.Dial("tcp4", net.JoinHostPort(z.addr(), "443"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := z.killSockets(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	_, err = conn.Read(make([]byte, 1))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	const why = "ss can't kill sockets here: the kernel lacks CONFIG_INET_DIAG_DESTROY"
	if os.Getenv(requireAll) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
