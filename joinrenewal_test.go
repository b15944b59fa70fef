package connectorauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answering returns a connector whose Challenge returns err.
func answering(err error) connectorauth.Connector {
	return must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
		Challenge:    func(context.Context, *http.Response) error { return err },
	}))
}

func TestJoinSaysWhyARejectedRequestIsNotSentAgain(t *testing.T) {
	failure := errors.New("not now")
	for want, test := range map[string]struct {
		list   []connectorauth.Connector
		stream bool
	}{
		"the body of the request cannot be sent again": {[]connectorauth.Connector{answering(nil), answering(failure)}, true},
		"not now": {[]connectorauth.Connector{answering(failure), answering(failure)}, false},
	} {
		var body io.Reader
		if test.stream {
			body = io.MultiReader(strings.NewReader("a stream"))
		}
		base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) { return fakehttp.Respond(401, ""), nil }}
		resp, err := must(connectorauth.Join(test.list...)).Wrap(base).RoundTrip(must(http.NewRequest(http.MethodPost, home, body)))
		require.NoError(t, err)
		resp.Body.Close()
		assert.ErrorContains(t, connectorauth.RenewalError(resp), want)
		assert.Len(t, base.Requests(), 1)
	}
}

func TestJoinPrefersAReasonToACredentialThatCannotBeRenewed(t *testing.T) {
	c := connectorauth.WithHooks(must(connectorauth.Join(headerKey("X-Key"), answering(errors.New("not now")))), connectorauth.Hooks{
		AfterResponse: func(*connectorauth.Exchange) error { return connectorauth.ErrCredentialRejected },
	})
	_, err := c.Wrap(new(fakehttp.Base)).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.ErrorIs(t, err, connectorauth.ErrCredentialRejected)
	assert.ErrorContains(t, err, "not now")
}
