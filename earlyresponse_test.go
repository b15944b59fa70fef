package connectorauth_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lookingProof looks at the request of each response.
type lookingProof struct{ look func(*http.Response) }

func (lookingProof) TokenTypes() []string                          { return []string{"Bearer"} }
func (lookingProof) Bind(connectorauth.Secret) (url.Values, error) { return nil, nil }
func (lookingProof) NewKey() (connectorauth.Secret, error)         { return "proof-key", nil }
func (lookingProof) Prove(*http.Request, connectorauth.Secret, connectorauth.Secret) error {
	return nil
}
func (p lookingProof) Again(resp *http.Response) bool { p.look(resp); return false }

// trailing is a body whose reader sets a trailer, as net/http lets a caller do.
type trailing struct {
	io.Reader
	trailer http.Header
}

func (b trailing) Read(p []byte) (int, error) {
	b.trailer.Set("X-Checksum", "late")
	return b.Reader.Read(p)
}

func (trailing) Close() error { return nil }

// A service may respond before it has read the body, and the base then goes on with the
// body. Code that looks at the response must not look at the trailer, which the caller sets
// meanwhile: maps that are read and written at once end a program.
func TestResponseBeforeTheEndOfTheBodyLeavesTheTrailerAlone(t *testing.T) {
	looks := 0
	look := func(resp *http.Response) {
		looks++
		assert.Nil(t, resp.Request.Trailer)
	}
	for name, c := range map[string]connectorauth.Connector{
		"Proof": must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: providerURL + "/token", Grant: connectorauth.ClientCredentials{},
			Proof: lookingProof{look}, HTTPClient: &http.Client{Transport: tokenEndpoint()},
		})),
		"Custom": must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
			Rejected:     func(resp *http.Response) bool { look(resp); return false },
			Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
				return connectorauth.CustomCredential{Value: "value"}, nil
			},
		})),
	} {
		t.Run(name, func(t *testing.T) {
			looks = 0
			req := must(http.NewRequest(http.MethodPost, home, nil))
			req.Trailer = http.Header{"X-Checksum": nil}
			req.Body = trailing{strings.NewReader("body"), req.Trailer}
			read := make(chan struct{})
			base := fakehttp.RoundTripper(func(out *http.Request) (*http.Response, error) {
				go func() {
					defer close(read)
					_, err := io.Copy(io.Discard, out.Body)
					assert.NoError(t, err)
				}()
				return fakehttp.Respond(200, ""), nil
			})
			_, err := c.Wrap(base).RoundTrip(req)
			require.NoError(t, err)
			<-read
			assert.Positive(t, looks)
			assert.Equal(t, "late", req.Trailer.Get("X-Checksum"))
		})
	}
}
