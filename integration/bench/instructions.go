package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

const (
	// fewCalls and manyCalls are what valgrind counts the instructions of. The difference has no start in it.
	fewCalls, manyCalls = 200, 1200
	// countings is how often it does so. The least counts: a connection that is made anew, or a thread that is woken, only adds to it.
	countings = 4
)

// instructions says how many a call takes, bare and more with azaffinity, in thousands; nothing if there is no valgrind.
func (k kind) instructions() (string, error) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return "", nil
	}
	var of [len(clients)]float64
	for _, c := range clients {
		few, many := int64(math.MaxInt64), int64(math.MaxInt64)
		for range countings {
			for n, least := range map[int]*int64{fewCalls: &few, manyCalls: &many} {
				got, err := k.collected(c, n)
				if err != nil {
					return "", err
				}
				*least = min(*least, got)
			}
		}
		of[c] = float64(many-few) / (manyCalls - fewCalls) / 1000
	}
	return fmt.Sprintf("%.1fk + %.1fk (bare again %+.1fk)", of[bare], of[azaffinity]-of[bare], of[bareAgain]-of[bare]), nil
}

var collectedLine = regexp.MustCompile(`I +refs: +([\d,]+)`)

// collected is how many instructions a process takes that makes n calls.
func (k kind) collected(c client, n int) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	cmd := exec.Command("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file="+os.DevNull, self)
	cmd.Env = append(os.Environ(), asChild+"="+strings.Join([]string{"repeat", k.name, c.String(), strconv.Itoa(n)}, " "),
		"GOGC=off", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1,cpu.rdtscp=off") // see the package's description
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%v: %w: %s", cmd.Args, err, out.Bytes())
	}
	found := collectedLine.FindSubmatch(out.Bytes())
	if found == nil {
		return 0, fmt.Errorf("%v doesn't say what it counted: %s", cmd.Args, out.Bytes())
	}
	return strconv.ParseInt(strings.ReplaceAll(string(found[1]), ",", ""), 10, 64)
}

// repeat makes n calls, and nothing else.
func repeat(name, client, n string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w := &world{dir: dir}
	defer w.close()
	times, err := strconv.Atoi(n)
	if err != nil {
		return err
	}
	for _, k := range cases {
		for _, c := range clients {
			if k.name != name || c.String() != client {
				continue
			}
			do, err := k.make(w, c)
			if err != nil {
				return err
			}
			_, err = timed(do, times)
			return err
		}
	}
	return fmt.Errorf("there is no case %s with client %s", name, client)
}
