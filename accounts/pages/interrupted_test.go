package pages_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A database that has not replied in time is a fault of the program: the person has waited for the
// response.
func TestTimeoutsOfTheProgramAreToldToTheProgram(t *testing.T) {
	for _, late := range []error{context.DeadlineExceeded, context.Canceled} {
		late := fmt.Errorf("the database: %w", late)
		a := newApp(t)
		b := a.browser("o1")
		account := b.withConsent()
		_, again := b.json("POST", "accounts/"+account.ID+"/reconnect", map[string]any{})
		key := map[string]any{"service": "acme", "values": map[string]string{"apiKey": "CANARY-key"}}
		form := with(fields(t, b.get("connect?service=acme").body), "v.apiKey", "CANARY-key")
		told := func(name string, status int, body string) {
			t.Helper()
			assert.Equal(t, http.StatusInternalServerError, status, name)
			assert.NotContains(t, body, "database")
			require.NotEmpty(t, a.failed, name)
			for _, err := range a.failed {
				assert.ErrorIs(t, err, late)
			}
			a.failed = nil
		}
		a.connection = func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{}, late
		}
		r := b.post("connect", form)
		told("a form", r.StatusCode, r.body)
		status, got := b.json("POST", "accounts", key)
		told("the API", status, text(t, got))
		assert.Equal(t, "internal", got["reason"])
		status, got = b.json("POST", "accounts/"+account.ID+"/test", map[string]any{})
		told("a test", status, text(t, got))
		r = b.get(again["consent"].(string))
		told("the start of a consent", r.StatusCode, r.body)

		a.connection = nil
		callback := b.consentOf(account.ID)
		a.index.putErr = late
		r = b.get(callback)
		assert.Contains(t, r.body, "could not be saved")
		told("the end of a consent", http.StatusInternalServerError, r.body)
		a.index.putErr, a.index.err = nil, late
		r = b.get("account?id=" + account.ID)
		told("a page", r.StatusCode, r.body)
	}
}

// A store that cannot be reached at the end of a consent is no fault of the service or the account.
func TestConsentWhoseStoreCannotBeReached(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	callback := b.consentOf(b.waiting())
	unreachable := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	a.index.putErr = unreachable
	r := b.get(callback)
	assert.Equal(t, http.StatusServiceUnavailable, r.StatusCode)
	assert.Contains(t, r.body, "could not be saved")
	require.Len(t, a.failed, 1)
	assert.ErrorIs(t, a.failed[0], unreachable)
}

// A request that has ended, or a program that ends, is no fault. A fault is one also if the person
// has left.
func TestRequestsThatAreInterrupted(t *testing.T) {
	for name, test := range map[string]struct {
		wait func(ctx context.Context, leave func())
		err  error // of Connection
		told int   // errors
	}{
		"the person has left": {func(_ context.Context, leave func()) { leave() }, context.Canceled, 0},
		"too late":            {func(ctx context.Context, _ func()) { <-ctx.Done() }, context.DeadlineExceeded, 0},
		"the program ends":    {func(context.Context, func()) {}, connectorauth.ErrShutdown, 0},
		"a fault":             {func(_ context.Context, leave func()) { leave() }, errors.New("the table is gone"), 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, leave := context.WithTimeout(t.Context(), time.Minute)
			defer leave()
			d := newDesk(t, func(accounts.Account) (definition.Connection, error) {
				test.wait(ctx, leave)
				return definition.Connection{}, fmt.Errorf("the database: %w", test.err)
			})
			r := httptest.NewRequestWithContext(ctx, "POST", "https://app.example/a/api/accounts", strings.NewReader(`{"service": "acme", "method": "free"}`))
			r.Header.Set("User", "o1")
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			d.handler.ServeHTTP(w, r)
			assert.Equal(t, test.told == 0, w.Code == http.StatusServiceUnavailable, name)
			assert.Equal(t, test.told == 0, strings.Contains(w.Body.String(), `"reason":"interrupted"`), name)
			assert.Len(t, d.failed, test.told, name)
			assert.Len(t, d.asked, 1, name)
		})
	}
}
