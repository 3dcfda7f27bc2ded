package zone

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"
)

// Detect asks, in this order, those sources that the environment says can work, and answers with the first that does:
//
//   - AZAFFINITY_ZONE, where it is set. Then it is the answer, and a bad value is an error: what somebody said is not
//     corrected by a guess.
//   - ECS, where ECS_CONTAINER_METADATA_URI_V4 is set.
//   - Lambda, where AWS_LAMBDA_METADATA_API is set.
//   - IMDS, unless this is Lambda or Fargate, which have none, or AWS_EC2_METADATA_DISABLED is true.
//
// When none answers, the error joins the reasons of all four. Detect looks at the environment at each ask.
func Detect(opts ...Option) Source {
	return &detect{ecs: ECS(opts...), lambda: Lambda(opts...), imds: imdsSource(newOptions(opts), nil), headStart: headStart}
}

// headStart is what ECS gets before IMDS is asked as well. It answers in milliseconds when it is well.
const headStart = 100 * time.Millisecond

type detect struct {
	ecs, lambda, imds Source
	headStart         time.Duration
}

func (d *detect) Zone(ctx context.Context) (Zone, error) { return source(d.Answer).Zone(ctx) }

// Immediate is true where AZAFFINITY_ZONE is set.
func (d *detect) Immediate() bool {
	_, ok := told()
	return ok
}

func (d *detect) Answer(ctx context.Context) (Answer, error) {
	a, errEnv := Ask(ctx, Env())
	if _, ok := told(); ok {
		return a, errEnv
	}
	// Where it is known beforehand that ECS runs on EC2, a silent ECS agent and a silent IMDS are waited for at the
	// same time. ECS's answer is preferred all the same, so that what Detect says doesn't depend on who is faster.
	askIMDS := func() (Answer, error) { return Ask(ctx, d.imds) }
	if os.Getenv(executionVar) == "AWS_ECS_EC2" && os.Getenv(ecsVar) != "" && withoutIMDS() == nil {
		ahead := start(ctx, d.imds, d.headStart)
		defer ahead.stop()
		askIMDS = ahead.wait
	}

	a, errECS := Ask(ctx, d.ecs)
	if errECS == nil {
		return a, nil
	}
	a, errLambda := Ask(ctx, d.lambda)
	if errLambda == nil {
		return a, nil
	}
	errIMDS := withoutIMDS()
	if errors.Is(errECS, errFargate) {
		errIMDS = errOnFargate
	}
	if errIMDS == nil {
		if a, errIMDS = askIMDS(); errIMDS == nil {
			return a, nil
		}
	}
	return Answer{}, errors.Join(errEnv, errECS, errLambda, errIMDS)
}

// executionVar is AWS_ECS_FARGATE, AWS_ECS_EC2 ("Amazon ECS environment variables", ECS Developer Guide) or
// AWS_Lambda_ and a runtime ("Defined runtime environment variables", Lambda Developer Guide).
const executionVar = "AWS_EXECUTION_ENV"

var (
	errDisabled  = errors.New("IMDS was not asked: AWS_EC2_METADATA_DISABLED is true")
	errOnFargate = errors.New("IMDS was not asked: Fargate has none")
	errOnLambda  = errors.New("IMDS was not asked: Lambda has none")
)

// withoutIMDS is why the environment rules IMDS out, or nil.
func withoutIMDS() error {
	platform := os.Getenv(executionVar)
	switch {
	case strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true"):
		return errDisabled
	case platform == "AWS_ECS_FARGATE":
		return errOnFargate
	case os.Getenv("AWS_LAMBDA_FUNCTION_NAME") != "", strings.HasPrefix(platform, "AWS_Lambda_"):
		return errOnLambda
	}
	return nil
}

// ahead is a question that is asked before its answer is known to be needed.
type ahead struct {
	now    chan struct{} // closed: don't wait any longer to ask
	done   chan struct{} // closed: answer and err are there
	cancel context.CancelFunc
	answer Answer
	err    error
}

// start asks s after a pause, or once wait is called. The caller must call stop.
func start(ctx context.Context, s Source, pause time.Duration) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	q := &ahead{now: make(chan struct{}), done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(q.done)
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			q.err = ctx.Err()
			return
		case <-q.now:
		case <-timer.C:
		}
		q.answer, q.err = Ask(ctx, s)
	}()
	return q
}

// wait returns the answer; it may be called once.
func (q *ahead) wait() (Answer, error) {
	close(q.now)
	<-q.done
	return q.answer, q.err
}

// stop returns when nothing of q is left running.
func (q *ahead) stop() {
	q.cancel()
	<-q.done
}
