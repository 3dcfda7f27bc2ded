// Package bench measures what azaffinity costs a whole SDK call, and what it costs to start and to hold. What a single step costs is measured next to it:
// Resolve in package resolver, the middleware with nothing behind it in package middleware. All of them, from the root of the repository:
//
//	{ echo "commit: $(git rev-parse HEAD)"; echo "go: $(go env GOVERSION)"
//	for i in 1 2 3 4 5 6 7 8 9 10; do go test -run '^$' -bench . -benchmem -benchtime 0.5s -cpu 1,2 -count 1 ./resolver ./middleware ./integration/bench; done; } > bench.txt
//	go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da -col /client bench.txt
//
// CallOverTLS has the network in it, and the server in another process: its cpu-ns/op is what a call costs its own.
//
// The rounds are there for a machine that gets faster or slower meanwhile: with -count 10 that would look like a difference.
//
// The last line compares the calls of different clients: "bare" and "bare-again" are the same, and what they differ by is noise.
package bench
