package resolver

import (
	"slices"
	"testing"
)

// What may stand in front of a parent depends on what AWS puts there.
func TestShapes(t *testing.T) {
	const id = "123456789012"
	for front, takers := range map[string][]shape{
		id: {account, control, bucket, prefix}, "photos": {bucket, prefix}, "a.b": {bucket, prefix}, "9": {bucket, prefix},
		"mine-" + id: {accessPoint, bucket, prefix}, "my-own-" + id: {accessPoint, bucket, prefix}, "mine-" + id + "3": {bucket, prefix}, "mine-12345678901x": {bucket, prefix},
		"a.mine-" + id: {bucket, prefix}, "photos--x-s3": {prefix}, "mine--ol-s3": {prefix}, "mine--op-s3": {prefix}, "photos--x-s": {bucket, prefix},
		"-" + id: nil, "": nil, "a..b": nil,
	} {
		for s := account; s <= prefix; s++ {
			if got, want := s.takes(front), slices.Contains(takers, s); got != want {
				t.Errorf("shape %d takes %q: %v, want %v", s, front, got, want)
			}
			if got, want := s.keeps(front), map[bool]string{true: "", false: front}[s == account]; got != want {
				t.Errorf("shape %d keeps %q of %q", s, got, front)
			}
		}
	}
}
