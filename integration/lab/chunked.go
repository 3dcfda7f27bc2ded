package lab

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
)

// unchunk decodes an aws-chunked body with trailing checksums and checks them. The header becomes that of the plain body, with the checksums in it.
// The format: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func unchunk(h http.Header, body []byte) ([]byte, *apiError) {
	var plain []byte
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		size, err := strconv.ParseInt(string(line), 16, 32)
		if !ok || err != nil || size < 0 || int64(len(rest)) < size {
			return nil, incomplete("a chunk's size is wrong")
		}
		if body = rest; size == 0 {
			break
		}
		plain = append(plain, body[:size]...)
		if body, ok = bytes.CutPrefix(body[size:], []byte("\r\n")); !ok {
			return nil, incomplete("a chunk does not end")
		}
	}
	for line := range strings.SplitSeq(strings.TrimRight(string(body), "\r\n"), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			h.Set(name, strings.TrimSpace(value))
		}
	}
	for name := range strings.SplitSeq(h.Get("X-Amz-Trailer"), ",") {
		if name = strings.TrimSpace(name); name != "" && h.Get(name) == "" {
			return nil, &apiError{http.StatusBadRequest, "MalformedTrailerError", "the trailer " + name + " is missing"}
		}
	}
	if h.Get("X-Amz-Decoded-Content-Length") != strconv.Itoa(len(plain)) {
		return nil, incomplete("x-amz-decoded-content-length is not the body's length")
	}
	if encoding := strings.TrimPrefix(strings.TrimPrefix(h.Get("Content-Encoding"), "aws-chunked"), ","); encoding != "" {
		h.Set("Content-Encoding", encoding)
	} else {
		h.Del("Content-Encoding")
	}
	return plain, checkChecksums(h, plain)
}

func incomplete(message string) *apiError {
	return &apiError{http.StatusBadRequest, "IncompleteBody", message}
}

var checksums = map[string]func() hash.Hash{
	"X-Amz-Checksum-Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"X-Amz-Checksum-Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"X-Amz-Checksum-Crc64nvme": func() hash.Hash { return crc64.New(nvme) },
	"X-Amz-Checksum-Sha1":      sha1.New,
	"X-Amz-Checksum-Sha256":    sha256.New,
}

var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5) // the NVM Express polynomial, reversed

// checkChecksums compares the checksums that the header gives with the body's.
func checkChecksums(h http.Header, body []byte) *apiError {
	for name, algorithm := range checksums {
		want := h.Get(name)
		if want == "" {
			continue
		}
		sum := algorithm()
		_, _ = sum.Write(body)
		if got := base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != want {
			return &apiError{http.StatusBadRequest, "BadDigest", "The " + name + " you specified did not match what we received: " + got}
		}
	}
	return nil
}
