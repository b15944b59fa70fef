package consent

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stateFlow is a Flow whose consents have this state and pending value.
type stateFlow struct {
	state   int
	pending connectorauth.Secret
}

func (f *stateFlow) Begin(context.Context, string) (string, connectorauth.Secret, error) {
	return fmt.Sprintf("https://provider.example/authorize?state=state-%d", f.state), f.pending, nil
}

func (*stateFlow) Finish(context.Context, connectorauth.Secret, url.Values) error { return nil }

// start starts a consent in a browser that has these cookies, and returns the new cookie and the
// names of the cookies that the browser is told to delete.
func start(t *testing.T, h *Handler, has []*http.Cookie) (set *http.Cookie, deleted []string) {
	t.Helper()
	r := httptest.NewRequest("GET", "/connect/start?connector=fake", nil)
	for _, c := range has {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusSeeOther, w.Code)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			deleted = append(deleted, c.Name)
		} else {
			set = c
		}
	}
	return set, deleted
}

// The ninth consent takes the room of the consent that began first, wherever the browser sends the
// cookie. A consent that begins again with the same state needs no more room.
func TestOldestConsentMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := new(stateFlow)
		h := newFakeHandler(t, flow)
		var cookies []*http.Cookie
		for flow.state = range maxConsents {
			cookie, deleted := start(t, h, cookies)
			require.Empty(t, deleted)
			cookies = append(cookies, cookie)
			time.Sleep(10 * time.Second)
		}
		first := cookies[0].Name
		slices.Reverse(cookies)
		again, deleted := start(t, h, cookies)
		assert.Equal(t, cookies[0].Name, again.Name)
		assert.Empty(t, deleted)
		flow.state++
		_, deleted = start(t, h, cookies)
		assert.Equal(t, []string{first}, deleted)
	})
}

// Browsers drop a cookie whose name and value are longer than 4096 bytes together.
func TestCookieThatBrowsersDropIsNotSet(t *testing.T) {
	flow := new(stateFlow)
	h := newFakeHandler(t, flow)
	longest, refused := 0, 0
	for n := 2700; n < 3050; n++ {
		flow.pending = connectorauth.Secret(strings.Repeat("p", n))
		w := begin(h)
		if w.Code != http.StatusSeeOther {
			refused++
			continue
		}
		cookie := w.Result().Cookies()[0]
		longest = max(longest, len(cookie.Name)+len(cookie.Value))
	}
	assert.LessOrEqual(t, longest, 4096)
	assert.Greater(t, longest, 4096-4)
	assert.Positive(t, refused)
}
