package consent

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

// longFlow is a fakeFlow whose account owner may take this long.
type longFlow struct {
	fakeFlow
	lifetime time.Duration
}

func (f *longFlow) ConsentLifetime() time.Duration { return f.lifetime }

var (
	_ longLived = (*connectorauth.OAuth2)(nil)
	_ longLived = (*connectorauth.OAuth1)(nil)
)

func TestConsentTakesAsLongAsItsConnectorAllows(t *testing.T) {
	for lifetime, want := range map[time.Duration]time.Duration{
		0: 10 * time.Minute, time.Minute: time.Minute, 24 * time.Hour: 24 * time.Hour,
		-1: 10 * time.Minute, 1000 * time.Hour: 24 * time.Hour, // of a foreign Flow
	} {
		synctest.Test(t, func(t *testing.T) {
			flow := &longFlow{lifetime: lifetime}
			h := newFakeHandler(t, flow)
			require.Equal(t, http.StatusOK, roundTrip(h, want-time.Second).Code, lifetime)
			require.Equal(t, 1, flow.finished)
			require.Equal(t, http.StatusGone, roundTrip(h, want+2*time.Second).Code, lifetime)
			require.Equal(t, 1, flow.finished)
		})
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			err := Loopback(t.Context(), &longFlow{lifetime: lifetime}, LoopbackOptions{
				RedirectURL: "com.example.app:/callback", In: silent(t), Out: io.Discard, Open: func(string) error { return nil },
			})
			var failed *Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, ReasonExpired, failed.Reason)
			require.ErrorContains(t, err, want.String())
			require.Equal(t, want, time.Since(began))
		})
	}
}

// The browser keeps the cookie for longer than the consent may take, so that a late
// callback is told what is wrong.
func TestCookieOutlivesItsConsent(t *testing.T) {
	for _, lifetime := range []time.Duration{time.Minute, 24 * time.Hour} {
		h := newFakeHandler(t, &longFlow{lifetime: lifetime})
		cookies := begin(h).Result().Cookies()
		require.Len(t, cookies, 1)
		require.Greater(t, time.Duration(cookies[0].MaxAge)*time.Second, lifetime+10*time.Minute)
		require.Less(t, time.Duration(cookies[0].MaxAge)*time.Second, lifetime+2*time.Hour)
	}
}

// silent returns a terminal at which nobody pastes.
func silent(t *testing.T) io.Reader {
	in, paste := io.Pipe()
	t.Cleanup(func() { paste.Close() })
	return in
}
