// Mutants changes the library, one small fault at a time, and sees whether a test notices. What survives says which test is missing.
//
//	go run ./integration/mutants -n 300 -seed 1 -time 4h
//	go run ./integration/mutants -packages ./resolver/zone,./middleware/dialer -json mutants.json
//
// A mutant is one edit: a condition negated, a comparison moved by one, && for ||, + for -, a number plus one, a statement or a return left out, a result
// that is zero. The same seed and tree give the same sample. The tree isn't touched: each mutant is compiled with go's -overlay. The package's own tests are
// run first, then those of the packages in [followers]. All of them have to pass unchanged.
//
// A mutant is killed by a test that fails twice, the second time alone, by a panic, or by tests that don't end in time. One that no compiler takes doesn't
// count, nor does one that equivalent.txt lists: no test can tell it from the original, for the reason given there. When the time is up, the report is of
// what was run.
//
// It exits with 1 if less than 95 % of the mutants that count were killed, and with 2 if it couldn't run.
package main
