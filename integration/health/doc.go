// Package health holds the tests that compare what the resolver makes of successes and failures with sony/gobreaker, a circuit
// breaker that others wrote and use, under fake time. It has nothing to import.
package health
