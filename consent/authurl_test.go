package consent

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

func TestUnusableAuthorizationURLsFailTheStart(t *testing.T) {
	for name, authURL := range map[string]string{
		"no state": "https://provider.example/", "malformed": "https://provider.example/%zz",
		"long": "https://provider.example/?state=s",
	} {
		h := newFakeHandler(t, authURLFlow{authURL, name == "long"})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/connect/start", nil))
		require.Equal(t, http.StatusInternalServerError, w.Code, name)
		require.Empty(t, w.Result().Cookies())
	}
}

type authURLFlow struct {
	authURL string
	long    bool
}

func (f authURLFlow) Begin(context.Context, string) (string, connectorauth.Secret, error) {
	if f.long {
		return f.authURL, connectorauth.Secret(strings.Repeat("x", 4000)), nil
	}
	return f.authURL, "pending", nil
}

func (authURLFlow) Finish(context.Context, connectorauth.Secret, url.Values) error { return nil }
