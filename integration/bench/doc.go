// Command bench measures what azaffinity costs a call of the AWS SDK for Go, and what it costs to start and to hold, and prints the tables below. From
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
// # What it measured
//
// On a virtual machine with two AMD EPYC processors and Go 1.26.8. Bare + more: what the bare SDK takes, and what azaffinity adds. Times are this
// process's, as ratios with their 95 % intervals, and the difference of the fastest rounds.
//
//	|                                                         | allocations | KiB        | instructions    | processor time, ratio      | bare again        |
//	|---------------------------------------------------------|-------------|------------|-----------------|----------------------------|-------------------|
//	| a hollow stack                                          | 43 + 2      | 3.0 + 0.2  | 20.4k + 3.4k    | 1.13 [1.09, 1.27], +0.8 µs | 1.01 [0.90, 1.12] |
//	| SQS SendMessage without a network                       | 297 + 3     | 25.3 + 0.3 | 221.7k + 9.8k   | 1.04 [1.00, 1.13]          | 1.00 [0.98, 1.08] |
//	| S3 GetObject without a network                          | 420 + 4     | 28.5 + 0.6 | 334.4k + 10.2k  | 1.05 [1.02, 1.16]          | 1.04 [0.95, 1.15] |
//	| SQS SendMessage over TLS, to another process            | 343 + 3     | 28.1 + 0.4 | 324.2k + 11.9k  | 1.03 [0.97, 1.07]          | 1.02 [0.96, 1.05] |
//
//	|                                            | time   | allocations | KiB that stay |
//	|--------------------------------------------|--------|-------------|---------------|
//	| deciding, for a service's host             | 27 ns  | 0           |               |
//	| for a bucket's host                        | 31 ns  | 0           |               |
//	| for a host that no endpoint is known for   | 90 ns  | 0           |               |
//	| start, with 10 endpoints in six zones      | 0.9 ms | 2,126       | 33            |
//	| start, with 100 endpoints in six zones     | 7.4 ms | 19,271      | 278           |
//	| start, with 1,000 endpoints in six zones   | 59 ms  | 189,597     | 2,900         |
//
// Of the instructions in a whole call, some 5k are what the SDK does with a longer host name: a client that BaseEndpoint pins to the zonal name takes them,
// too. 10,000 long polls in flight cost 0.5 % of a core more over HTTP/1.1, and 0.3 % over HTTP/2, than in a bare program that wakes up as often, for nothing
// (integration/paths). Waking up at all, three times a second, costs a virtual machine up to 1.5 % of a core.
//
// The polls take two minutes and 2 GB of memory, and a process that may open 10,100 files: -polls 0 leaves them out. Package integration/paths has them with
// real packets, and checks what they cost (TestPolls). -h has the other flags.
package main
