package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// row is where the requests of a service to one host go.
type row struct {
	service, host string
	route         resolver.Route
}

// explain shows what would become of requests in a VPC with the endpoints in the files. Nothing is sent anywhere.
func explain(ctx context.Context, out output, files []string, where string) error {
	sources := make([]endpoint.Source, len(files))
	for i, path := range files {
		sources[i] = endpoint.File(path)
	}
	source := endpoint.Join(sources...)
	catalog, err := source.Endpoints(ctx)
	if err != nil {
		return err
	}
	if len(catalog.Endpoints) == 0 {
		return fmt.Errorf("%s has no interface endpoint that could be used%s", strings.Join(files, ", "), because(catalog.Notes))
	}
	here := zone.Source(notTold{})
	if where != "" {
		z, err := zone.Parse(where)
		if err != nil {
			return fmt.Errorf("-zone: %w", err)
		}
		here = zone.Static(z)
	}
	r, err := resolver.New(resolver.WithEndpoints(source), resolver.WithZone(here), resolver.WithMode(resolver.Prefer))
	if err != nil {
		return err
	}
	defer r.Close()

	rows, err := routes(ctx, r, catalog.Endpoints)
	if err != nil {
		return err
	}
	known := r.Snapshot()
	out.say("%s", standpoint(where, known.ZoneName, files))
	out.heading("Where each service's requests would go")
	out.routes(rows)
	out.names(rows)
	out.notes(known.Notes)
	return nil
}

func because(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return ": " + strings.Join(notes, "; ")
}

// notTold is the source of a zone that nobody gave. Asking whoever else might know would ask about this machine.
type notTold struct{}

func (notTold) Zone(context.Context) (zone.Zone, error) { return zone.Zone{}, errors.New("no -zone") }

// standpoint says which zone is looked from.
func standpoint(where, name string, files []string) string {
	of := "In a VPC with the endpoints in " + strings.Join(files, ", ")
	switch {
	case where == "":
		return of + ", while the zone is not known: say -zone us-east-1b, by name or ID, to look from a zone."
	case name == "":
		return of + ", in zone " + where + ", whose name is not known: add what aws ec2 describe-availability-zones prints " +
			"with another -endpoints, or give the zone's name."
	case name != where:
		return of + ", in zone " + where + ", which its owner calls " + name + "."
	}
	return of + ", in zone " + where + "."
}

// routes are those of the hosts that SDK clients resolve, and of all others that the endpoints answer for.
func routes(ctx context.Context, r *resolver.Resolver, endpoints []endpoint.Endpoint) ([]row, error) {
	region := commonRegion(endpoints)
	var rows []row
	seen := map[string]bool{}
	for _, c := range clients {
		host, route, err := c.resolve(ctx, r, region)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{c.service, host, route})
		seen[host], seen[strings.Replace(host, photos+".", "*.", 1)] = true, true
	}
	for _, e := range endpoints {
		hosts := e.Hosts
		if len(hosts) == 0 {
			_, suffix, _ := strings.Cut(e.Regional, ".vpce.")
			hosts = []string{e.Service + "." + e.Region + "." + suffix}
		}
		for _, host := range hosts {
			if !seen[host] {
				seen[host] = true
				rows = append(rows, row{e.Service, host, r.Resolve(strings.Replace(host, "*", account, 1))})
			}
		}
	}
	return rows, nil
}

// commonRegion is the Region of most endpoints: single ones may be for services elsewhere.
func commonRegion(endpoints []endpoint.Endpoint) (region string) {
	n := map[string]int{}
	for _, e := range endpoints {
		if n[e.Region]++; n[e.Region] > n[region] {
			region = e.Region
		}
	}
	return region
}

// account stands for whatever a host begins with.
const account = "111122223333"

// client makes a request of a service by its SDK client, so that the host is the SDK's own.
type client struct {
	service string
	send    func(ctx context.Context, cfg aws.Config) error
}

var clients = []client{
	{"s3, a bucket", func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(photos), Key: aws.String("moon")})
		return err
	}},
	{"s3, all buckets", func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).ListBuckets(ctx, &s3.ListBucketsInput{})
		return err
	}},
	{"dynamodb", func(ctx context.Context, cfg aws.Config) error {
		cfg.AccountIDEndpointMode = aws.AccountIDEndpointModeDisabled
		_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
		return err
	}},
	{"dynamodb, account", func(ctx context.Context, cfg aws.Config) error {
		_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
		return err
	}},
	{"sqs", func(ctx context.Context, cfg aws.Config) error {
		_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{})
		return err
	}},
	{"sts", func(ctx context.Context, cfg aws.Config) error {
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}},
}

