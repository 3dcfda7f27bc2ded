package lab_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/azaffinity/azaffinity/integration/lab"
)

// A call takes as long as the distance says, or longer: never shorter, and in order of distance when the median is taken.
func TestDistance(t *testing.T) {
	l := start(t, lab.Options{Distance: func(from, to string) time.Duration { return 10 * lab.TypicalDistance(from, to) }})
	for _, test := range []struct {
		from, to string
		oneWay   time.Duration
	}{
		{"us-east-1a", "us-east-1a", time.Millisecond},
		{"us-east-1a", "us-east-1b", 5 * time.Millisecond},
		{"us-east-1c", "us-east-1a", 7500 * time.Microsecond},
	} {
		c := stsAt(l.ConfigIn(test.from), l.ZonalName("sts", test.to))
		begin := time.Now()
		must(c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
		if got := time.Since(begin); got < 6*test.oneWay { // TCP, TLS, request: a round trip each
			t.Errorf("%s to %s, first call: %v, want %v at least", test.from, test.to, got, 6*test.oneWay)
		}
		begin = time.Now()
		must(c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
		if got := time.Since(begin); got < 2*test.oneWay {
			t.Errorf("%s to %s, next call: %v, want %v at least", test.from, test.to, got, 2*test.oneWay)
		}
	}
}

// BenchmarkDistance measures what a round trip takes beyond the distance asked for: compare "none" with the others. It calls over one warm connection.
func BenchmarkDistance(b *testing.B) {
	for _, oneWay := range []time.Duration{0, 100 * time.Microsecond, 500 * time.Microsecond, 750 * time.Microsecond} {
		b.Run(oneWay.String(), func(b *testing.B) {
			l := start(b, lab.Options{Distance: func(string, string) time.Duration { return oneWay }})
			c := stsAt(l.Config(), l.ZonalName("sts", "us-east-1a"))
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				if _, err := c.GetCallerIdentity(b.Context(), &sts.GetCallerIdentityInput{}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin)-2*oneWay)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-beyond-p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-beyond-p99")
		})
	}
}
