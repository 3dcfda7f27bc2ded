package endpoint

import "testing"

// Given text as editors and PowerShell write it, when it is decoded, then it is UTF-8 without marks, and halves of characters are replaced, alone, at the end, and in
// front of what isn't the other half.
func TestDecode(t *testing.T) {
	const replaced = "\ufffd"
	for in, want := range map[string]string{
		"":                                 "",
		"a":                                "a",
		"\xef\xbb\xbfa\xef\xbb\xbfb":       "ab",
		"\xff\xfea\x00b\x00":               "ab",
		"\xfe\xff\x00a\x00b":               "ab",
		"\xff\xfe\xff\xfea\x00":            "a",
		"\xff\xfe\x3d\xd8\x00\xde":         "😀",
		"\xfe\xff\xd8\x3d\xde\x00\x00a":    "😀a",
		"\xff\xfe\x3d\xd8":                 replaced,
		"\xff\xfe\x3d\xd8a\x00":            replaced + "a",
		"\xff\xfe\x00\xdea\x00":            replaced + "a",
		"\xff\xfe\x3d\xd8\x3d\xd8\x00\xde": replaced + "😀",
		"\xff\xfe\xac\x20":                 "€",
	} {
		if got, err := decode([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
}
