package middleware_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/middleware/dialer"
	"github.com/azaffinity/azaffinity/resolver"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type otherClient struct{ aws.HTTPClient }

// transportOf is the transport that a client connects by, or nil.
func transportOf(c aws.HTTPClient) *http.Transport {
	switch c := c.(type) {
	case *awshttp.BuildableClient:
		return c.GetTransport()
	case *http.Client:
		t, _ := c.Transport.(*http.Transport)
		return t
	}
	return nil
}

// Given HTTP clients of every kind, when they are attached, or prepared by Client, then those that are the SDK's, or whose owner says so, have a dialer, keep
// their settings, and aren't changed in place; the others stay as they are, are noted once in the snapshot and logged once.
func TestKindsOfClients(t *testing.T) {
	own := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("the user's") }
	jar := &http.Client{Timeout: 7 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 17}}
	for _, tt := range []struct {
		name               string
		client             aws.HTTPClient
		attached, prepared bool // has a dialer after Attach, after Client
	}{
		{"none", nil, true, true},
		{"the SDK's", awshttp.NewBuildableClient(), true, true},
		{"the SDK's, with options", awshttp.NewBuildableClient().WithTimeout(time.Minute).WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 17 }), true, true},
		{"the SDK's, with TLS connections of the user's", awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DialTLSContext = own }), false, false},
		{"net/http's", &http.Client{}, false, true},
		{"net/http's with a transport", jar, false, true},
		{"net/http's with TLS connections of the user's", &http.Client{Transport: &http.Transport{DialTLSContext: own}}, false, false},
		{"net/http's with another transport", &http.Client{Transport: roundTripper(nil)}, false, false},
		{"another", otherClient{}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			r := newResolver(t, resolver.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			check := func(how string, got aws.HTTPClient, d *dialer.Dialer, want bool) {
				t.Helper()
				had := dialer.Of(transportOf(got), r)
				if (had != nil) != want || d != nil && d != had {
					t.Errorf("%s: got a dialer: %v, want %v", how, had != nil, want)
				}
				if dialer.Of(transportOf(tt.client), r) != nil {
					t.Errorf("%s: the client was changed in place", how)
				}
				if before := transportOf(tt.client); before != nil && transportOf(got).MaxIdleConnsPerHost != before.MaxIdleConnsPerHost {
					t.Errorf("%s: the transport's settings were not kept", how)
				}
				if before, ok := tt.client.(*http.Client); ok && got.(*http.Client).Timeout != before.Timeout {
					t.Errorf("%s: the client's timeout was not kept", how)
				}
				if before, ok := tt.client.(*awshttp.BuildableClient); ok && got.(*awshttp.BuildableClient).GetTimeout() != before.GetTimeout() {
					t.Errorf("%s: the client's timeout was not kept", how)
				}
			}
			got, d := middleware.Client(tt.client, r)
			check("Client", got, d, tt.prepared)
			if (d != nil) != tt.prepared {
				t.Errorf("Client: got a dialer: %v, want %v", d != nil, tt.prepared)
			}
			if again, same := middleware.Client(got, r); tt.prepared && (same != d || again != got) {
				t.Error("Client, a second time: got another client or dialer")
			}
			for range 2 {
				cfg := aws.Config{HTTPClient: tt.client}
				middleware.Attach(&cfg, r)
				check("Attach", cfg.HTTPClient, nil, tt.attached)
				if len(cfg.APIOptions) != 1 {
					t.Errorf("Attach: added %d options", len(cfg.APIOptions))
				}
				before := cfg.HTTPClient
				if middleware.Attach(&cfg, r); cfg.HTTPClient != before {
					t.Error("Attach, a second time: made another client")
				}
			}
			notes := strings.Join(r.Snapshot().Notes, "\n")
			if n := strings.Count(notes, "no dialer"); n != map[bool]int{true: 0, false: 1}[tt.attached] || strings.Count(log.String(), "no dialer") != n {
				t.Errorf("noted %d times and logged %d times, that there is a dialer: %v", n, strings.Count(log.String(), "no dialer"), tt.attached)
			}
		})
	}
}

// Given the options that say what the client has, then Attach, Wrap and Append believe them.
func TestWhoHasADialer(t *testing.T) {
	r := newResolver(t)
	noted := func(r *resolver.Resolver) bool {
		return strings.Contains(strings.Join(r.Snapshot().Notes, ""), "no dialer")
	}
	client, d := middleware.Client(&http.Client{}, r)
	cfg := aws.Config{HTTPClient: client}
	middleware.Attach(&cfg, r)
	middleware.Attach(&cfg, r, middleware.WithDialer(d))
	var all []func(*smithymiddleware.Stack) error
	middleware.Append(&all, r, middleware.WithDialer(d))
	if noted(r) || cfg.HTTPClient != client {
		t.Error("a client that Client has prepared is taken for another's")
	}
	cfg = aws.Config{}
	if middleware.Attach(&cfg, r, middleware.WithoutDialer()); cfg.HTTPClient != nil || !noted(r) {
		t.Error("WithoutDialer: the client was changed, or not noted")
	}
	r = newResolver(t)
	if middleware.Append(&all, r); !noted(r) {
		t.Error("Append without WithDialer is not noted")
	}
	middleware.Attach(nil, r)
	cfg = aws.Config{}
	if middleware.Attach(&cfg, nil); cfg.HTTPClient != nil || cfg.APIOptions != nil {
		t.Error("Attach without a resolver changed the config")
	}
	environment(t, map[string]string{"AZAFFINITY_ZONE": "us-east-1a", "AZAFFINITY_ENDPOINTS": regionalHost})
	w, err := middleware.Wrap(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if dialer.Of(transportOf(cfg.HTTPClient), w) == nil || noted(w) {
		t.Error("Wrap has put no dialer into the config")
	}
}

// Given a client that is attached, and options that are appended for a call without a dialer, then the call is watched as one of a foreign client: it goes to
// the regional name when the zonal one refuses.
func TestAppendedAfterAttach(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		s, got := received(t)
		r, other := newResolver(t), newResolver(t)
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasPrefix(addr, zonalHost) {
				addr = "127.0.0.1:1" // nobody listens there
			} else {
				addr = s.Listener.Addr().String()
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		}}}
		all := ownClient(r)
		if foreign {
			middleware.Append(&all, other)
		}
		call := stack{url: "http://" + serviceHost, signing: "Signing"}
		_, err := call.call(t, client, all...)
		if n := len(got()); foreign && (err != nil || n != 1) || !foreign && (err == nil || n != 0) {
			t.Errorf("foreign %v: got %v, and %d requests arrived", foreign, err, n)
		}
	}
}

