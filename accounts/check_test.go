package accounts_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTestSaysWhetherAnAccountWorks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		for _, step := range []struct {
			response int
			status   accounts.Status
			reason   definition.CheckReason
		}{
			{401, accounts.StatusReauthRequired, definition.ReasonRefused},
			{401, accounts.StatusReauthRequired, definition.ReasonRefused},
			{503, accounts.StatusFailing, definition.ReasonUnavailable},
			{403, accounts.StatusFailing, definition.ReasonForbidden},
			{0, accounts.StatusOK, ""},
			{404, accounts.StatusFailing, definition.ReasonNotFound},
		} {
			time.Sleep(time.Hour)
			before := a
			if step.response != 0 {
				w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(step.response, nil, ""))
			}
			var err error
			a, err = r.Test(t.Context(), a.ID)
			assert.Equal(t, step.response == 0, err == nil)
			assert.Equal(t, step.status, a.Status)
			assert.Equal(t, step.reason, a.Reason)
			assert.Equal(t, err == nil, a.Error == "")
			assert.Equal(t, time.Now().UTC(), a.Tested)
			assert.Equal(t, before.Status != a.Status, a.Since.Equal(a.Tested), "Since changes with the status alone")
			assert.Equal(t, "ada", a.Identity)
			kept, err := r.Get(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, kept, a)
		}
	})
}

// A service that refuses even a new token wants the account owner. A token endpoint that is out
// of order does not.
func TestTestWithATokenThatTheServiceRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		w.p.Inject(w.p.BearerURL, authtest.Always, authtest.Answer(401, nil, ""))
		for _, step := range []struct {
			endpoint int // the status of the token endpoint; 0 means that the endpoint works
			status   accounts.Status
			reason   definition.CheckReason
		}{
			{503, accounts.StatusFailing, definition.ReasonUnavailable},
			{0, accounts.StatusReauthRequired, definition.ReasonRefused},
		} {
			if step.endpoint != 0 {
				w.p.Inject(w.p.TokenURL, 1, authtest.Answer(step.endpoint, nil, ""))
			}
			a, err := r.Test(t.Context(), a.ID)
			require.Error(t, err)
			assert.Equal(t, step.status, a.Status)
			assert.Equal(t, step.reason, a.Reason)
			time.Sleep(10 * time.Minute)
		}
	})
}

// A caller who leaves, and a program that ends, say nothing about the account.
func TestTestThatEndsEarlyChangesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		b := w.withConsent(r)
		w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Delay(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Test(ctx, a.ID)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(2 * time.Hour) // the token has expired
		require.NoError(t, r.Shutdown(t.Context()))
		_, err = r.Test(t.Context(), b.ID)
		assert.ErrorIs(t, err, connectorauth.ErrShutdown)
		for _, before := range []accounts.Account{a, b} {
			after, err := r.Get(t.Context(), before.ID)
			require.NoError(t, err)
			assert.Equal(t, before, after)
		}
	})
}

func TestTestOfAnotherIdentity(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		w.user = "eve"
		a, err := r.Test(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrOtherIdentity)
		assert.Equal(t, accounts.StatusReauthRequired, a.Status)
		assert.Equal(t, "ada", a.Identity)
	})
}

func TestWithoutATestTheTokenTells(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		without, _, _ := strings.Cut(document, `,
	"test"`)
		w.define(without + "}")
		r := w.process()
		a := w.withConsent(r)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.Zero(t, a.Tested)
		require.NoError(t, w.store.Delete(t.Context(), a.ID+"/1"))
		a, err := w.process().Test(t.Context(), a.ID)
		assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
		assert.Equal(t, accounts.StatusReauthRequired, a.Status)
	})
}

// What requests find out is in the Index without a Test.
func TestRequestsChangeTheStatus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var events []connectorauth.Event
		w.config.Observe = func(e connectorauth.Event) { events = append(events, e) }
		r := w.process()
		a := w.withConsent(r)
		status := func() (accounts.Status, definition.CheckReason) {
			synctest.Wait()
			b, err := r.Get(t.Context(), a.ID)
			require.NoError(t, err)
			return b.Status, b.Reason
		}
		request := func() error {
			client, err := r.Client(t.Context(), a.ID)
			require.NoError(t, err)
			resp, err := client.Get(w.p.BearerURL)
			if err == nil {
				resp.Body.Close()
			}
			return err
		}
		require.NoError(t, request())
		time.Sleep(2 * time.Hour)
		w.p.Inject(w.p.TokenURL, 1, authtest.Answer(503, nil, ""))
		require.Error(t, request())
		s, reason := status()
		assert.Equal(t, accounts.StatusFailing, s)
		assert.Equal(t, definition.ReasonUnavailable, reason)

		time.Sleep(time.Hour)
		require.NoError(t, request())
		s, reason = status()
		assert.Equal(t, accounts.StatusOK, s)
		assert.Empty(t, reason)

		w.p.RevokeGrants()
		time.Sleep(2 * time.Hour)
		require.ErrorIs(t, request(), connectorauth.ErrReauthRequired)
		s, reason = status()
		assert.Equal(t, accounts.StatusReauthRequired, s)
		assert.Equal(t, definition.ReasonRefused, reason)

		_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		require.NoError(t, w.consent(r, a.ID))
		s, _ = status()
		assert.Equal(t, accounts.StatusOK, s)
		require.NoError(t, request())
		for _, e := range events {
			assert.Equal(t, a.ID, e.Account)
		}
		assert.NotEmpty(t, events)
		require.NoError(t, r.Shutdown(t.Context()))
	})
}

// A slow index waits for nobody's renewal, and Shutdown waits for a slow index.
func TestShutdownWaitsForTheIndex(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		slow := &slowIndex{Index: w.index}
		w.config.Index = slow
		r := w.process()
		a := w.withConsent(r)
		client, err := r.Client(t.Context(), a.ID)
		require.NoError(t, err)
		w.p.RevokeGrants()
		time.Sleep(2 * time.Hour)
		slow.delay = 5 * time.Second
		at := time.Now()
		_, err = client.Get(w.p.BearerURL)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Zero(t, time.Since(at), "the request has waited for the index")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, r.Shutdown(ctx), context.DeadlineExceeded)
		require.NoError(t, r.Shutdown(t.Context()))
		b, _, err := w.index.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusReauthRequired, b.Status)
	})
}

// A slowIndex writes after a delay, or fails if its context has ended by then.
type slowIndex struct {
	accounts.Index
	delay time.Duration
}

func (s *slowIndex) Put(ctx context.Context, a accounts.Account) (bool, error) {
	select {
	case <-time.After(s.delay):
		return s.Index.Put(ctx, a)
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
