package main

import (
	"context"
	"errors"
	"flag"
	"io"
)

type realOptions struct{ rate float64 }

func (o *realOptions) flags(set *flag.FlagSet) {
	set.Float64Var(&o.rate, "rate", 5, "with -real: calls a second at most")
}

func compareReal(ctx context.Context, f flags, stdin io.Reader, stderr io.Writer) (Report, error) {
	return Report{}, errors.New("not yet")
}
