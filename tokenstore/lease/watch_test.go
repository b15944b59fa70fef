package lease_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// values is a store that counts its reads.
type values struct {
	reads, asked atomic.Int64 // asked is the number of keys of the last read

	mu  sync.Mutex // guards the fields below
	now map[string][]byte
	err error
}

func (v *values) set(key string, value []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now[key] = value
}

func (v *values) read(_ context.Context, keys []string, found func(string, []byte)) error {
	v.reads.Add(1)
	v.asked.Store(int64(len(keys)))
	time.Sleep(10 * time.Millisecond)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return v.err
	}
	for _, key := range keys {
		found(key, v.now[key])
	}
	return nil
}

func TestAThousandWaitersCostFiveReadsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &values{now: map[string][]byte{"a": []byte("old"), "b": []byte("old")}}
		w := &lease.Watch{Read: v.read}
		var group sync.WaitGroup
		for range 1000 {
			for _, key := range []string{"a", "b"} {
				group.Go(func() {
					value, err := w.Wait(t.Context(), key, []byte("old"))
					assert.NoError(t, err)
					assert.Equal(t, "new", string(value))
				})
			}
		}
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 50, v.reads.Load(), 3)
		assert.EqualValues(t, 2, v.asked.Load())
		v.set("a", []byte("new"))
		v.set("b", []byte("new"))
		began := time.Now()
		group.Wait()
		assert.Less(t, time.Since(began), 250*time.Millisecond)
		reads := v.reads.Load()
		time.Sleep(time.Minute)
		assert.Equal(t, reads, v.reads.Load(), "nobody waits")
	})
}

// A read that began before the caller came may show a value from before old.
func TestAReadUnderWayIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := make(chan struct{})
		var reads atomic.Int64
		w := &lease.Watch{Read: func(_ context.Context, _ []string, found func(string, []byte)) error {
			if reads.Add(1) == 1 {
				<-shown
				found("a", []byte("older"))
				return nil
			}
			found("a", []byte("old"))
			return nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go w.Wait(ctx, "a", []byte("older"))
		synctest.Wait()
		go func() { time.Sleep(10 * time.Millisecond); close(shown) }()
		_, err := w.Wait(ctx, "a", []byte("old"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestWaitOutlastsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &values{now: map[string][]byte{"a": []byte("new")}, err: errStore}
		w := &lease.Watch{Read: v.read}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := w.Wait(ctx, "a", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errStore)
		go func() {
			time.Sleep(time.Minute)
			v.mu.Lock()
			defer v.mu.Unlock()
			v.err = nil
		}()
		value, err := w.Wait(t.Context(), "a", nil)
		require.NoError(t, err)
		assert.Equal(t, "new", string(value))
	})
}

func TestEveryWaiterGetsACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &values{now: map[string][]byte{"a": []byte("new")}}
		w := &lease.Watch{Read: v.read}
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				value, err := w.Wait(t.Context(), "a", nil)
				assert.NoError(t, err)
				assert.Equal(t, "new", string(value))
				clear(value)
			})
		}
		group.Wait()
	})
}

func TestWaitersComeAndGoWithoutManyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &values{now: map[string][]byte{}}
		w := &lease.Watch{Read: v.read}
		ctx, cancel := context.WithCancel(t.Context())
		go w.Wait(ctx, "always", nil)
		for range 1000 { // for ten seconds
			short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			w.Wait(short, "a", nil)
			cancel()
		}
		assert.LessOrEqual(t, v.reads.Load(), int64(101))
		cancel()
		time.Sleep(time.Second) // the goroutine ends
	})
}

func TestReadThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int64
		w := &lease.Watch{Read: func(ctx context.Context, _ []string, found func(string, []byte)) error {
			if reads.Add(1) == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			found("a", []byte("new"))
			return nil
		}}
		began := time.Now()
		value, err := w.Wait(t.Context(), "a", nil)
		require.NoError(t, err)
		assert.Equal(t, "new", string(value))
		assert.Less(t, time.Since(began), 6*time.Second)
	})
}

func TestNewcomerGetsItsReadSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &values{now: map[string][]byte{"a": []byte("new")}}
		w := &lease.Watch{Read: v.read}
		ctx, cancel := context.WithCancel(t.Context())
		go w.Wait(ctx, "always", nil)
		time.Sleep(220 * time.Millisecond) // a read has just ended
		began := time.Now()
		_, err := w.Wait(t.Context(), "a", nil)
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(began), 100*time.Millisecond)
		cancel()
		time.Sleep(time.Second)
	})
}

func TestErrorOfAnEarlierWaitIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &values{now: map[string][]byte{}, err: errStore}
		w := &lease.Watch{Read: v.read}
		wait := func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			_, err := w.Wait(ctx, "a", nil)
			return err
		}
		require.ErrorIs(t, wait(time.Second), errStore)
		time.Sleep(time.Minute)
		require.NotErrorIs(t, wait(5*time.Millisecond), errStore, "no read has failed since")
		time.Sleep(time.Second)
	})
}
