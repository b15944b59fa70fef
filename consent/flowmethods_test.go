package consent

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

// namedFlow is a Flow that knows its authorization server, and why Finish fails.
type namedFlow struct {
	fakeFlow
	failure error
}

func (*namedFlow) CallbackName() string { return "acme" }

func (*namedFlow) ServiceName() string { return "Acme" + strings.Repeat("!", 100) }

func (f *namedFlow) Finish(context.Context, connectorauth.Secret, url.Values) error { return f.failure }

// refusal is an error of Finish with a reason.
type refusal struct {
	error
	reason Reason
}

func (r refusal) ConsentReason() string { return string(r.reason) }

func TestFlowNamesItsAuthorizationServerAndItsFailure(t *testing.T) {
	flow := new(namedFlow)
	h := newFakeHandler(t, flow)
	finish := func(name string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/connect/callback/"+name+"?code=c&state=the-state", nil)
		for _, c := range begin(h).Result().Cookies() {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := finish("acme")
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "Your Acme"+strings.Repeat("!", 59)+"… account is connected")
	require.Equal(t, http.StatusBadRequest, finish("fake").Code, "the name of the connector")
	for reason, status := range map[Reason]int{ReasonUnusable: 403, ReasonMixUp: 400} {
		flow.failure = refusal{errors.New("refused"), reason}
		require.Equal(t, status, finish("acme").Code, reason)
	}
	flow.failure = refusal{errors.New("refused"), "made-up"}
	require.Equal(t, http.StatusServiceUnavailable, finish("acme").Code)
	require.NotContains(t, finish("acme").Body.String(), "made-up")
}
