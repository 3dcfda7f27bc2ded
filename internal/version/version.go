// Package version has the library's version, for the User-Agent and for the log.
package version

// Version is that of the release that comes next, or of this one. `.ci/release` writes it.
const Version = "0.1.0"
