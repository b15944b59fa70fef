package pending_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const connector = "connector"

// consent is a consent under way, and what became of it.
type consent struct {
	pending.Value
	text     string
	flow     pending.Flow
	obtained atomic.Int32
}

func begin(state string) *consent {
	c := &consent{Value: pending.Value{For: connector, State: state, Redirect: "https://app.example/cb", Verifier: "verifier"}}
	c.text = c.Encode()
	c.flow = pending.Flow{
		Begin:     func() (func(), error) { return func() {}, nil },
		Connector: connector, State: "state", Code: "code",
		Refusal: func(callback url.Values) error {
			if callback.Has("error") {
				return errRefused
			}
			return nil
		},
		Obtain: func(context.Context, pending.Value, string) error { c.obtained.Add(1); return nil },
	}
	return c
}

var errRefused = errors.New("refused by the account owner")

// granted is the callback of a consent.
func granted(state string) url.Values { return url.Values{"state": {state}, "code": {"the code"}} }

// kind returns the kind of a bad callback.
func kind(t *testing.T, err error) string {
	t.Helper()
	var bad *pending.BadCallback
	require.ErrorAs(t, err, &bad)
	assert.Regexp(t, "^connectorauth: .", err.Error())
	return bad.BadCallback()
}

func TestFinishObtainsByTheCode(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	var checked, kept url.Values
	c.flow.Check = func(callback url.Values) error { checked = callback; return nil }
	c.flow.Keep = func(callback url.Values) error { kept = callback; return nil }
	c.flow.Obtain = func(ctx context.Context, v pending.Value, code string) error {
		assert.Equal(t, "value", ctx.Value(key{}))
		assert.Equal(t, "the code", code)
		assert.WithinDuration(t, time.Now(), time.Unix(v.Began, 0), time.Minute)
		v.Began = 0
		assert.Equal(t, c.Value, v)
		return nil
	}
	callback := granted("s1")
	require.NoError(t, k.Finish(ctx, c.flow, c.text, callback))
	assert.Equal(t, callback, checked)
	assert.Equal(t, callback, kept)
}

func TestCodelessFlowTakesACallbackWithoutACode(t *testing.T) {
	for code, callback := range map[string]url.Values{"": {"state": {"s1"}}, "c": {"state": {"s1"}, "code": {"c"}}} {
		c, k := begin("s1"), new(pending.Keeper)
		c.flow.Codeless = true
		c.flow.Obtain = func(_ context.Context, _ pending.Value, got string) error { assert.Equal(t, code, got); return nil }
		assert.Equal(t, pending.Invalid, kind(t, k.Finish(t.Context(), c.flow, c.text, url.Values{"state": {"s1"}, "code": {"c", "d"}})))
		assert.Equal(t, pending.MixUp, kind(t, k.Finish(t.Context(), c.flow, c.text, url.Values{"state": {"s2"}})))
		require.NoError(t, k.Finish(t.Context(), c.flow, c.text, callback))
		assert.Equal(t, pending.Used, kind(t, k.Finish(t.Context(), c.flow, c.text, callback)))
	}
}

