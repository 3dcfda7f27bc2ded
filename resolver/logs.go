package resolver

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
)

// logs is where changes of state are logged. A log handler may take its time, ask for
// a Snapshot, or send its lines through this very resolver: no lock is held meanwhile.
type logs struct {
	to     *slog.Logger // nil: silent
	panics atomic.Uint64

	mu     sync.Mutex
	logged map[string]bool
}

func newLogs(to *slog.Logger) *logs { return &logs{to: to, logged: map[string]bool{}} }

func (l *logs) info(msg string, args ...any) { l.log(slog.LevelInfo, msg, args...) }
func (l *logs) warn(msg string, args ...any) { l.log(slog.LevelWarn, msg, args...) }

func (l *logs) log(level slog.Level, msg string, args ...any) {
	if l.to == nil {
		return
	}
	defer func() {
		if recover() != nil {
			l.panics.Add(1) // there is nobody to tell but a snapshot
		}
	}()
	l.to.Log(context.Background(), level, msg, args...)
}

// first reports whether msg has not been logged, or not since again.
func (l *logs) first(msg string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logged[msg] {
		return false
	}
	l.logged[msg] = true
	return true
}

// again has msg logged the next time.
func (l *logs) again(msg string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.logged, msg)
}

// panicked counts a panic of code that isn't ours, which would have taken the whole
// program with it, and logs the first of its kind.
func (l *logs) panicked(who string, p any) {
	l.panics.Add(1)
	if msg := "azaffinity: " + who + " panicked"; l.first(msg) {
		l.warn(msg, "panic", p)
	}
}
