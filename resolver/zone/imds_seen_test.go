package zone

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Given a no that has several causes, or that another cloud gives, then the error says what was seen, and doesn't claim
// that metadata is disabled if something of it had been answered.
func TestIMDSSaysWhatItSaw(t *testing.T) {
	google := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Metadata-Flavor", "Google")
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			fmt.Fprint(w, "<!DOCTYPE html><title>Error</title>")
		}
	}
	const azure = `{ "error": "Bad request. Required metadata header not specified" }`
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "no: "+r.Header.Get("X-Aws-Ec2-Metadata-Token"))
	}
	for _, c := range []struct {
		name         string
		instead      map[string]http.HandlerFunc
		want, refuse []string
	}{
		{
			"disabled, or kube2iam",
			map[string]http.HandlerFunc{tokenPath: answerWith(403, "")},
			[]string{"PUT /latest/api/token was answered 403 Forbidden: ", "disabled or a proxy in front", "kube2iam"},
			[]string{"switched off", "another cloud"},
		},
		{
			"EC2's own page",
			map[string]http.HandlerFunc{tokenPath: answerWith(403, "<?xml version=\"1.0\"?><title>403 - Forbidden</title>")},
			[]string{"403 Forbidden: on EC2"},
			[]string{"xml"},
		},
		{
			"a name that is refused after a token",
			map[string]http.HandlerFunc{namePath: answerWith(403, "not yours")},
			[]string{"GET " + namePath + ` was answered 403 Forbidden, "not yours": IMDS gave a token`, "proxy"},
			[]string{"disabled", "switched off"},
		},
		{
			"an ID that is refused after a name",
			map[string]http.HandlerFunc{idPath: answerWith(403, "")},
			[]string{"GET " + idPath + " was answered 403 Forbidden: IMDS gave a token"},
			[]string{"disabled", "switched off"},
		},
		{
			"Google's 403",
			map[string]http.HandlerFunc{tokenPath: google(403)},
			[]string{`403 Forbidden, Metadata-Flavor "Google": that is another cloud's metadata`},
			[]string{"disabled", "EC2", "html"},
		},
		{
			"Google's 404",
			map[string]http.HandlerFunc{tokenPath: google(404)},
			[]string{`404 Not Found, Metadata-Flavor "Google": that is another cloud's metadata`},
			[]string{"EC2"},
		},
		{
			"Azure's 400",
			map[string]http.HandlerFunc{tokenPath: answerWith(400, azure)},
			[]string{"400 Bad Request, ", `Required metadata header not`},
			[]string{"disabled", "switched off"},
		},
		{
			"OpenStack's zone",
			map[string]http.HandlerFunc{namePath: answerWith(200, "nova")},
			[]string{`placement/availability-zone is "nova", not a zone name`},
			[]string{"disabled", "switched off"},
		},
		{
			"a server that echoes the token",
			map[string]http.HandlerFunc{namePath: echo},
			[]string{`"no: [token]"`},
			[]string{"token-1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			newFakeIMDS(t, c.instead)
			_, err := Ask(t.Context(), patientIMDS())
			if err == nil || !strings.HasPrefix(err.Error(), "IMDS: ") || !strings.HasSuffix(err.Error(), "set AZAFFINITY_ZONE") {
				t.Fatalf("error %v, want one that starts with its source and ends with the remedy", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			for _, refuse := range c.refuse {
				if strings.Contains(err.Error(), refuse) {
					t.Errorf("error %q, want it without %q", err, refuse)
				}
			}
		})
	}
}
