package pending_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// store is a store for several Keepers, as several processes have. It has only what
// claims need.
type store struct {
	renew.SharedStore // nil

	mu     sync.Mutex
	values map[string]string
	err    error // of Load and CompareAndSwap
	lost   error // of CompareAndSwap, after the value was stored
}

func (s *store) Load(ctx context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.values[key]
	return []byte(value), ok, errors.Join(ctx.Err(), s.err)
}

func (s *store) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(ctx.Err(), s.err); err != nil {
		return false, err
	}
	if value, ok := s.values[key]; ok != (old != nil) || value != string(old) {
		return false, nil
	}
	if s.values == nil {
		s.values = make(map[string]string)
	}
	s.values[key] = string(new)
	return true, s.lost
}

func (s *store) fail(err, lost error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.lost = err, lost
}

// claims counts the claims in the store.
func (s *store) claims(t *testing.T) (n int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range s.values {
		var record struct {
			Version int            `json:"v"`
			Claims  map[string]any `json:"claims"`
		}
		require.Regexp(t, "^connectorauth-consents-[0-9a-f]{2}$", key)
		require.NoError(t, json.Unmarshal([]byte(value), &record))
		require.Equal(t, 1, record.Version)
		n += len(record.Claims)
	}
	return n
}

// beginIn begins a consent of a connector with a store.
func beginIn(s *store, state string) *consent {
	c := begin(state)
	c.flow.Store = s
	return c
}

var errStore = errors.New("the store is down")

func TestConsentIsFinishedOnceOverProcesses(t *testing.T) {
	s := new(store)
	c := beginIn(s, "s1")
	keepers := make([]pending.Keeper, 8)
	var finished, used atomic.Int32
	var all sync.WaitGroup
	for i := range 80 {
		all.Go(func() {
			err := keepers[i%len(keepers)].Finish(context.Background(), c.flow, c.text, granted("s1"))
			var bad *pending.BadCallback
			if err == nil {
				finished.Add(1)
			} else if errors.As(err, &bad) && bad.BadCallback() == pending.Used {
				used.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, finished.Load())
	assert.EqualValues(t, 79, used.Load())
	assert.EqualValues(t, 1, c.obtained.Load())
	assert.Equal(t, 1, s.claims(t))
	assert.NotContains(t, fmt.Sprint(s.values), "s1", "the store sees no state")
}

func TestRefusalEndsTheConsentOverProcesses(t *testing.T) {
	c := beginIn(new(store), "s1")
	refused := granted("s1")
	refused.Set("error", "access_denied")
	assert.ErrorIs(t, new(pending.Keeper).Finish(t.Context(), c.flow, c.text, refused), errRefused)
	assert.Equal(t, pending.Used, kind(t, new(pending.Keeper).Finish(t.Context(), c.flow, c.text, granted("s1"))))
	assert.Zero(t, c.obtained.Load())
}

func TestRefusalEndsTheConsentWhenTheStoreIsDown(t *testing.T) {
	s, k := new(store), new(pending.Keeper)
	c := beginIn(s, "s1")
	refused := granted("s1")
	refused.Set("error", "access_denied")
	s.fail(errStore, nil)
	assert.ErrorIs(t, k.Finish(t.Context(), c.flow, c.text, refused), errRefused)
	s.fail(nil, nil)
	assert.Equal(t, pending.Used, kind(t, k.Finish(t.Context(), c.flow, c.text, granted("s1"))))
}

// A refusal is noted for all processes although the browser has gone.
func TestRefusalEndsTheConsentAlthoughNobodyWaits(t *testing.T) {
	c := beginIn(new(store), "s1")
	refused := granted("s1")
	refused.Set("error", "access_denied")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, new(pending.Keeper).Finish(ctx, c.flow, c.text, refused), errRefused)
	assert.Equal(t, pending.Used, kind(t, new(pending.Keeper).Finish(t.Context(), c.flow, c.text, granted("s1"))))
}

// Two providers of OAuth1 may give the same temporary token.
func TestConsentsOfTwoConnectorsMayHaveOneState(t *testing.T) {
	s, k := new(store), new(pending.Keeper)
	for _, name := range []string{"one", "another"} {
		c := beginIn(s, "s1")
		c.For, c.flow.Connector = name, name
		require.NoError(t, k.Finish(t.Context(), c.flow, c.Encode(), granted("s1")), name)
	}
	assert.Equal(t, 2, s.claims(t))
}

// Without a claim, nothing is sent, and the consent stays open.
func TestConsentStaysOpenWhenTheStoreIsDown(t *testing.T) {
	for name, fault := range map[string]struct{ err, lost error }{
		"down": {errStore, nil}, "the outcome of the claim was lost": {nil, errStore},
	} {
		t.Run(name, func(t *testing.T) {
			s, k := new(store), new(pending.Keeper)
			c := beginIn(s, "s1")
			s.fail(fault.err, fault.lost)
			err := k.Finish(t.Context(), c.flow, c.text, granted("s1"))
			require.ErrorIs(t, err, errStore)
			assert.ErrorContains(t, err, "token store")
			assert.False(t, pending.Over(err))
			var temporary interface{ Temporary() bool }
			require.ErrorAs(t, err, &temporary)
			assert.True(t, temporary.Temporary())
			assert.Zero(t, c.obtained.Load())
			s.fail(nil, nil)
			require.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")))
			assert.EqualValues(t, 1, c.obtained.Load())
			for _, k := range []*pending.Keeper{k, new(pending.Keeper)} {
				assert.Equal(t, pending.Used, kind(t, k.Finish(t.Context(), c.flow, c.text, granted("s1"))))
			}
		})
	}
}

func TestHangingStoreIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, k := begin("s1"), new(pending.Keeper)
		c.flow.Store = hanging{}
		began := time.Now()
		err := k.Finish(t.Context(), c.flow, c.text, granted("s1"))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.False(t, pending.Over(err))
		assert.Equal(t, 10*time.Second, time.Since(began))
	})
}

