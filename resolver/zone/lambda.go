package zone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Lambda asks the metadata endpoint of the Lambda execution environment. It tells the zone's ID only. The answer holds
// until its Cache-Control says: a restored snapshot may wake up in another zone.
func Lambda(opts ...Option) Source {
	c := newConfig(opts)
	return remote{"lambda", func(ctx context.Context) (Answer, error) {
		host, token := os.Getenv(lambdaVar), os.Getenv(tokenVar)
		switch {
		case host == "":
			return Answer{}, errors.New("Lambda: " + lambdaVar + " is not set: this is not a Lambda function")
		case token == "" || strings.ContainsFunc(token, unprintable):
			return Answer{}, errors.New("Lambda: " + tokenVar + " is not set, or is not a token")
		}
		a, err := c.askLambda(ctx, host, token)
		if err != nil {
			return Answer{}, redact(fmt.Errorf("Lambda: %w", err), token)
		}
		return a, nil
	}}
}

const (
	lambdaVar = "AWS_LAMBDA_METADATA_API" // host:port
	tokenVar  = "AWS_LAMBDA_METADATA_TOKEN"
)

// askLambda follows "Using the Lambda metadata endpoint" of the Lambda Developer Guide.
func (c config) askLambda(ctx context.Context, host, token string) (Answer, error) {
	u, err := url.Parse("http://" + host + "/2026-01-15/metadata/execution-environment")
	if err != nil || u.Host != host {
		return Answer{}, errors.New(lambdaVar + " is not a host and port")
	}
	var z Zone
	var errEnvironment error
	header, err := c.get(ctx, u, http.Header{"Authorization": {"Bearer " + token}}, func(body io.Reader) {
		z, errEnvironment = parseEnvironment(body)
	})
	if err == statusError(http.StatusUnauthorized) {
		return Answer{}, fmt.Errorf("%w: %s was not accepted", err, tokenVar)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %w", lambdaVar, err)
	}
	if errEnvironment != nil {
		return Answer{}, errEnvironment
	}
	// Round(0) takes the monotonic clock off, which can stand still while the environment is frozen.
	return Answer{Zone: z, Until: time.Now().Round(0).Add(maxAge(header))}, nil
}

// parseEnvironment reads the answer of the metadata endpoint. Its errors quote nothing: a confused server that echoes
// what it was sent would make them quote the token.
func parseEnvironment(body io.Reader) (Zone, error) {
	fields, err := stringFields(body, nil, "AvailabilityZoneID")
	if err != nil {
		return Zone{}, err
	}
	z, err := fromMetadata("", fields["AvailabilityZoneID"])
	if err != nil || z.ID == "" {
		return Zone{}, errors.New("the answer's AvailabilityZoneID is missing or is not a zone ID")
	}
	return z, nil
}

// maxAge is how long an answer holds. Lambda says 12 hours, and less around SnapStart. An answer that doesn't say is
// asked for again soon; one that says "not at all" is still believed for a second, so that asking doesn't become a
// loop.
func maxAge(h http.Header) time.Duration {
	const least, unknown, most = time.Second, 5 * time.Minute, 24 * time.Hour
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange) || err == nil && seconds > uint64(most/time.Second):
			return most
		case err != nil:
			return unknown
		}
		return max(least, time.Duration(seconds)*time.Second)
	}
	return unknown
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// redact is the last line of defence: whatever an error came to hold, it is not the token.
func redact(err error, token string) error {
	if text := err.Error(); strings.Contains(text, token) {
		return errors.New(strings.ReplaceAll(text, token, "[token]"))
	}
	return err
}
