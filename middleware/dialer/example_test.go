package dialer_test

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// A plain HTTP client gets a presigned URL, which names its host in the signature: it stays as it is, and the connection is made to this zone's address.
func ExampleDialer_RoundTripper() {
	store := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s, signed %s", r.URL.Path, r.URL.Query().Get("X-Amz-Signature"))
	}))
	defer store.Close()
	presigned := store.URL + "/photos/cat.jpg?X-Amz-Signature=5e1f"

	r, err := resolver.New( // both are found in the environment, if nothing is given
		resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "*.vpce-0a1b2c3d4e5f60718-lj2wisx3.s3.us-east-1.vpce.amazonaws.com"})))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.TLSClientConfig.RootCAs = x509.NewCertPool()
	base.TLSClientConfig.RootCAs.AddCert(store.Certificate())
	client := &http.Client{Transport: dialer.New(r).RoundTripper(base)}
	defer client.CloseIdleConnections()

	resp, err := client.Get(presigned)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	_, _ = io.Copy(&text, resp.Body)
	fmt.Println(resp.StatusCode, text.String())
	// Output: 200 /photos/cat.jpg, signed 5e1f
}
