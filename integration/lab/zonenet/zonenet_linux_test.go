package zonenet_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/integration/lab/zonenet"
	"golang.org/x/sys/unix"
)

const (
	requireAll = "AZAFFINITY_REQUIRE_ALL"
	abandon    = "AZAFFINITY_TEST_ABANDON" // set in the process that starts a network and waits to be killed
)

var missing error // why the tests can't run

// TestMain runs the tests in a network namespace of their own.
func TestMain(m *testing.M) {
	missing = zonenet.Enter()
	if os.Getenv(abandon) != "" {
		os.Exit(abandoned())
	}
	os.Exit(m.Run())
}

func need(t *testing.T) {
	t.Helper()
	switch {
	case missing == nil:
	case os.Getenv(requireAll) == "1":
		t.Fatalf("%v (%s=1: a test that can't run is a failure)", missing, requireAll)
	default:
		t.Skip(missing)
	}
}

var zones = []string{"us-east-1a", "us-east-1b", "us-east-1c"}

const home = "us-east-1a"

// distance is large, so that a slow machine doesn't matter, and another for each pair.
func distance(from, to string) time.Duration {
	last := func(s string) int { return int(s[len(s)-1] - 'a') }
	return time.Duration(5+10*(last(from)+last(to))) * time.Millisecond
}

func start(t *testing.T) *zonenet.Network {
	t.Helper()
	need(t)
	n, err := zonenet.Start(zonenet.Options{Home: home, Zones: zones, Distance: distance})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// A packet takes as long as asked, and not as long as it takes to another zone. The least of some round trips is looked at: a busy machine makes others late.
func TestDistance(t *testing.T) {
	n := start(t)
	for _, from := range append([]string{""}, zones...) {
		for _, to := range zones {
			if from == to {
				continue // a zone's own address is on its loopback
			}
			place, least := from, time.Hour
			if from == "" {
				place = home
			}
			for range 10 {
				measure := func() error {
					took, err := n.RoundTrip(t.Context(), to)
					least = min(least, took)
					return err
				}
				if err := inside(n, from, measure); err != nil {
					t.Fatal(err)
				}
			}
			asked := 2 * distance(place, to)
			if least < asked || least > asked+8*time.Millisecond {
				t.Errorf("%q to %s: a round trip takes %v, want %v or little more", from, to, least, asked)
			}
		}
	}
}

// Given jitter, when packets go to a zone and back, then none is early, and they are as late on average as jitter says, or later.
func TestJitter(t *testing.T) {
	need(t)
	n, err := zonenet.Start(zonenet.Options{Home: home, Zones: zones, Distance: distance, Jitter: lab.Jitter{Mean: 10 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	const trips = 50
	var sum time.Duration
	asked := 2 * distance(home, zones[1])
	for range trips {
		took, err := n.RoundTrip(t.Context(), zones[1])
		if err != nil {
			t.Fatal(err)
		}
		if took < asked {
			t.Errorf("a round trip takes %v, want %v at least", took, asked)
		}
		sum += took
	}
	if late := sum/trips - asked; late < 12*time.Millisecond { // 20 are expected of two packets, with a standard deviation of 2
		t.Errorf("round trips are %v late on average, want some 20 ms", late)
	}
}

// inside is Inside, or here.
func inside(n *zonenet.Network, zone string, f func() error) error {
	if zone == "" {
		return f()
	}
	return n.Inside(zone, f)
}

// Given a connection, when its packets are dropped, then nothing arrives and nobody can connect, in this zone only; and when it is over, what was sent arrives.
func TestSilence(t *testing.T) {
	n := start(t)
	var ln net.Listener
	err := n.Inside(home, func() (err error) {
		ln, err = net.Listen("tcp4", net.JoinHostPort(n.Addr(home).String(), "0"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	if err := n.Drop(home, true); err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := n.RoundTrip(brief, home); !isTimeout(err) {
		t.Errorf("connecting to a zone whose packets are dropped: got %v, want a timeout", err)
	}
	if _, err := n.RoundTrip(t.Context(), "us-east-1b"); err != nil {
		t.Errorf("connecting to another zone: %v", err)
	}
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	_ = server.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if got, err := server.Read(make([]byte, 5)); !isTimeout(err) {
		t.Errorf("a zone whose packets are dropped received %d bytes (%v), want none", got, err)
	}
	if got := unacknowledged(t, client); got == 0 {
		t.Error("the kernel has an acknowledgement for what nobody received")
	}

	if err := n.Drop(home, false); err != nil {
		t.Fatal(err)
	}
	_ = server.SetReadDeadline(time.Now().Add(time.Minute))
	got := make([]byte, 5)
	if _, err := io.ReadFull(server, got); err != nil || string(got) != "hello" {
		t.Errorf("afterwards: got %q, %v, want %q", got, err, "hello")
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// unacknowledged is how many segments are under way, as the kernel sees it.
func unacknowledged(t *testing.T, conn net.Conn) (n uint32) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Error(err)
			return
		}
		n = info.Unacked
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNoSuchZone(t *testing.T) {
	n := start(t)
	if got := n.Addr("us-east-1z"); got.IsValid() {
		t.Errorf("Addr: got %v, want none", got)
	}
	if err := n.Inside("us-east-1z", func() error { return nil }); err == nil {
		t.Error("Inside: want an error")
	}
	if err := n.Drop("us-east-1z", true); err == nil {
		t.Error("Drop: want an error")
	}
	if _, err := n.RoundTrip(t.Context(), "us-east-1z"); err == nil {
		t.Error("RoundTrip: want an error")
	}
}

// A process that is killed takes its switch with it, and so its devices.
func TestKilled(t *testing.T) {
	need(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), abandon+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	pid, bad := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || bad != nil {
		t.Fatalf("got %q, %v, want the switch's process ID", line, err)
	}
	for end := time.Now().Add(30 * time.Second); isSwitch(pid); {
		if time.Now().After(end) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the switch outlives its parent")
		}
		time.Sleep(time.Millisecond)
	}
}

// isSwitch is false for one that has ended, whether or not somebody has asked how.
func isSwitch(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.HasPrefix(string(line), zonenet.SwitchName+"\x00")
}

// abandoned starts a network, says who its switch is, and waits.
func abandoned() int {
	if missing != nil {
		return 1
	}
	_, err := zonenet.Start(zonenet.Options{Home: home, Zones: zones, Distance: distance})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(child())
	select {}
}

// child is the process ID of this process's only child.
func child() string {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			return e.Name()
		}
	}
	return ""
}