func TestErrorOfObtainIsReturnedAndTheConsentIsOver(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	c.flow.Obtain = func(context.Context, pending.Value, string) error { return errRefused }
	assert.ErrorIs(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")), errRefused)
	assert.Equal(t, pending.Used, kind(t, k.Finish(t.Context(), c.flow, c.text, granted("s1"))), "the code may be spent")
}

// A callback that does not belong to the consent changes nothing.
func TestForeignCallbacksAreRefused(t *testing.T) {
	errCheck := errors.New("another issuer")
	for name, test := range map[string]struct {
		callback url.Values
		kind     string
	}{
		"state of another consent": {granted("s2"), pending.MixUp},
		"longer state":             {granted("s11"), pending.MixUp},
		"prefix of the state":      {granted("s"), pending.MixUp},
		"no state":                 {url.Values{"code": {"c"}}, pending.Invalid},
		"empty state":              {url.Values{"state": {""}, "code": {"c"}}, pending.Invalid},
		"state twice":              {url.Values{"state": {"s1", "s1"}, "code": {"c"}}, pending.Invalid},
		"no code":                  {url.Values{"state": {"s1"}}, pending.Invalid},
		"empty code":               {url.Values{"state": {"s1"}, "code": {""}}, pending.Invalid},
		"code twice":               {url.Values{"state": {"s1"}, "code": {"c", "d"}}, pending.Invalid},
		"nothing":                  {nil, pending.Invalid},
		"refusal of another one":   {url.Values{"state": {"s2"}, "error": {"access_denied"}}, pending.MixUp},
		"refusal without state":    {url.Values{"error": {"access_denied"}}, pending.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			c, k := begin("s1"), new(pending.Keeper)
			assert.Equal(t, test.kind, kind(t, k.Finish(t.Context(), c.flow, c.text, test.callback)))
			c.flow.Check = func(url.Values) error { return errCheck }
			assert.ErrorIs(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")), errCheck)
			c.flow.Check = nil
			assert.Zero(t, c.obtained.Load())
			require.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")), "the consent is open")
			assert.EqualValues(t, 1, c.obtained.Load())
		})
	}
}

// Check comes before Refusal: a refusal by another provider ends no consent.
func TestRefusalByAnotherProviderEndsNothing(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	errCheck := errors.New("another issuer")
	c.flow.Check = func(url.Values) error { return errCheck }
	assert.ErrorIs(t, k.Finish(t.Context(), c.flow, c.text, url.Values{"state": {"s1"}, "error": {"x"}}), errCheck)
	c.flow.Check = nil
	assert.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")))
}

func TestConsentIsFinishedOnce(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	var finished, used atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			err := k.Finish(context.Background(), c.flow, c.text, granted("s1"))
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
	assert.EqualValues(t, 99, used.Load())
	assert.EqualValues(t, 1, c.obtained.Load())
	other := begin("s2")
	assert.NoError(t, k.Finish(t.Context(), other.flow, other.text, granted("s2")), "another consent")
}

func TestRefusalEndsTheConsent(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	refused := url.Values{"state": {"s1"}, "error": {"access_denied"}, "code": {"c"}}
	for range 2 {
		assert.ErrorIs(t, k.Finish(t.Context(), c.flow, c.text, refused), errRefused)
	}
	assert.Equal(t, pending.Used, kind(t, k.Finish(t.Context(), c.flow, c.text, granted("s1"))))
	assert.Zero(t, c.obtained.Load())
}

func TestErrorOfKeepLeavesTheConsentOpen(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	errKeep := errors.New("more than one realmId")
	c.flow.Keep = func(url.Values) error { return errKeep }
	assert.ErrorIs(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")), errKeep)
	c.flow.Keep = nil
	assert.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")))
	assert.EqualValues(t, 1, c.obtained.Load())
}

func TestErrorOfBeginLeavesTheConsentOpen(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	errBegin, ended := errors.New("shut down"), 0
	c.flow.Begin = func() (func(), error) { return nil, errBegin }
	err := k.Finish(t.Context(), c.flow, c.text, granted("s1"))
	assert.ErrorIs(t, err, errBegin)
	assert.False(t, pending.Over(err))
	c.flow.Begin = func() (func(), error) { return func() { ended++ }, nil }
	assert.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")))
	assert.Equal(t, 1, ended)
}

func TestContextThatEndedBeforeObtainLeavesTheConsentOpen(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := k.Finish(ctx, c.flow, c.text, granted("s1"))
	assert.ErrorIs(t, err, context.Canceled)
	assert.False(t, pending.Over(err))
	assert.Zero(t, c.obtained.Load())
	assert.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted("s1")))
}

// The code is spent: its token must be saved, whether or not anybody still waits.
func TestObtainRunsToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, k := begin("s1"), new(pending.Keeper)
		var saved atomic.Bool
		c.flow.Obtain = func(ctx context.Context, _ pending.Value, _ string) error {
			time.Sleep(time.Hour)
			assert.NoError(t, ctx.Err())
			_, bounded := ctx.Deadline()
			assert.False(t, bounded)
			saved.Store(true)
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		assert.ErrorIs(t, k.Finish(ctx, c.flow, c.text, granted("s1")), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began), "whoever waits goes with the context")
		assert.False(t, saved.Load())
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.True(t, saved.Load())
	})
}

