// Package shift says which zones requests should keep away from for a while: a zonal shift, by hand or by AWS.
//
// [File] reads a file that an operator or a pipeline writes, and every resolver heeds the one that AZAFFINITY_SHIFT_FILE
// names. Module resolver/autoshift asks ARC which zones AWS itself has shifted traffic away from.
//
//	r, err := resolver.New(resolver.WithShift(shift.File("/etc/azaffinity/shift")))
//
// While a source says that this process's zone is to be left, a resolver sends everything to regional names, as
// after its ShiftAway. Programs that are told by other means (a message, a feature flag) call ShiftAway themselves.
//
// # When it fails
//
// A source that can't be read, or that answers nonsense, changes nothing: what it said before holds until it says
// something else. That is logged, and shown among a snapshot's notes. At the start nothing was said before, so requests
// stay in the zone, and the program starts.
package shift
