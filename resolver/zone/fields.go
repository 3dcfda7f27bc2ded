package zone

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

var errNotObject = errors.New("the answer is not a JSON object")

// stringFields returns those top-level fields of a JSON object that are asked for. It reads the object to its end and
// keeps nothing else of it: an ECS task's answer grows with the labels of its containers, and over 64 KiB is real.
func stringFields(body io.Reader, names ...string) (map[string]string, error) {
	f := newFieldReader(body)
	fields, err := f.read(names)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errNotObject
	}
	return fields, err
}

// fieldReader reads JSON by its tokens, of which each may be as large as an answer otherwise.
type fieldReader struct {
	body io.Reader
	left int // bytes that may be read until the next token
	dec  *json.Decoder
}

func newFieldReader(body io.Reader) *fieldReader {
	f := &fieldReader{body: body}
	f.dec = json.NewDecoder(f)
	return f
}

// Read is the decoder's.
func (f *fieldReader) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, errTooLarge
	}
	n, err := f.body.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

func (f *fieldReader) token() (json.Token, error) {
	f.left = maxAnswer
	return f.dec.Token()
}

func (f *fieldReader) read(names []string) (map[string]string, error) {
	if t, err := f.token(); err != nil || t != json.Delim('{') {
		return nil, cmp.Or(err, errNotObject)
	}
	fields := make(map[string]string, len(names))
	for {
		t, err := f.token()
		name, ok := t.(string)
		switch {
		case err != nil:
			return nil, err
		case !ok: // the object's end
			if _, err := f.token(); err != io.EOF {
				return nil, cmp.Or(err, errNotObject)
			}
			return fields, nil
		case !slices.Contains(names, name):
			if err := f.skip(); err != nil {
				return nil, err
			}
			continue
		}
		if t, err = f.token(); err != nil {
			return nil, err
		}
		if fields[name], ok = t.(string); !ok {
			return nil, fmt.Errorf("the answer's %s is not a string", name)
		}
	}
}

// maxDepth bounds how deep values may be nested, since the decoder remembers each level.
const maxDepth = 1000

// skip reads past one value.
func (f *fieldReader) skip() error {
	for depth := 0; ; {
		t, err := f.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		switch {
		case depth == 0:
			return nil
		case depth > maxDepth:
			return errNotObject
		}
	}
}
