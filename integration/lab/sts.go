package lab

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
)

// sts is a fake made from the API reference (https://docs.aws.amazon.com/STS/latest/APIReference/). It speaks the Query protocol.
type sts struct{}

func (sts) operation(r *http.Request, body []byte) string {
	if r.Method == http.MethodGet {
		return r.URL.Query().Get("Action") // a presigned GetCallerIdentity, as EKS uses for tokens
	}
	form, _ := url.ParseQuery(string(body))
	return form.Get("Action")
}

func (s sts) serve(w http.ResponseWriter, r *http.Request, body []byte, id string) {
	if action := s.operation(r, body); action != "GetCallerIdentity" {
		s.fail(w, id, &apiError{http.StatusBadRequest, "InvalidAction", fmt.Sprintf("the lab does not have operation %q", action)})
		return
	}
	type result struct{ Arn, UserId, Account string }
	type metadata struct{ RequestId string }
	s.answer(w, id, http.StatusOK, struct {
		XMLName  xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		Result   result   `xml:"GetCallerIdentityResult"`
		Metadata metadata `xml:"ResponseMetadata"`
	}{Result: result{"arn:aws:iam::" + Account + ":user/lab", "AIDACKCEVSQ6C2EXAMPLE", Account}, Metadata: metadata{id}})
}

func (s sts) fail(w http.ResponseWriter, id string, err *apiError) {
	type detail struct{ Type, Code, Message string }
	s.answer(w, id, err.status, struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Error     detail
		RequestId string
	}{Error: detail{"Sender", err.code, err.message}, RequestId: id})
}

func (sts) answer(w http.ResponseWriter, id string, status int, out any) {
	body, _ := xml.Marshal(out) // plain values: cannot fail
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", id)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
