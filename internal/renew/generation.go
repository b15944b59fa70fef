package renew

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"sync/atomic"
	"time"
)

// A Generation is one value of the credential. A Generation is immutable, except
// for what is known of its rejections.
type Generation[T any] struct {
	Value *T

	expiry   time.Time  // zero: unknown
	renewAt  time.Time  // when early renewal begins; zero without an expiry
	sum      sum        // of the stored value
	unsaved  *unsaved   // how to save the generation later; nil if the store took it at once
	replaced *time.Time // when the generation replaced a rejected generation; nil if it did not

	rejectedUntil atomic.Pointer[time.Time] // no renewal before this time; nil means now
}

// sum identifies a stored value. The sum of an absent value is zero.
type sum = [sha256.Size]byte

func digest(raw []byte) (s sum) {
	if raw != nil {
		s = sha256.Sum256(raw)
	}
	return s
}

// fresh reports whether requests may still use the generation.
func (g *Generation[T]) fresh() bool {
	return g.expiry.IsZero() || time.Until(g.expiry) > 0
}

// Young reports whether the value, of that time, was made less than rejectedWait
// ago. A clock that was set back makes no value young.
func (g *Generation[T]) Young(issued time.Time) bool {
	if g.replaced != nil {
		issued = *g.replaced
	}
	age := time.Since(issued)
	return age >= 0 && age < rejectedWait
}

// rejectedLately reports whether the generation was rejected right after its
// renewal, less than rejectedWait ago.
func (g *Generation[T]) rejectedLately() bool {
	until := g.rejectedUntil.Load()
	return until != nil && time.Until(*until) > 0
}

// newGeneration returns the generation of value, which the store holds as raw.
// Early renewal begins up to a fifth of its lead late, at random, so
// replicas do not all begin at once.
func newGeneration[T any](s Scheme[T], value *T, raw []byte) *Generation[T] {
	g := &Generation[T]{Value: value, sum: digest(raw)}
	issued, expiry := s.Expiry(value)
	if expiry.IsZero() {
		return g
	}
	now := time.Now()
	lifetime := max(expiry.Sub(issued), 0)
	// Stored times are from another clock. A clock that is ahead must not prolong a
	// life.
	left := min(expiry.Sub(now.Round(0)), lifetime)
	g.expiry = now.Add(left)
	g.renewAt = g.expiry.Add(-jitter(min(s.Lead(), lifetime/5), 0.8, 1))
	return g
}

// jitter returns a random part of d, from lo to hi times.
func jitter(d time.Duration, lo, hi float64) time.Duration {
	var b [8]byte
	rand.Read(b[:])
	random := float64(binary.NativeEndian.Uint64(b[:])) / math.MaxUint64
	return time.Duration(float64(d) * (lo + (hi-lo)*random))
}
