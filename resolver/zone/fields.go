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
// Other fields are left to others, which reads past their values; nil skips them.
func stringFields(body io.Reader, others func(f *fieldReader, name string) error, names ...string) (map[string]string, error) {
	f := newFieldReader(body)
	fields := make(map[string]string, len(names))
	err := f.object(func(name string) (err error) {
		switch {
		case slices.Contains(names, name):
			fields[name], err = f.text(name)
			return err
		case others != nil:
			return others(f, name)
		}
		return f.skip()
	})
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errNotObject
	}
	if err != nil {
		return nil, err
	}
	return fields, nil
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

// object reads an object with nothing behind it.
func (f *fieldReader) object(field func(name string) error) error {
	t, err := f.token()
	if err != nil || t != json.Delim('{') {
		return cmp.Or(err, errNotObject)
	}
	if err := f.rest(t, field); err != nil {
		return err
	}
	if _, err := f.token(); err != io.EOF {
		return cmp.Or(err, errNotObject)
	}
	return nil
}

// each reads an object or a list, which opens with kind, and has read called for each value in it. It skips any other value.
func (f *fieldReader) each(kind json.Delim, read func(name string) error) error {
	t, err := f.token()
	switch {
	case err != nil:
		return err
	case t != kind:
		return f.skipFrom(t)
	}
	return f.rest(t, read)
}

// rest reads what comes after an object's or a list's first token.
func (f *fieldReader) rest(opened json.Token, read func(name string) error) error {
	for f.more() {
		var name string
		if opened == json.Delim('{') {
			t, err := f.token()
			if err != nil {
				return err
			}
			name, _ = t.(string)
		}
		if err := read(name); err != nil {
			return err
		}
	}
	_, err := f.token()
	return err
}

func (f *fieldReader) more() bool {
	f.left = maxAnswer
	return f.dec.More()
}

// text reads a field that has to be a string.
func (f *fieldReader) text(name string) (string, error) {
	t, err := f.token()
	s, ok := t.(string)
	if err == nil && !ok {
		err = fmt.Errorf("the answer's %s is not a string", name)
	}
	return s, err
}

// maxDepth bounds how deep values may be nested, since the decoder remembers each level.
const maxDepth = 1000

// skip reads past one value.
func (f *fieldReader) skip() error {
	t, err := f.token()
	if err != nil {
		return err
	}
	return f.skipFrom(t)
}

// skipFrom reads past the value that begins with t.
func (f *fieldReader) skipFrom(t json.Token) (err error) {
	for depth := 0; ; {
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
		if t, err = f.token(); err != nil {
			return err
		}
	}
}
