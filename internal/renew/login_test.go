package renew_test

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A login that is refused must not cost the token of the right login, and is not
// tried for each connector.
func TestChangedLogin(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		right := &provider{life: 1000 * time.Hour, free: true, login: "right"}
		store, inner := open(nil)
		assert.Equal(t, 1, got(t, newEngine(right, store)))
		wrong := &loginRefused{&provider{free: true, login: "wrong", before: always(errDead)}}
		began := time.Now()
		for time.Since(began) < 10*time.Hour {
			_, err := newEngine(wrong, store).Get(t.Context())
			require.ErrorIs(t, err, errDead)
			assert.Equal(t, 1, got(t, newEngine(right, store)))
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 1, right.count())
		assert.LessOrEqual(t, wrong.count(), 5, "after one hour, two, four")
		assert.GreaterOrEqual(t, wrong.count(), 4)
		assert.Equal(t, 1, inner.n(t))

		changed := &provider{life: time.Hour, free: true, login: "changed", last: 6}
		assert.Equal(t, 7, got(t, newEngine(changed, store)), "before the stored value is used")
		assert.Equal(t, []int{0}, changed.tried)
	})
}

// loginRefused is a provider that refuses logins.
type loginRefused struct{ *provider }

func (l *loginRefused) Verdict(err error) renew.Verdict {
	v := l.provider.Verdict(err)
	v.Retry = v.Kind == renew.Dead
	return v
}

func TestLoginIsSaltedAndComputedOnce(t *testing.T) {
	a, b := &renew.Login{Secret: "password"}, &renew.Login{Secret: "password"}
	stored, same := a.Match("")
	assert.True(t, same, "nothing is known")
	other, _ := b.Match("")
	assert.NotEqual(t, stored, other)
	again, same := b.Match(stored)
	assert.True(t, same)
	assert.Equal(t, stored, again)
	wrong, same := (&renew.Login{Secret: "Password"}).Match(stored)
	assert.False(t, same)
	assert.NotEqual(t, stored, wrong)
	assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { b.Match(stored) }), 3.0, "no hash")
	_, same = a.Match("damaged")
	assert.False(t, same)
	login, same := (*renew.Login)(nil).Match("")
	assert.Empty(t, login)
	assert.True(t, same)
}

// The hash is what other implementations of PBKDF2 (RFC 8018 section 5.2) make of the
// password with HMAC-SHA-256 and 100,000 rounds: fewer rounds would be guessed sooner,
// and any other number would forget the records of former programs.
func TestLoginIsPBKDF2(t *testing.T) {
	const stored = "MDEyMzQ1Njc4OWFiY2RlZg.p1GQp5LNWdbZyMOmOxHCdq1EmXK3iG4cLYGcKGBTNm8"
	login, same := (&renew.Login{Secret: "password"}).Match(stored)
	assert.True(t, same)
	assert.Equal(t, stored, login)
}
