//go:build !unix

package localfile

// nonBlocking has no meaning on platforms whose file systems have no pipes.
const nonBlocking = 0
