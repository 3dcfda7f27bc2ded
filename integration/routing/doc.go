// Package routing holds the tests that real SDK clients' requests go to the host
// that the routing rules name, signed for it. It has nothing to import.
package routing