// Given a client of the SDK's, when a service client gives it the settings of a DefaultsMode, then it still connects by our dialer over TLS, and keeps its
// read timeout, if the SDK has such.
func TestDefaultsModes(t *testing.T) {
	arrived := make(chan bool, 1)
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-r.Context().Done()
	}))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for name, mode := range map[string]time.Duration{"legacy": 0, "standard": 3100 * time.Millisecond, "in-region": 1100 * time.Millisecond} {
		r := newResolver(t)
		buildable := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		})
		timed, hasReadTimeout := any(buildable).(interface { // the oldest SDK that we support hasn't
			WithReadTimeout(time.Duration) *awshttp.BuildableClient
		})
		if hasReadTimeout {
			buildable = timed.WithReadTimeout(200 * time.Millisecond)
		}
		cfg := aws.Config{HTTPClient: buildable}
		middleware.Attach(&cfg, r, middleware.WithDialerOptions(dialer.WithNetResolver(&net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("there is no DNS")
		}})))
		client := cfg.HTTPClient.(*awshttp.BuildableClient)
		if mode > 0 { // as resolveHTTPClient of the SDK's service clients does
			client = client.WithDialerOptions(func(d *net.Dialer) { d.Timeout = mode }).
				WithTransportOptions(func(t *http.Transport) { t.TLSHandshakeTimeout = mode })
		}
		var failed *dialer.Error
		_, err := client.Do(post(t, "https://"+zonalHost+":"+port))
		if !errors.As(err, &failed) || failed.Cause != resolver.CauseDNS || !strings.Contains(err.Error(), "there is no DNS") {
			t.Errorf("%s: got %v , want the error of our dialer's DNS", name, err)
		}
		if dialer.Of(client.GetTransport(), r) == nil {
			t.Errorf("%s: the transport has lost the dialer", name)
		}
		if !hasReadTimeout {
			continue
		}
		start := time.Now()
		_, err = client.Do(post(t, s.URL))
		var timeout net.Error
		if took := time.Since(start); !errors.As(err, &timeout) || !timeout.Timeout() || took < 150*time.Millisecond || took > 2*time.Second {
			t.Errorf("%s: got %v after %v, want the read timeout", name, err, took)
		}
		<-arrived
	}
}

// Given a config's DefaultsMode, when the middleware is attached, then the SDK's own client has that mode's timeouts (aws/defaults), whether the config names it or
// not; and somebody's own stays as it is.
func TestModesOfConfigs(t *testing.T) {
	r := newResolver(t)
	for mode, want := range map[aws.DefaultsMode][2]time.Duration{
		aws.DefaultsModeLegacy:   {30 * time.Second, 10 * time.Second}, // the client's own
		aws.DefaultsModeInRegion: {1100 * time.Millisecond, 1100 * time.Millisecond},
		aws.DefaultsModeMobile:   {30 * time.Second, 30 * time.Second},
	} {
		for _, client := range []aws.HTTPClient{nil, awshttp.NewBuildableClient()} {
			cfg := aws.Config{DefaultsMode: mode, HTTPClient: client}
			middleware.Attach(&cfg, r)
			own, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
			if !ok || dialer.Of(own.GetTransport(), r) == nil {
				t.Errorf("%s: the client is %T, without our dialer", mode, cfg.HTTPClient)
				continue
			}
			if got := [2]time.Duration{own.GetDialer().Timeout, own.GetTransport().TLSHandshakeTimeout}; got != want {
				t.Errorf("%s: connects within %v, and TLS, want %v", mode, got, want)
			}
		}
		plain := &http.Client{}
		cfg := aws.Config{DefaultsMode: mode, HTTPClient: plain}
		if middleware.Attach(&cfg, r); cfg.HTTPClient != aws.HTTPClient(plain) {
			t.Errorf("%s: somebody's own client is %T now", mode, cfg.HTTPClient)
		}
	}
}

// Given a client of the SDK's that connects by a function of the user's, in whichever of net/http's fields it is, then it still does.
func TestDialFunctionsOfUsers(t *testing.T) {
	refused := errors.New("the user's own")
	for name, set := range map[string]func(*http.Transport){
		"DialContext": func(t *http.Transport) {
			t.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
		},
		"Dial": func(t *http.Transport) {
			t.DialContext = nil
			//lint:ignore SA1019 it is deprecated, and works
			t.Dial = func(string, string) (net.Conn, error) { return nil, refused }
		},
	} {
		client, d := middleware.Client(awshttp.NewBuildableClient().WithTransportOptions(set), newResolver(t))
		if _, err := client.Do(post(t, "https://"+zonalHost)); d == nil || !errors.Is(err, refused) {
			t.Errorf("%s: a dialer: %v, got %v; want the user's error", name, d != nil, err)
		}
	}
}

func post(t testing.TB, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}
