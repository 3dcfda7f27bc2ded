//go:build go1.25

package dialer

import (
	"testing"
	"testing/synctest"
	"time"
)

// Given a host that requests were made to, then it is looked up again some seconds later, once, and again when there are requests again.
func TestHostsAreLookedUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(nil)
		l := d.plain.put("10.0.0.1", nil)
		for range 3 {
			before := l.at.Load()
			d.arm(l)
			if !d.hosts.armed.Load() {
				t.Error("no refresh is due")
			}
			time.Sleep(refreshEvery + 1)
			synctest.Wait()
			if l = d.hosts.of("10.0.0.1"); l.at.Load() <= before || len(l.addrs) != 1 {
				t.Errorf("it was not looked up: %v", l.addrs)
			}
			now := l.at.Load()
			time.Sleep(10 * refreshEvery)
			synctest.Wait()
			if d.hosts.of("10.0.0.1").at.Load() != now || d.hosts.armed.Load() {
				t.Error("it was looked up although nobody asked")
			}
		}
	})
}
