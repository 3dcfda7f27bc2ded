// Package truth holds the test that nothing which a resolver says of itself is false. It has nothing to import.
//
// A call is made in every fault of the lab, in every mode, and with every piece of knowledge missing that may be missing. Before it, the resolver's
// Snapshot, its JSON, the debugging page and Resolve are asked where the next request goes; then a step next to the HTTP client sees where it went,
// and the lab where it was executed. What metrics say at the end is compared with both.
package truth
