// Package bench measures what azaffinity costs a whole SDK call, and what it costs to start and to hold. What a single step costs is measured next to it:
// Resolve in package resolver, the middleware with nothing behind it in package middleware. All of them, from the root of the repository:
//
//	{ echo "commit: $(git rev-parse HEAD)"; go test -run '^$' -bench . -benchmem -cpu 1,2 -count 10 ./resolver ./middleware ./integration/bench; } > bench.txt
//	go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da -col /client bench.txt
//
// The second line compares the calls of different clients: "bare" and "bare-again" are the same, and what they differ by is noise.
package bench