func TestPanicOfObtainIsAnError(t *testing.T) {
	c, k := begin("s1"), new(pending.Keeper)
	c.flow.Obtain = func(context.Context, pending.Value, string) error { panic(fmt.Sprint("holds a ", "s3cret")) }
	err := k.Finish(t.Context(), c.flow, c.text, granted("s1"))
	assert.ErrorContains(t, err, "panic of type string")
	assert.NotContains(t, fmt.Sprintf("%+v", err), "s3cret")
	assert.Equal(t, pending.Used, kind(t, k.Finish(t.Context(), c.flow, c.text, granted("s1"))))
}

// The account owner types a verifier where there is no callback. A callback with
// a state is checked all the same.
func TestStateless(t *testing.T) {
	stateless := func(is bool) func(pending.Value) bool {
		return func(v pending.Value) bool { assert.Equal(t, "s1", v.State); return is }
	}
	typed := url.Values{"code": {"typed"}}
	c, k := begin("s1"), new(pending.Keeper)
	c.flow.Stateless = stateless(false)
	assert.Equal(t, pending.Invalid, kind(t, k.Finish(t.Context(), c.flow, c.text, typed)))
	c.flow.Stateless = stateless(true)
	assert.Equal(t, pending.MixUp, kind(t, k.Finish(t.Context(), c.flow, c.text, granted("s2"))))
	require.NoError(t, k.Finish(t.Context(), c.flow, c.text, typed))
	assert.Equal(t, pending.Used, kind(t, k.Finish(t.Context(), c.flow, c.text, typed)))
}

// A consent is remembered for as long as it could be finished again, and no
// longer.
func TestKeeperForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := new(pending.Keeper)
		for i := range 100 {
			c := begin(fmt.Sprint("s", i))
			require.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted(c.State)))
		}
		assert.Equal(t, 100, k.Remembered())
		next := func(state string) {
			c := begin(state)
			require.NoError(t, k.Finish(t.Context(), c.flow, c.text, granted(state)))
		}
		time.Sleep(2 * pending.Lifetime)
		next("at the end of the time")
		assert.Equal(t, 101, k.Remembered())
		time.Sleep(time.Second)
		next("after the time")
		assert.Equal(t, 2, k.Remembered())
	})
}

// However long a consent may take, the consent is remembered for as long as a clock
// that is late accepts the consent.
func TestLongConsentIsRememberedForItsLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := new(store), new(pending.Keeper)
		c := beginIn(s, "s1")
		c.Lifetime, c.Began = pending.MaxLifetime, time.Now().Add(10*time.Minute).Unix() // by a clock that is ahead
		text, _ := json.Marshal(c.Value)
		require.NoError(t, k.Finish(t.Context(), c.flow, string(text), granted("s1")))
		for hour := 1; hour <= 25; hour++ {
			time.Sleep(time.Hour)
			want := pending.Used
			if hour == 25 {
				want = pending.Expired
			}
			for i := range 300 { // in all records, so that old claims go
				other := beginIn(s, fmt.Sprint("other", hour, "-", i))
				require.NoError(t, k.Finish(t.Context(), other.flow, other.text, granted(other.State)))
			}
			for _, k := range []*pending.Keeper{k, new(pending.Keeper)} {
				require.Equal(t, want, kind(t, k.Finish(t.Context(), c.flow, string(text), granted("s1"))), hour)
			}
			if hour < 25 {
				assert.Less(t, s.claims(t), 2*300+2, "short consents are forgotten")
			}
		}
		assert.EqualValues(t, 1, c.obtained.Load())
	})
}

// The clock of the machine where the consent began may be ahead. The consent is
// then good for longer, and remembered for as long.
func TestConsentOfAClockAheadIsFinishedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, k := begin("s1"), new(pending.Keeper)
		c.Began = time.Now().Add(pending.Lifetime).Unix()
		text, _ := json.Marshal(c.Value)
		require.NoError(t, k.Finish(t.Context(), c.flow, string(text), granted("s1")))
		for minute := 1; minute <= 25; minute++ {
			time.Sleep(time.Minute)
			other := begin(fmt.Sprint("other", minute))
			require.NoError(t, k.Finish(t.Context(), other.flow, other.text, granted(other.State)))
			want := pending.Used
			if minute > 20 {
				want = pending.Expired
			}
			assert.Equal(t, want, kind(t, k.Finish(t.Context(), c.flow, string(text), granted("s1"))), minute)
		}
		assert.EqualValues(t, 1, c.obtained.Load())
	})
}
