package lab_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// A fault of DNS is that of the zonal name of one service in one zone, over UDP and TCP.
func TestDNSFaults(t *testing.T) {
	for _, test := range []struct {
		fault lab.Fault
		want  string
	}{
		{lab.None, "NOERROR, 1 addresses"},
		{lab.DNSAbsent, "NXDOMAIN, 0 addresses"},
		{lab.DNSNoData, "NOERROR, 0 addresses"},
		{lab.DNSServerFailure, "SERVFAIL, 0 addresses"},
		{lab.DNSSilent, "silence"},
	} {
		t.Run(test.fault.String(), func(t *testing.T) {
			t.Parallel()
			l := start(t, lab.Options{})
			if err := l.FaultService("s3", home, test.fault); err != nil {
				t.Fatal(err)
			}
			for _, network := range []string{"udp", "tcp"} {
				for name, want := range map[string]string{
					"photos.bucket." + l.ZonalName("s3", home)[2:]:         test.want,
					"photos.bucket." + l.ZonalName("s3", "us-east-1b")[2:]: "NOERROR, 1 addresses",
					"photos.bucket." + l.RegionalName("s3")[2:]:            "NOERROR, 3 addresses",
					l.ZonalName("sqs", home):                               "NOERROR, 1 addresses",
				} {
					if got := ask(t, l, network, name, want == "silence"); got != want {
						t.Errorf("%s over %s: got %s, want %s", name, network, got, want)
					}
				}
			}
		})
	}
}

func ask(t *testing.T, l *lab.Lab, network, name string, silence bool) string {
	t.Helper()
	c := dns.Client{Net: network, Timeout: 10 * time.Second}
	if silence {
		c.Timeout = 200 * time.Millisecond
	}
	answer, _, err := c.ExchangeContext(t.Context(), new(dns.Msg).SetQuestion(name+".", dns.TypeA), l.DNSAddr())
	var netErr net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return "silence"
	case err != nil:
		t.Fatal(err)
	}
	return dns.RcodeToString[answer.Rcode] + ", " + string(rune('0'+len(answer.Answer))) + " addresses"
}
