package paths

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// quota gives the process so much of a processor, in hundredths, until the test ends or the quota is lifted.
func (c *caller) quota(t *testing.T, percent int) (lift func()) {
	t.Helper()
	g, err := newGroup(fmt.Sprintf("azaffinity-paths-%d", c.cmd.Process.Pid), percent)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.add(c.cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	lift = sync.OnceFunc(func() {
		if err := g.remove(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(lift)
	return lift
}

// group is a group of processes that share a part of a processor.
type group struct{ root, dir string }

// groupRoot is where groups are made, with the processor's controller: of cgroup v2, or of v1 if that has it.
var groupRoot = sync.OnceValues(func() (string, error) {
	const dir = "/var/run/azaffinity-paths" // which only this process sees, and which ends with it
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	var why error
	for _, hierarchy := range []struct{ kind, data string }{{"cgroup2", ""}, {"cgroup", "cpu"}, {"cgroup", "cpu,cpuacct"}} {
		if err := unix.Mount("none", dir, hierarchy.kind, 0, hierarchy.data); err != nil {
			why = fmt.Errorf("mount -t %s: %w", hierarchy.kind, err)
			continue
		}
		probe := group{dir, dir + "/azaffinity-paths-" + strconv.Itoa(os.Getpid())}
		if err := os.Mkdir(probe.dir, 0o755); err != nil {
			why = err
		} else {
			err := probe.limit(100)
			_ = os.Remove(probe.dir)
			if err == nil {
				return dir, nil
			}
			why = err
		}
		_ = unix.Unmount(dir, unix.MNT_DETACH)
	}
	return "", fmt.Errorf("no group of processes with a quota of a processor here: %w", why)
})

func newGroup(name string, percent int) (group, error) {
	root, err := groupRoot()
	if err != nil {
		return group{}, err
	}
	g := group{root, root + "/" + name}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return g, err
	}
	if err := g.limit(percent); err != nil {
		_ = os.Remove(g.dir)
		return g, err
	}
	return g, nil
}

const period = 100_000 // µs, the kernel's default

func (g group) limit(percent int) error {
	quota := strconv.Itoa(period / 100 * percent)
	err := os.WriteFile(g.dir+"/cpu.max", []byte(quota+" "+strconv.Itoa(period)), 0o644)
	if os.IsNotExist(err) || os.IsPermission(err) {
		err = os.WriteFile(g.dir+"/cpu.cfs_quota_us", []byte(quota), 0o644)
	}
	return err
}

func (g group) add(pid int) error {
	return os.WriteFile(g.dir+"/cgroup.procs", []byte(strconv.Itoa(pid)), 0o644)
}

// remove takes the group's processes out of it, and removes it.
func (g group) remove() error {
	text, err := os.ReadFile(g.dir + "/cgroup.procs")
	if err != nil {
		return err
	}
	for _, pid := range bytes.Fields(text) {
		if err := os.WriteFile(g.root+"/cgroup.procs", pid, 0o644); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return os.Remove(g.dir)
}