// resolve is the host that the client resolves, and what the middleware makes of it.
func (c client) resolve(ctx context.Context, r *resolver.Resolver, region string) (host string, route resolver.Route, err error) {
	var caught capture
	cfg := aws.Config{
		Region:     region,
		HTTPClient: &caught,
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "never-used", AccountID: account}, nil
		}),
		AccountIDEndpointMode: aws.AccountIDEndpointModePreferred, // as config.LoadDefaultConfig sets it
	}
	if err := c.send(ctx, cfg); !errors.Is(err, errCaught) {
		return "", route, fmt.Errorf("%s: %w", c.service, err)
	}
	host = caught.host
	middleware.Append(&cfg.APIOptions, r, middleware.WithDialer(dialer.New(r))) // nothing is sent, so that it needs no note that the client has none
	var routed *middleware.RoutedError
	if err := c.send(ctx, cfg); !errors.Is(err, errCaught) || !errors.As(err, &routed) {
		return "", route, fmt.Errorf("%s: %w", c.service, err)
	}
	return host, routed.Route, nil
}

// capture is an HTTP client that keeps the host of a request and sends nothing.
type capture struct{ host string }

var errCaught = errors.New("not sent")

func (c *capture) Do(r *http.Request) (*http.Response, error) {
	c.host = r.URL.Host
	return nil, errCaught
}

// routes is the overview: what goes where, and why.
func (o output) routes(rows []row) {
	cells := [][]string{{"service", "host that the SDK resolves", "goes to", "reason"}}
	var reasons []resolver.Reason
	for _, r := range rows {
		cells = append(cells, []string{r.service, r.host, goesTo(r), r.route.Reason.String()})
		if !slices.Contains(reasons, r.route.Reason) {
			reasons = append(reasons, r.route.Reason)
		}
	}
	o.table(len(cells[0]), cells...)
	for _, reason := range reasons {
		if means, ok := meanings[reason]; ok {
			o.say("%v: %s.", reason, means)
		}
	}
}

func goesTo(r row) string {
	switch to := r.route; {
	case to.Target == resolver.Zonal:
		return "zonal name, " + to.Zone()
	case to.Target == resolver.Regional && to.Host != r.host:
		return "regional name"
	case to.Target == resolver.Regional:
		return "itself, by private DNS"
	}
	return "itself"
}

var meanings = map[resolver.Reason]string{
	resolver.NoEndpoint:  "no endpoint is known for the host, or it works under its own name only, or is another Region's",
	resolver.InZone:      "the endpoint is in the zone",
	resolver.NotInZone:   "the endpoint has no network interface in the zone",
	resolver.NoZone:      "until the zone is known, the regional name stands for all zones",
	resolver.CrossRegion: "the endpoint's service is in another Region than the zone",
	resolver.FreePath:    "left to the gateway endpoint, see below; resolver.WithInterfaceFor changes that",
}

// names are the hosts in full, where they are others than those that the SDK resolves.
func (o output) names(rows []row) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.route.Target == resolver.Unmatched || r.route.Host == r.host })
	if len(rows) == 0 {
		return
	}
	o.heading("By name: -> is where a request is sent, \"or\" where it is sent when that can't be reached")
	for i, r := range rows {
		fmt.Fprintln(o.stdout, r.host)
		if i+1 < len(rows) && rows[i+1].route.Host == r.route.Host && rows[i+1].route.Fallback == r.route.Fallback {
			continue // the next host goes to the same names
		}
		fmt.Fprintf(o.stdout, "  -> %s\n", r.route.Host)
		if r.route.Fallback != "" {
			fmt.Fprintf(o.stdout, "  or %s\n", r.route.Fallback)
		}
	}
}

// notes say what is left aside. What is so of several hosts for one reason is said once.
func (o output) notes(notes []string) {
	if len(notes) == 0 {
		return
	}
	o.heading("Left aside")
	hosts := map[string][]string{}
	var order []string
	for _, note := range notes {
		host, why, found := strings.Cut(note, ": ")
		if !found || strings.Contains(host, " ") { // it isn't about a host
			host, why = "", note
		}
		if _, ok := hosts[why]; !ok {
			order = append(order, why)
		}
		if !slices.Contains(hosts[why], host) {
			hosts[why] = append(hosts[why], host)
		}
	}
	for _, why := range order {
		if of := strings.Join(hosts[why], ", "); of != "" {
			why = of + ": " + why
		}
		o.lines("- " + strings.ReplaceAll(text.WrapSoft(why, width-2), "\n", "\n  "))
	}
}
