package shift_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/shift"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// An operator writes a zone's ID into the file that all programs read: those in the zone leave it, others don't care.
func ExampleFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "shift")
	if err := os.WriteFile(path, []byte("use1-az6\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range []string{"use1-az6", "use1-az2"} {
		r, err := resolver.New(
			resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a", ID: id})),
			resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"})),
			resolver.WithShift(shift.File(path)))
		if err != nil {
			fmt.Println(err)
			return
		}
		defer r.Close()
		fmt.Println(id, r.Resolve("sqs.us-east-1.amazonaws.com").Reason)
	}
	// Output:
	// use1-az6 ShiftedAway
	// use1-az2 InZone
}
