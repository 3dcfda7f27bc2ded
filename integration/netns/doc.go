// Package netns holds the tests that calls are answered although a zone's network fails, with faults that the kernel makes: packets dropped and
// rejected by nftables, sockets killed, a link that is down, an address that is gone. The server is versitygw, which others wrote and which
// verifies signatures. Nothing of ours is between the client and it. The package has nothing to import.
//
// Each zone is a network namespace of its own, and so is the client: the test binary runs itself again in new namespaces (network and mounts,
// and users if it isn't root), which vanish with the process, however it ends. The machine's own network is not touched.
//
// They need Linux, ip and ss (Debian: iproute2), nft (nftables), unshare (util-linux) and versitygw, on PATH or, the latter, where go install puts it:
//
//	go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
package netns
