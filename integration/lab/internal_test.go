package lab

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestIMDSTokenExpires(t *testing.T) {
	now := time.Now()
	m := &metadata{now: func() time.Time { return now }, tokens: map[string]time.Time{}}
	r := httptest.NewRequest(http.MethodPut, "/latest/api/token", nil)
	r.Header.Set(tokenTTLHeader, "10")
	w := httptest.NewRecorder()
	m.token(w, r)
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{9 * time.Second, http.StatusOK}, {time.Second, http.StatusUnauthorized}} {
		now = now.Add(test.after)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(tokenHeader, w.Body.String())
		got := httptest.NewRecorder()
		m.checked(func(http.ResponseWriter, *http.Request) {})(got, r)
		if got.Code != test.want {
			t.Errorf("%v later: got %d, want %d", test.after, got.Code, test.want)
		}
	}
}

func TestExecutionsAreBounded(t *testing.T) {
	var x executions
	for range 2*maxExecutions + 1 {
		x.add(Execution{Service: "sqs", Zone: "a"})
	}
	if n := len(x.all); n != maxExecutions+1 {
		t.Errorf("kept %d", n)
	}
	if n := x.counts[place{"sqs", "a"}]; n != 2*maxExecutions+1 {
		t.Errorf("counted %d", n)
	}
}
