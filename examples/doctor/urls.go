package main

import (
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// fromURLs finds endpoints in the SDK's own AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>: clients whose URL is a regional
// name are routed without anything else. A zonal name is somebody's choice, and stays.
func fromURLs() (known []endpoint.Endpoint, pinned []finding) {
	for _, pair := range slices.Sorted(slices.Values(os.Environ())) {
		name, value, _ := strings.Cut(pair, "=")
		if name != "AWS_ENDPOINT_URL" && !strings.HasPrefix(name, "AWS_ENDPOINT_URL_") {
			continue
		}
		u, err := url.Parse(value)
		if err != nil {
			continue // the SDK will say so
		}
		e, err := endpoint.Parse(u.Hostname())
		switch {
		case err != nil:
			continue // it is the URL of something else
		case e.Zonal != nil:
			zone := slices.Collect(maps.Keys(e.Zonal))[0]
			pinned = append(pinned, adviceOf("pinned", name+" has the name of one zone, "+zone+": calls go there from every zone, and nowhere else when it fails",
				"give it the regional name, "+strings.TrimPrefix(e.Regional, "*."))...)
		default:
			known = append(known, e)
		}
	}
	return known, pinned
}
