package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4"
	authv4 "github.com/aws/smithy-go/aws-http-auth/v4"
)

// The only credentials the lab knows. AWS's documentation uses them for examples.
const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

const (
	algorithm       = "AWS4-HMAC-SHA256"
	timeFormat      = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	maxSkew         = 15 * time.Minute // what AWS allows between its clock and the signer's
)

// signature is what a request says about how it was signed.
type signature struct {
	accessKey, date, region, service string
	headers                          []string
	value                            string
	at                               time.Time
	expires                          time.Duration // of a presigned URL
	presigned                        bool
}

// verify signs the received request again, with the headers its signer signed, and compares. It returns nil if the signature is right.
func (f *front) verify(r *http.Request, body []byte) *apiError {
	if _, ok := f.backend.(handled); ok {
		return nil // what it makes of signatures is its own affair
	}
	denied := func(code, message string) *apiError { return &apiError{http.StatusForbidden, code, message} }
	query := r.URL.Query()
	var (
		s  signature
		ok bool
	)
	switch {
	case query.Has("X-Amz-Signature"):
		s, ok = parsePresigned(query)
	case r.Header.Get("Authorization") != "":
		s, ok = parseAuthorization(r.Header)
	default:
		return denied("MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	skew := time.Since(s.at)
	switch {
	case !ok || !slices.Contains(s.headers, "host"):
		return denied("IncompleteSignature", "the signature names no "+algorithm+" credential, headers with host, and date")
	case s.accessKey != accessKey:
		return denied("InvalidClientTokenId", "The security token included in the request is invalid.")
	case s.date != s.at.Format("20060102") || s.region != f.lab.region || s.service != f.service:
		return denied("SignatureDoesNotMatch", "Credential should be scoped to "+s.at.Format("20060102")+"/"+f.lab.region+"/"+f.service+"/aws4_request")
	case skew < -maxSkew || !s.presigned && skew > maxSkew || s.presigned && skew > s.expires:
		return denied("SignatureDoesNotMatch", "Signature expired or not yet current: "+s.at.Format(timeFormat))
	}

	payload, err := f.payloadHash(r, query, s, body)
	if err != nil {
		return err
	}
	want, signErr := sign(r, s, payload)
	if signErr != nil || want != s.value {
		return denied("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	return nil
}

func parseAuthorization(h http.Header) (s signature, ok bool) {
	rest, ok := strings.CutPrefix(h.Get("Authorization"), algorithm+" ")
	if !ok {
		return s, false
	}
	fields := url.Values{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields.Set(name, value)
	}
	s.value = fields.Get("Signature")
	return s, s.parse(fields.Get("Credential"), fields.Get("SignedHeaders"), h.Get("X-Amz-Date"))
}

func parsePresigned(q url.Values) (s signature, ok bool) {
	s.expires, s.presigned, s.value = maxSkew, true, q.Get("X-Amz-Signature") // GetCallerIdentity is presigned without X-Amz-Expires
	if q.Has("X-Amz-Expires") {
		seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
		if err != nil {
			return s, false
		}
		s.expires = time.Duration(seconds) * time.Second
	}
	ok = s.parse(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Date"))
	return s, ok && q.Get("X-Amz-Algorithm") == algorithm
}

func (s *signature) parse(credential, headers, at string) bool {
	scope := strings.Split(credential, "/")
	if len(scope) != 5 || scope[4] != "aws4_request" {
		return false
	}
	s.accessKey, s.date, s.region, s.service = scope[0], scope[1], scope[2], scope[3]
	s.headers = strings.Split(headers, ";")
	var err error
	s.at, err = time.Parse(timeFormat, at)
	return err == nil
}

// payloadHash is what the signer put at the end of the canonical request; if that is a hash, it is the received body's.
func (f *front) payloadHash(r *http.Request, query url.Values, s signature, body []byte) (string, *apiError) {
	sum := sha256.Sum256(body)
	actual := hex.EncodeToString(sum[:])
	claimed := r.Header.Get("X-Amz-Content-Sha256")
	if s.presigned {
		if claimed = query.Get("X-Amz-Content-Sha256"); claimed == "" && f.service == "s3" {
			claimed = unsignedPayload
		}
	}
	switch {
	case claimed == "" || claimed == actual:
		return actual, nil
	case claimed == unsignedPayload || claimed == unsignedTrailer:
		return claimed, nil
	case strings.HasPrefix(claimed, "STREAMING-"):
		return "", &apiError{http.StatusNotImplemented, "NotImplemented", "the lab does not verify " + claimed}
	}
	return "", &apiError{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."}
}

type onlyHeaders []string

func (o onlyHeaders) IsSigned(name string) bool { return slices.Contains(o, name) }

// sign computes the signature of what was received with AWS's other signer. That one can't spell the payload hash of an unsigned body with a trailer, so
// there it is the SDK's own signer, given nothing but what was received.
func sign(r *http.Request, s signature, payload string) (string, error) {
	again := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{}}
	again.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, Host: r.Host}
	for _, name := range s.headers {
		for _, value := range r.Header.Values(name) {
			again.Header.Add(name, strings.Join(strings.Fields(value), " ")) // runs of spaces count as one
		}
	}
	if slices.Contains(s.headers, "content-length") {
		again.ContentLength = r.ContentLength
		again.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	doublePathEscape := s.service != "s3"

	if payload == unsignedTrailer {
		signer := sdkv4.NewSigner(func(o *sdkv4.SignerOptions) { o.DisableURIPathEscaping = !doublePathEscape })
		keys := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
		if err := signer.SignHTTP(context.Background(), keys, again, payload, s.service, s.region, s.at); err != nil {
			return "", err
		}
	} else {
		in := &sigv4.SignRequestInput{
			Request: again, Service: s.service, Region: s.region, Time: s.at, PayloadHash: []byte(payload),
			Credentials: credentials.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey},
		}
		if payload != unsignedPayload {
			in.PayloadHash, _ = hex.DecodeString(payload) // we made it
		}
		if s.presigned {
			in.SignatureType = authv4.SignatureTypeQueryString
			again.URL.RawQuery = without(r.URL.Query(), "X-Amz-Signature")
		}
		if err := sigv4.New().SignRequest(in, func(o *authv4.SignerOptions) {
			o.HeaderRules, o.DisableDoublePathEscape = onlyHeaders(s.headers), !doublePathEscape
		}); err != nil {
			return "", err
		}
	}
	if s.presigned {
		return again.URL.Query().Get("X-Amz-Signature"), nil
	}
	_, value, _ := strings.Cut(again.Header.Get("Authorization"), "Signature=")
	return value, nil
}

func without(q url.Values, key string) string {
	q.Del(key)
	return q.Encode()
}
