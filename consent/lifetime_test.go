package consent

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

func TestConsentExpiresAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := new(fakeFlow)
		h := newFakeHandler(t, flow)
		require.Equal(t, http.StatusOK, roundTrip(h, 9*time.Minute+59*time.Second).Code)
		require.Equal(t, 1, flow.finished)
		late := roundTrip(h, 10*time.Minute+2*time.Second)
		require.Equal(t, http.StatusGone, late.Code)
		require.Contains(t, late.Body.String(), "The connection took too long")
		require.Equal(t, 1, flow.finished)
	})
}

// A form is good for a minute, and for as long as the clocks of two processes may
// differ: another process may have taken the form.
func TestLifeOfAForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFakeHandler(t, new(fakeFlow))
		query := func(came time.Duration) string {
			sealed, err := h.sealer.seal(h.callbackURL("fake"), form{time.Now().Add(came).Unix(), "code=c&state=s"})
			require.NoError(t, err)
			return formParameter + "=" + sealed
		}
		for came, good := range map[time.Duration]bool{
			0: true, -time.Minute: true, -10*time.Minute - 58*time.Second: true, -11*time.Minute - 2*time.Second: false,
			9*time.Minute + 58*time.Second: true, 10*time.Minute + 2*time.Second: false,
		} {
			opened, err := h.opened(query(came), "fake")
			require.Equal(t, good, err == nil, "%v: %v", came, err)
			status := http.StatusForbidden // the browser has no cookie
			if good {
				require.Equal(t, "code=c&state=s", opened)
			} else {
				status = http.StatusBadRequest
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", h.callbackURL("fake")+"?"+query(came), nil))
			require.Equal(t, status, w.Code, came)
		}
	})
}

func TestFinishOutlivesTheRequest(t *testing.T) {
	h := newFakeHandler(t, nil)
	rec := record{Callback: "name", Began: time.Now().Unix()}
	ctx, cancel := context.WithCancel(t.Context())
	h.config.Flow = func(*http.Request, string) (Flow, error) {
		return flowFunc(func(ctx context.Context) error { cancel(); return ctx.Err() }), nil
	}
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	failed, over := h.complete(r, rec, "name", nil)
	require.Nil(t, failed)
	require.True(t, over)
}

// flowFunc is a Flow with this function as Finish.
type flowFunc func(context.Context) error

func (flowFunc) Begin(context.Context, string) (string, connectorauth.Secret, error) {
	return "https://provider.example/?state=s", "pending", nil
}

func (f flowFunc) Finish(ctx context.Context, _ connectorauth.Secret, _ url.Values) error {
	return f(ctx)
}
