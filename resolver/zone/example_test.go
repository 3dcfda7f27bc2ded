package zone_test

import (
	"context"
	"fmt"
	"os"

	"github.com/azaffinity/azaffinity/resolver/zone"
)

func ExampleDetect() {
	os.Setenv("AZAFFINITY_ZONE", "us-east-1a") // not needed on EC2, ECS and Lambda
	defer os.Unsetenv("AZAFFINITY_ZONE")

	where, err := zone.Detect().Zone(context.Background())
	if err != nil {
		fmt.Println(err) // says what each source answered, and what to do about it
		return
	}
	fmt.Println(where)
	// Output: us-east-1a
}

func ExampleAsk() {
	source := zone.First(
		zone.Kubernetes("/no/such/labels"),
		zone.Static(zone.Zone{Name: "us-east-1a", ID: "use1-az6"}),
	)
	answer, err := zone.Ask(context.Background(), source)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Zone, "says", answer.Source)
	// Output: us-east-1a (use1-az6) says static
}

func ExampleParse() {
	for _, s := range []string{"us-east-1a", "use1-az6", "us-east-1"} {
		z, err := zone.Parse(s)
		fmt.Printf("name %q, ID %q, error: %v\n", z.Name, z.ID, err)
	}
	// Output:
	// name "us-east-1a", ID "", error: <nil>
	// name "", ID "use1-az6", error: <nil>
	// name "", ID "", error: "us-east-1" is neither a zone name (us-east-1a) nor a zone ID (use1-az6)
}
