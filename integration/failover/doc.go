// Package failover holds the tests that calls are answered although the zonal
// name can't be reached, once, and intact. It has nothing to import.
package failover
