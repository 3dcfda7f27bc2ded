package zonenet

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

const (
	device = "tun0"
	// mtu is what interface endpoints take (https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html).
	mtu = 8500
)

// newDevice makes a TUN device with these addresses in the namespace of the calling thread, from which all other addresses of the network are
// reached through it. It is there as long as the file is open.
func newDevice(addrs ...netip.Addr) (_ *os.File, err error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	file := os.NewFile(uintptr(fd), device)
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	ifreq, err := unix.NewIfreq(device)
	if err != nil {
		return nil, err
	}
	ifreq.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifreq); err != nil {
		return nil, fmt.Errorf("new TUN device: %w", err)
	}
	if err := up("lo"); err != nil {
		return nil, err
	}
	if err := configure(device, unix.SIOCSIFMTU, func(r *unix.Ifreq) { r.SetUint32(mtu) }); err != nil {
		return nil, err
	}
	for i, addr := range addrs {
		name := device // the first, from which the kernel connects where nobody says from which
		if i > 0 {
			name = fmt.Sprintf("%s:%d", device, i)
		}
		for _, step := range []struct {
			request uint
			ip      [4]byte
		}{{unix.SIOCSIFADDR, addr.As4()}, {unix.SIOCSIFNETMASK, [4]byte{255, 255, 0, 0}}} {
			if err := configure(name, step.request, func(r *unix.Ifreq) { _ = r.SetInet4Addr(step.ip[:]) }); err != nil {
				return nil, err
			}
		}
	}
	return file, up(device)
}

func up(name string) error {
	return configure(name, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING) })
}

// configure sets one thing of a device in the namespace of the calling thread.
func configure(name string, request uint, set func(*unix.Ifreq)) error {
	ifreq, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	set(ifreq)
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	if err := unix.IoctlIfreq(socket, request, ifreq); err != nil {
		return fmt.Errorf("configure %s (ioctl %#x): %w", name, request, err)
	}
	return nil
}
