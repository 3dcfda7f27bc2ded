package dialer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// server is an HTTPS server at one loopback address whose network can be broken.
type server struct {
	*http.Server
	addr     string
	listener net.Listener

	mu       sync.Mutex
	accepted int
	conns    map[*net.TCPConn]bool
}

type tracked struct {
	net.Listener
	s *server
}

func (l tracked) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.accepted++
	l.s.conns[c.(*net.TCPConn)] = true
	return c, nil
}

func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// open are the connections that have not been closed at the server.
func (s *server) open() (open []*net.TCPConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if raw, err := c.SyscallConn(); err == nil && raw.Control(func(uintptr) {}) == nil {
			open = append(open, c)
		}
	}
	return open
}

// transportTo is a transport that connects to one address whatever the name is.
func transportTo(addr string, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
}

// newServer listens at addr ("127.0.1.1:0") and serves TLS with the certificate.
func newServer(t testing.TB, addr string, cert tls.Certificate, h http.Handler) *server {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	s := &server{
		Server: &http.Server{Handler: h, Protocols: protocols, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}},
		addr:   ln.Addr().String(), listener: ln, conns: map[*net.TCPConn]bool{},
	}
	go s.ServeTLS(tracked{ln, s}, "", "")
	t.Cleanup(func() { s.Close() })
	return s
}

// SO_ATTACH_FILTER's struct sock_fprog, with the classic BPF program "ret #0", which drops everything.
type (
	instruction struct {
		code uint16
		_, _ uint8  // jumps
		_    uint32 // the operand
	}
	program struct {
		length uint16
		filter *instruction
	}
)

// drop has the kernel drop what comes in on the server's connections, as a network would, or no longer.
func (s *server) drop(t testing.TB, on bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		dropAt(t, c, on)
	}
}

// dropAt has the kernel drop what comes in on a socket.
func dropAt(t testing.TB, socket syscall.Conn, on bool) {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		nothing := instruction{code: 0x06} // BPF_RET | BPF_K
		p := program{1, &nothing}
		option := uintptr(syscall.SO_ATTACH_FILTER)
		if !on {
			option = syscall.SO_DETACH_FILTER
		}
		if _, _, errno := syscall.Syscall6(syscall.SYS_SETSOCKOPT, fd, syscall.SOL_SOCKET, option, uintptr(unsafe.Pointer(&p)), unsafe.Sizeof(p), 0); errno != 0 {
			t.Error(errno)
		}
	})
}

// listen listens at a loopback address.
func listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// hang is a listener at which no more connections can be made: its queue is full, and nobody accepts.
func hang(t testing.TB, addr string) net.Listener {
	t.Helper()
	ln := listen(t, addr)
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		if err := syscall.Listen(int(fd), 0); err != nil {
			t.Fatal(err)
		}
	})
	for range 10 {
		c, err := net.DialTimeout("tcp", ln.Addr().String(), 100*time.Millisecond)
		if err != nil {
			return ln
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the queue doesn't fill")
	return nil
}

// newServers are servers at the loopback addresses, all at one port.
func newServers(t testing.TB, cert tls.Certificate, h http.Handler, addrs ...string) (servers []*server, port string) {
	t.Helper()
	port = "0"
	for _, a := range addrs {
		s := newServer(t, net.JoinHostPort(a, port), cert, h)
		_, port, _ = net.SplitHostPort(s.addr)
		servers = append(servers, s)
	}
	return servers, port
}

// authority makes a certificate for names, and a pool that trusts it.
func authority(t testing.TB, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
