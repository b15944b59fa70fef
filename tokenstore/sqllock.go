package tokenstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/poll"
	"github.com/connectorauth/connectorauth/internal/sqldb"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

const (
	leastLockPause = 50 * time.Millisecond // of a waiter, between two looks at the lock
	mostLockPause  = time.Second
	unlockPatience = 5 * time.Second // after a failed lock; then the lease ends by itself
	lateStatement  = time.Second     // between the two attempts to release a lock that may be granted late
	sweepPause     = 10 * time.Minute
	sweepAge       = time.Minute // a lease that ended so long ago is abandoned
	sweepAtOnce    = 100         // leases
)

// Lock waits until the caller alone holds key, or until ctx ends. The lock lasts
// until Unlock, or until SQLConfig.Lease after the death of the holder. If the
// database does not respond, Unlock tries again for up to five seconds. If ctx ends while
// somebody holds the lock, the error is a *storeerror.Locked, which names the process.
func (s *SQL) Lock(ctx context.Context, key string) (Lease, error) {
	l := &sqlLock{SQL: s, id: hash(key), owner: newOwner()}
	err := poll.Until(ctx, leastLockPause, mostLockPause, func() (bool, error) { return l.take(ctx) })
	if err != nil && ctx.Err() != nil && l.other != "" {
		err = &storeerror.Locked{Holder: holderOf(l.other), Err: err}
	}
	if err != nil {
		return nil, fail("lock", key, err)
	}
	held := lease.Keep(ctx, l.taken, lease.Config{
		Length:  s.lease,
		Prolong: l.prolong,
		Release: l.release,
		Wrap:    func(err error) error { return fail("check the lock of", key, err) },
	})
	s.sweep(ctx)
	return held, nil
}

// A sqlLock is the lock of one caller of Lock.
type sqlLock struct {
	*SQL
	id, owner string
	other     string    // the owner when the lock was last looked at; empty if nobody held the lock
	looked    bool      // the lock was not free at the first look
	taken     time.Time // before the last statement that may have granted the lock
}

// take tries once to take the lock. A waiter only reads while somebody holds the
// lock.
func (l *sqlLock) take(ctx context.Context) (locked bool, err error) {
	if !l.looked {
		l.looked = true
		if locked, err = l.grant(ctx, l.lockFree, l.id, l.owner, l.lease.Microseconds()); locked || err != nil {
			return locked, err
		}
	}
	var expired int
	var other string
	found, err := l.db.Scan(ctx, l.lockState, []any{l.id}, &expired, &other)
	if err == nil {
		l.other = other
	}
	switch {
	case err == nil && !found:
		return l.grant(ctx, l.lockFree, l.id, l.owner, l.lease.Microseconds())
	case err != nil || expired == 0:
		return false, err
	}
	return l.grant(ctx, l.lockExpired, l.owner, l.lease.Microseconds(), l.id)
}

// grant runs a statement that may grant the lock, and notes the time. If ctx ends,
// grant returns, and the statement goes on for a while: nobody would know the outcome
// of a statement that was cut off, and the database could even execute the statement
// after the release.
func (l *sqlLock) grant(ctx context.Context, statement string, args ...any) (granted bool, err error) {
	type outcome struct {
		granted bool
		err     error
	}
	known := make(chan outcome)
	go func() {
		longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(ctx, func() { time.AfterFunc(unlockPatience, cancel) })()
		var o outcome
		o.err = l.db.Try(longer, func() (err error) {
			l.taken = time.Now()
			o.granted, err = l.db.ExecOnce(longer, statement, args...)
			return err
		})
		select {
		case known <- o:
			if o.err != nil {
				l.abandon(ctx, true)
			}
		case <-ctx.Done(): // the caller has left
			l.abandon(ctx, o.err != nil)
		}
	}()
	select {
	case o := <-known:
		return o.granted, o.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (l *sqlLock) prolong(ctx context.Context) (held bool, err error) {
	return l.db.Exec(ctx, l.SQL.prolong, l.lease.Microseconds(), l.id, l.owner)
}

func (l *sqlLock) release(ctx context.Context) error {
	_, err := l.db.Exec(ctx, l.unlock, l.id, l.owner)
	return err
}

// abandon releases a lock that the database may have granted. If the outcome is not
// known, abandon does so twice: a database may execute the statement of a broken
// connection late.
func (l *sqlLock) abandon(ctx context.Context, unknown bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockPatience)
	defer cancel()
	release := func() (bool, error) { return l.release(ctx) == nil, nil }
	poll.Until(ctx, 10*time.Millisecond, 250*time.Millisecond, release)
	if unknown {
		time.Sleep(lateStatement)
		poll.Until(ctx, 10*time.Millisecond, 250*time.Millisecond, release)
	}
}

// sweep removes the leases of dead processes, at most once in sweepPause. A
// failure is left for the next time.
func (s *SQL) sweep(ctx context.Context) {
	now, last := time.Now(), s.swept.Load()
	if last != nil && now.Sub(*last) < sweepPause || !s.swept.CompareAndSwap(last, &now) {
		return
	}
	rows, err := s.pairs(ctx, s.abandoned, -sweepAge.Microseconds())
	for _, row := range rows {
		if err == nil {
			_, err = s.db.Exec(ctx, s.removeAbandoned, row[0], row[1])
		}
	}
	if len(rows) == sweepAtOnce {
		s.swept.Store(nil) // there may be more
	}
}

// pairs returns the rows of a query with two columns.
func (s *SQL) pairs(ctx context.Context, query string, args ...any) ([][2]string, error) {
	return sqldb.Query(ctx, s.db, func(rows *sql.Rows) (row [2]string, err error) {
		return row, rows.Scan(&row[0], &row[1])
	}, query, args...)
}

// longestHost is how much of the name of a host has room in the column owner, which has 64
// characters: 26 of a random text, 5 of the process, 6 of the time, and three spaces.
const longestHost = 24

// newOwner returns a unique owner that names this process. Numbers have the base 36.
func newOwner() string {
	h := thisProcess()
	host := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return '_'
	}, h.Host)
	return strings.Join([]string{rand.Text(), strconv.FormatInt(int64(h.PID), 36), strconv.FormatInt(h.Since.Unix(), 36), host[:min(len(host), longestHost)]}, " ")
}

// holderOf returns the process that an owner names. Of the owner of an older program,
// nothing is known.
func holderOf(owner string) storeerror.Holder {
	parts := strings.Split(owner, " ")
	if len(parts) != 4 {
		return storeerror.Holder{}
	}
	pid, err := strconv.ParseInt(parts[1], 36, 32)
	since, timeErr := strconv.ParseInt(parts[2], 36, 64)
	if err != nil || timeErr != nil {
		return storeerror.Holder{}
	}
	return storeerror.Holder{PID: int(pid), Host: parts[3], Since: time.Unix(since, 0).UTC()}
}
