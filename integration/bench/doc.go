// Command bench measures what azaffinity costs a call of the AWS SDK for Go, and what it costs to start and to hold, and prints the README's tables. From
// the root of the repository:
//
//	go run ./integration/bench
//
// The bare SDK, the bare SDK again, and azaffinity make the same calls in turns, in one process and in an order that changes, for so many rounds. What the
// two bare ones differ by is noise. Times are this process's processor time, its garbage collector included, and are given as ratios: the median over
// rounds, and a 95 % bootstrap interval of it. A machine that has other work to do widens the interval.
//
// Counts come first, since they hardly depend on the machine: allocations and bytes by package runtime, and instructions. Those of the processor's own
// counters would include the kernel's, and virtual machines often have none, so they are counted by valgrind (3.19 or later; without it the column is
// empty). It runs this command for a number of calls and for more of them, and the difference is what the calls took. By hand, one of the runs is
//
//	go build -o bench ./integration/bench
//	AZAFFINITY_BENCH_CHILD='repeat network-none azaffinity 1200' GOGC=off GOMAXPROCS=1 GODEBUG=asyncpreemptoff=1,cpu.rdtscp=off \
//		valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null ./bench
//
// Valgrind 3.19 does not know RDTSCP. Its callgrind counts the same, and tells of each function, but may end at a signal, so Go's preemption by signals is
// off, and a call over TLS, whose server is a child of the process, needs cachegrind. The garbage collector is off since when it runs is chance.
//
// The cases are a hollow stack (the SDK's stack with nothing on it but a request, a signer that doesn't sign, and us), whole calls without a network, whole
// calls over TLS to a server in another process, and 10,000 long polls in flight, which nobody answers. Calls over TLS are made by a config with the SDK's
// own HTTP client, which [middleware.Wrap] was given. Nothing in a call without a network can be wrapped: it has the middleware of a client with our dialer.
//
// The polls take two minutes and 2 GB of memory, and a process that may open 10,100 files: -polls 0 leaves them out. Package integration/paths has them with
// real packets, and checks what they cost (TestPolls). -h has the other flags.
package main