type hanging struct{ renew.SharedStore }

func (hanging) Load(ctx context.Context, _ string) ([]byte, bool, error) {
	<-ctx.Done()
	return nil, false, ctx.Err()
}

func (hanging) CompareAndSwap(context.Context, string, []byte, []byte) (bool, error) {
	return false, nil
}

// A code that was not sent may be sent with the same callback, by every process.
func TestConsentIsOpenAgainWhenNothingWasSent(t *testing.T) {
	for name, s := range map[string]*store{"memory": nil, "store": new(store)} {
		t.Run(name, func(t *testing.T) {
			c, k := begin("s1"), new(pending.Keeper)
			next := k
			if s != nil {
				c.flow.Store, next = s, new(pending.Keeper)
			}
			obtain, errDial := c.flow.Obtain, errors.New("no connection")
			c.flow.Obtain = func(context.Context, pending.Value, string) error { return pending.Open(errDial) }
			err := k.Finish(t.Context(), c.flow, c.text, granted("s1"))
			assert.ErrorIs(t, err, errDial)
			assert.EqualError(t, err, errDial.Error())
			assert.False(t, pending.Over(err))
			c.flow.Obtain = obtain
			require.NoError(t, next.Finish(t.Context(), c.flow, c.text, granted("s1")))
			assert.Equal(t, pending.Used, kind(t, k.Finish(t.Context(), c.flow, c.text, granted("s1"))))
			assert.EqualValues(t, 1, c.obtained.Load())
		})
	}
}

// The store fails after the claim: the consent is open in this process alone.
func TestConsentIsOpenHereWhenTheStoreFailsAfterwards(t *testing.T) {
	s, k := new(store), new(pending.Keeper)
	c := beginIn(s, "s1")
	obtain := c.flow.Obtain
	c.flow.Obtain = func(context.Context, pending.Value, string) error {
		s.fail(errStore, nil)
		return pending.Open(errRefused)
	}
	require.ErrorIs(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")), errRefused)
	s.fail(nil, nil)
	c.flow.Obtain = obtain
	assert.Equal(t, pending.Used, kind(t, new(pending.Keeper).Finish(t.Context(), c.flow, c.text, granted("s1"))))
	assert.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")))
	assert.EqualValues(t, 1, c.obtained.Load())
}

// Claims go with the next claim in their record, once nobody could finish their
// consents any more.
func TestClaimsInTheStoreDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := new(store), new(pending.Keeper)
		const pause = 10 * time.Second
		for i := range 2000 {
			c := beginIn(s, fmt.Sprint("s", i))
			require.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted(c.State)))
			time.Sleep(pause)
		}
		assert.LessOrEqual(t, len(s.values), 256)
		assert.Less(t, s.claims(t), 256+2*int(2*pending.Lifetime/pause))
	})
}

func TestClaimStaysBesideOtherClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(store)
		mine := beginIn(s, "s1")
		require.NoError(t, new(pending.Keeper).Finish(t.Context(), mine.flow, mine.text, granted("s1")))
		time.Sleep(pending.Lifetime)
		for i := range 1000 {
			c := beginIn(s, fmt.Sprint("other", i))
			require.NoError(t, new(pending.Keeper).Finish(t.Context(), c.flow, c.text, granted(c.State)))
		}
		assert.Equal(t, 1001, s.claims(t))
		assert.Equal(t, pending.Used, kind(t, new(pending.Keeper).Finish(t.Context(), mine.flow, mine.text, granted("s1"))))
	})
}

func TestDamagedClaimsFailClosed(t *testing.T) {
	for _, damaged := range []string{"", "not ours", "{}", `{"v":2,"claims":{}}`} {
		s := &store{values: make(map[string]string)}
		for i := range 256 {
			s.values[fmt.Sprintf("connectorauth-consents-%02x", i)] = damaged
		}
		c := beginIn(s, "s1")
		err := new(pending.Keeper).Finish(t.Context(), c.flow, c.text, granted("s1"))
		assert.ErrorContains(t, err, `"connectorauth-consents-`)
		assert.False(t, pending.Over(err))
		assert.Zero(t, c.obtained.Load())
	}
}

func TestOver(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	foreign := k.Finish(t.Context(), c.flow, c.text, granted("s2"))
	malformed := k.Finish(t.Context(), c.flow, c.text, nil)
	require.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")))
	used := k.Finish(t.Context(), c.flow, c.text, granted("s1"))
	expired := k.Finish(t.Context(), c.flow, strings.Replace(c.text, `"began":`, `"began":1`, 1), granted("s1"))
	for name, test := range map[string]struct {
		err  error
		over bool
	}{
		"finished": {nil, true}, "sent": {errRefused, true}, "used": {used, true}, "expired": {expired, true},
		"foreign": {foreign, false}, "malformed": {malformed, false}, "not sent": {fmt.Errorf("wrapped: %w", pending.Open(errRefused)), false},
	} {
		assert.Equal(t, test.over, pending.Over(test.err), name)
	}
}
