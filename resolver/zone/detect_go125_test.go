//go:build go1.25

package zone

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// after answers, or fails, when d has passed, and not at all when the context ends before.
func after(d time.Duration, a Answer, err error, asked *int) Source {
	return source(func(ctx context.Context) (Answer, error) {
		*asked++
		select {
		case <-time.After(d):
			return a, err
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		}
	})
}

// Given ECS on EC2, the time that Detect takes. synctest.Test fails where a goroutine is left behind.
func TestDetectWaitsForECSAndIMDSTogether(t *testing.T) {
	ecs := Answer{Zone: Zone{Name: "us-west-2d"}, Source: "ecs"}
	imds := Answer{Zone: Zone{Name: "us-west-2d", ID: "usw2-az4"}, Source: "imds"}
	no := errors.New("no answer")
	for _, c := range []struct {
		name           string
		platform       string
		ecsAfter       time.Duration
		ecsErr         error
		imdsAfter      time.Duration
		imdsErr        error
		cancelAfter    time.Duration
		want           Answer
		inError        string
		wantTook       time.Duration
		wantIMDSUnused bool
	}{
		{
			name: "ECS answers within its head start", platform: "AWS_ECS_EC2", ecsAfter: 5 * time.Millisecond, imdsAfter: time.Hour,
			want: ecs, wantTook: 5 * time.Millisecond, wantIMDSUnused: true,
		},
		{
			name: "ECS is preferred to a faster IMDS", platform: "AWS_ECS_EC2", ecsAfter: 900 * time.Millisecond, imdsAfter: time.Millisecond,
			want: ecs, wantTook: 900 * time.Millisecond,
		},
		{
			name: "IMDS has answered when ECS gives up", platform: "AWS_ECS_EC2", ecsAfter: time.Second, ecsErr: no, imdsAfter: 400 * time.Millisecond,
			want: imds, wantTook: time.Second,
		},
		{
			name: "IMDS is asked at once when ECS fails early", platform: "AWS_ECS_EC2", ecsAfter: time.Millisecond, ecsErr: no, imdsAfter: time.Millisecond,
			want: imds, wantTook: 2 * time.Millisecond,
		},
		{
			name: "both are silent", platform: "AWS_ECS_EC2", ecsAfter: time.Second, ecsErr: no, imdsAfter: time.Second, imdsErr: no,
			inError: "no answer", wantTook: time.Second + headStart,
		},
		{
			name: "the caller gives up", platform: "AWS_ECS_EC2", ecsAfter: time.Hour, imdsAfter: time.Hour, cancelAfter: 300 * time.Millisecond,
			inError: "context canceled", wantTook: 300 * time.Millisecond,
		},
		{
			name: "the caller gives up early", platform: "AWS_ECS_EC2", ecsAfter: time.Hour, imdsAfter: time.Hour, cancelAfter: time.Millisecond,
			inError: "context canceled", wantTook: time.Millisecond,
		},
		{
			name: "on an unknown platform one after the other", ecsAfter: time.Second, ecsErr: no, imdsAfter: time.Millisecond,
			want: imds, wantTook: time.Second + time.Millisecond,
		},
		{
			name: "Fargate by its answer only", ecsAfter: time.Second, ecsErr: errFargate, imdsAfter: time.Millisecond,
			inError: "Fargate has none", wantTook: time.Second, wantIMDSUnused: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			t.Setenv("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/x")
			t.Setenv("AWS_EXECUTION_ENV", c.platform)
			synctest.Test(t, func(t *testing.T) {
				var askedECS, askedIMDS int
				d := &detect{
					ecs:       after(c.ecsAfter, ecs, c.ecsErr, &askedECS),
					lambda:    fails("no Lambda"),
					imds:      after(c.imdsAfter, imds, c.imdsErr, &askedIMDS),
					headStart: headStart,
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.cancelAfter > 0 {
					time.AfterFunc(c.cancelAfter, cancel)
				}
				began := time.Now()
				got, err := Ask(ctx, d)
				wantAnswer(t, got, err, c.want, c.inError)
				if took := time.Since(began); took != c.wantTook {
					t.Errorf("took %v, want %v", took, c.wantTook)
				}
				if c.wantIMDSUnused && askedIMDS != 0 {
					t.Errorf("IMDS was asked %d times, want never", askedIMDS)
				}
			})
		})
	}
}
