package discovery

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// detour notes the hosts that requests are meant for, and sends all to one server.
type detour struct {
	to    *url.URL
	mu    sync.Mutex
	hosts []string
}

func (d *detour) Do(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	d.hosts = append(d.hosts, r.URL.Host)
	d.mu.Unlock()
	r = r.Clone(r.Context())
	r.Host, r.URL.Scheme, r.URL.Host = r.URL.Host, d.to.Scheme, d.to.Host
	return http.DefaultClient.Do(r)
}

// Given a config that is wrapped, in whatever place, when endpoints are looked
// for, then EC2 is asked at its own host, not by way of one of the endpoints.
func TestItIsNeverRouted(t *testing.T) {
	const plain, zonal = "ec2.us-east-1.amazonaws.com", "vpce-0eeeeeeeeeeeeeee1-lj2wisx3-us-east-1a.ec2.us-east-1.vpce.amazonaws.com"
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{Name: "us-east-1a"})),
		resolver.WithEndpoints(endpoint.Static(endpoint.Endpoint{Regional: "vpce-0eeeeeeeeeeeeeee1-lj2wisx3.ec2.us-east-1.vpce.amazonaws.com"})))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	wrapClient := func(o *ec2.Options) { middleware.Append(&o.APIOptions, r) }
	for _, tt := range []struct {
		name   string
		wrap   func(*testing.T, *aws.Config)
		client []func(*ec2.Options)
	}{
		{"the config", func(_ *testing.T, cfg *aws.Config) { middleware.Append(&cfg.APIOptions, r) }, nil},
		{"its service options", func(t *testing.T, cfg *aws.Config) {
			options := reflect.ValueOf(cfg).Elem().FieldByName("ServiceOptions")
			if !options.IsValid() {
				t.Skip("this version of the SDK has no service options")
			}
			options.Set(reflect.ValueOf([]func(string, any){func(_ string, o any) {
				if o, ok := o.(*ec2.Options); ok {
					wrapClient(o)
				}
			}}))
		}, nil},
		{"the client", func(*testing.T, *aws.Config) {}, []func(*ec2.Options){wrapClient}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"))
			d := &detour{}
			if d.to, err = url.Parse(f.url); err != nil {
				t.Fatal(err)
			}
			cfg := f.config()
			cfg.BaseEndpoint, cfg.HTTPClient = nil, d
			tt.wrap(t, &cfg)

			client := ec2.NewFromConfig(cfg, tt.client...)
			if _, err := client.DescribeAvailabilityZones(t.Context(), nil); err != nil || d.hosts[0] != zonal {
				t.Fatalf("the wrap has no effect on other calls: %v, %v", d.hosts, err)
			}
			d.hosts = nil

			s, err := NewFromClient(client, WithVPC(vpc))
			if tt.client == nil {
				s, err = New(cfg, WithVPC(vpc))
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Endpoints(t.Context()); err != nil {
				t.Fatal(err)
			}
			if want := []string{plain, plain, plain}; !slices.Equal(d.hosts, want) {
				t.Errorf("got %v, want %v", d.hosts, want)
			}
			if _, err := client.DescribeAvailabilityZones(t.Context(), nil); err != nil || d.hosts[3] != zonal {
				t.Errorf("the client isn't as it was: %v, %v", d.hosts, err)
			}
		})
	}
}
