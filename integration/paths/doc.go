// Package paths holds the tests of what azaffinity makes of connections whose path fails, stalls, or only seems to: packets lost for a moment or for
// good, SYNs dropped, a caller that is starved or stopped, a server that stops reading. The packets are real (veth, nftables), and so are the SDK's
// clients. The bare SDK makes the same calls under the same fault in the same test: it is the yardstick, and shows that the fault is one. The
// servers count executions by call, SDK invocation and attempt. The package has nothing to import.
//
// The test binary runs itself again in new namespaces (network and mounts), which vanish with the process. Every caller is a process of its own and
// has a site of its own: an address of the endpoint in its zone and one in another, with a server each, behind a link to a namespace that drops packets of
// single addresses. The machine's own network is not touched. A group of processes (cgroup v2, or v1) is made for each caller that is to have little of a
// processor, and removed; where that can't be, goroutines compute instead.
//
// It needs Linux, root, ip (Debian: iproute2), nft (nftables) and unshare (util-linux).
//
//	go test ./paths                                                    # the quick rows, about a minute
//	AZAFFINITY_PATHS=long go test -v -timeout 30m ./paths              # all rows, and a table of what came of them
//	AZAFFINITY_PATHS=long go test -v -timeout 30m -run Polls ./paths   # some of them
//
// The table has a line for each row: calls that failed and calls made, executions at the servers, calls that were executed twice, connections that the
// servers accepted, and the longest call; for the bare SDK with the regional name ("bare") or the zonal name of its zone ("pinned"), and for azaffinity. With
// -v it is printed for the quick rows, too.
package paths
