package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Given errors with an answer behind them, without one, and with an answer that never came, when the answer is looked for, then only the first has one.
func TestAnswerTo(t *testing.T) {
	answer := func(status int) *smithyhttp.Response {
		return &smithyhttp.Response{Response: &http.Response{StatusCode: status}}
	}
	came := answer(http.StatusServiceUnavailable)
	no := errors.New("no")
	for _, c := range []struct {
		name string
		err  error
		want *smithyhttp.Response
	}{
		{"an answer", &smithyhttp.ResponseError{Response: came, Err: no}, came},
		{"an answer without a status", &smithyhttp.ResponseError{Response: answer(0), Err: no}, nil},
		{"an empty answer", &smithyhttp.ResponseError{Response: &smithyhttp.Response{}, Err: no}, nil},
		{"no answer", &smithyhttp.ResponseError{Err: no}, nil},
		{"another error", errors.New("signer"), nil},
	} {
		if got := answerTo(fmt.Errorf("operation: %w", c.err)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Given an error with a URL, when it is kept for a log, then what is left is what went wrong; an error without one stays as it is.
func TestWithoutURL(t *testing.T) {
	wrong, secret := errors.New("refused"), "https://bucket.example/key"
	if got := withoutURL(fmt.Errorf("send: %w", &url.Error{Op: "Put", URL: secret, Err: wrong})); got != wrong {
		t.Errorf("%v, want %v", got, wrong)
	}
	if got := withoutURL(wrong); got != wrong {
		t.Errorf("%v, want %v", got, wrong)
	}
	var sending *smithyhttp.RequestSendError
	if got := retryable(&url.Error{Op: "Put", URL: secret, Err: wrong}); !errors.As(got, &sending) || sending.Err.Error() != "refused" {
		t.Errorf("%v, want one of sending that says what went wrong", got)
	}
}
