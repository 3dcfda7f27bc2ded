package anyclient_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// startPostgres starts a PostgreSQL on the loopback for the time of the VPC. It refuses to run as root.
func startPostgres(v *vpc) (addr string, err error) {
	dir, as, err := newHome(v, "postgres")
	if err != nil {
		return "", err
	}
	initdb, err := find("initdb")
	if err != nil {
		return "", err
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil { // the server is beside it
		return "", err
	}
	made := exec.Command(initdb, "--pgdata", dir, "--username=app", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
	if out, err := as(made).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", made, err, out)
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	server := exec.Command(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", dir, "-p", port, "-h", "127.0.0.1", "-k", "", "-F")
	return "127.0.0.1:" + port, run(v, as(server), func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, "postgres://app@127.0.0.1:"+port+"/postgres?sslmode=disable")
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// startRedis starts a Redis on the loopback for the time of the VPC.
func startRedis(v *vpc) (addr string, err error) {
	dir, as, err := newHome(v, "redis")
	if err != nil {
		return "", err
	}
	path, err := find("redis-server")
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	addr = "127.0.0.1:" + port
	server := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "")
	return addr, run(v, as(server), func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// find is where a program is, on PATH or where Debian has PostgreSQL's.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program); len(found) > 0 {
		return slices.Max(found), nil
	}
	return "", err
}

// newHome makes a directory for a server that runs as the user if this process is root's. as makes it so, and has the server end with this process.
func newHome(v *vpc, name string) (dir string, as func(*exec.Cmd) *exec.Cmd, err error) {
	if dir, err = os.MkdirTemp("", "azaffinity-"+name+"-*"); err != nil {
		return "", nil, err
	}
	v.atEnd(func() { _ = os.RemoveAll(dir) })
	args := []string{"setpriv", "--pdeathsig=KILL"}
	if os.Getuid() == 0 {
		who, err := user.Lookup(name)
		if err != nil {
			return "", nil, err
		}
		uid, _ := strconv.Atoi(who.Uid)
		gid, _ := strconv.Atoi(who.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			return "", nil, err
		}
		args = append(args, "--reuid="+who.Uid, "--regid="+who.Gid, "--clear-groups")
	}
	return dir, func(c *exec.Cmd) *exec.Cmd {
		as := exec.Command(args[0], append(args[1:], c.Args...)...)
		as.Dir, as.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
		return as
	}, nil
}

// run starts a server, which ends with the VPC, and returns when it is ready.
func run(v *vpc, server *exec.Cmd, ready func(context.Context) error) error {
	said, err := os.Create(filepath.Join(server.Dir, "said"))
	if err != nil {
		return err
	}
	defer said.Close()
	server.Stdout, server.Stderr = said, said
	if err := server.Start(); err != nil {
		return err
	}
	v.atEnd(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			why, _ := os.ReadFile(said.Name())
			return fmt.Errorf("%v: %w\n%s", server, err, why)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func freePort() (string, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	return port, err
}
