// Package zonenet is a network with real distances between Availability Zones: each zone is a network namespace of its own, and packets between
// them take as long as asked. TCP in it is the kernel's, with handshakes, acknowledgements and retransmissions that travel the distance, too.
//
//	if err := zonenet.Enter(); err != nil { ... } // first thing in main: what is missing here, if anything
//	n, err := zonenet.Start(zonenet.Options{Home: "us-east-1a", Zones: zones, Distance: lab.TypicalDistance})
//	if err != nil { ... }
//	defer n.Close()
//	l, err := lab.Start(lab.Options{Network: n})
//
// It needs Linux, root and /dev/net/tun, and no tools. tc's netem, which not every kernel has, is not needed: a TUN device in each namespace leads to a
// switch, which holds every packet back until it is due. The switch is a process of its own (this program again, named [SwitchName]), since inside of a
// busy one it would wait for its turn. [Network.RoundTrip] says how long packets really take.
//
// Namespaces have no names, and devices live as long as the switch, which ends with its parent: however the program ends, nothing is left behind.
// The machine's own network is not touched.
package zonenet
