package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

const (
	// fewCalls and manyCalls are what valgrind counts the instructions of. The difference has no start in it.
	fewCalls, manyCalls = 200, 2200
	// countings is how often it does so: what the scheduler does is not the same each time.
	countings = 3
)

// instructions says how many a call takes, bare and more with azaffinity, in thousands; nothing if there is no valgrind.
func (k kind) instructions() (string, error) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return "", nil
	}
	var of [len(clients)]float64
	for _, c := range clients {
		var all []float64
		for range countings {
			few, err := k.collected(c, fewCalls)
			if err != nil {
				return "", err
			}
			many, err := k.collected(c, manyCalls)
			if err != nil {
				return "", err
			}
			all = append(all, float64(many-few)/(manyCalls-fewCalls))
		}
		of[c] = median(all) / 1000
	}
	return fmt.Sprintf("%.1fk + %.1fk (bare again %+.1fk)", of[bare], of[azaffinity]-of[bare], of[bareAgain]-of[bare]), nil
}

var collectedLine = regexp.MustCompile(`Collected : (\d+)`)

// collected is how many instructions a process takes that makes n calls.
func (k kind) collected(c client, n int) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	cmd := exec.Command("valgrind", "--tool=callgrind", "--callgrind-out-file="+os.DevNull, self)
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
	return strconv.ParseInt(string(found[1]), 10, 64)
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
