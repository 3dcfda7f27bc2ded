// Package page looks at the resolver's debugging page with a browser, headless Chromium, as an engineer on call would: narrow and wide, light and
// dark. It has nothing to import.
//
// The pictures stay in the directory that AZAFFINITY_ARTIFACTS names, if it names one:
//
//	AZAFFINITY_ARTIFACTS=/tmp/pages go test ./page
//
// Without Chromium the test is skipped, or fails if AZAFFINITY_REQUIRE_ALL is set. The browser knows no host but 127.0.0.1.
package page
