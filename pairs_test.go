package connectorauth_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const loginValue = "LOGIN+/%&=~4e7a" // of a Custom with Obtain

// login returns a Custom whose value comes from Obtain, and is renewed after a rejection.
func login(hosts ...string) subject {
	type credential = connectorauth.CustomCredential
	return subject{name: "login", connector: must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, value credential) error {
			req.Header.Set("X-Login", string(value.Value))
			return nil
		},
		Obtain: func(context.Context, credential, *http.Response) (credential, error) {
			return credential{Value: loginValue}, nil
		},
		Hosts: hosts,
	})), traces: []string{loginValue}}
}

// pairs returns a Join of each two subjects that have no place in common, None and a
// login among them.
func pairs(tokens http.RoundTripper, hosts ...string) (list []subject) {
	kinds := append(subjects(tokens, hosts...), login(hosts...), subject{name: "None", connector: connectorauth.None{}})
	for i, in := range []dialect.Location{dialect.InHeader, dialect.InQuery, dialect.InCookie, dialect.InBody} {
		name := map[bool]string{true: "X-Api-Key", false: "api_key"}[in == dialect.InHeader]
		key := secretKey + "-" + string(in) // each key is another one
		kinds[i].connector = must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(key), In: in, Name: name, Hosts: hosts}))
		kinds[i].traces = []string{key}
	}
	for i, a := range kinds {
		for _, b := range kinds[i+1:] {
			c, err := connectorauth.Join(a.connector, b.connector)
			if err != nil {
				continue // TestWhichKindsCannotBeJoined lists them
			}
			pair := subject{name: "Join of " + a.name + " and " + b.name, connector: c}
			for _, part := range []subject{a, b} {
				if part.traces != nil {
					pair.traces, pair.parts = append(pair.traces, part.traces...), append(pair.parts, part)
				}
			}
			list = append(list, pair)
		}
	}
	return list
}

// withPairs returns the subjects, and then their pairs.
func withPairs(tokens http.RoundTripper, hosts ...string) []subject {
	return append(subjects(tokens, hosts...), pairs(tokens, hosts...)...)
}

func TestWhichKindsCannotBeJoined(t *testing.T) {
	kinds := append(subjects(tokenEndpoint()), login(), subject{name: "None", connector: connectorauth.None{}})
	var refused []string
	for i, a := range kinds {
		for _, b := range kinds[i+1:] {
			if _, err := connectorauth.Join(a.connector, b.connector); err != nil {
				assert.ErrorContains(t, err, "two credentials for the header Authorization")
				refused = append(refused, a.name+", "+b.name)
			}
		}
	}
	assert.Equal(t, []string{"Basic, OAuth1", "Basic, OAuth2", "OAuth1, OAuth2"}, refused)
	assert.Len(t, pairs(tokenEndpoint()), len(kinds)*(len(kinds)-1)/2-len(refused))
}

// After a rejection, each pair with a part that can be renewed is sent once more, with
// both credentials and the same body; a pair without such a part is not.
func TestPairsAreReplayedOnceIfAPartCanBeRenewed(t *testing.T) {
	for _, rejections := range []int{1, 2} {
		for i := range pairs(tokenEndpoint()) {
			s := pairs(tokenEndpoint())[i] // a pair of its own: what is known of a rejection lasts for a minute
			t.Run(fmt.Sprint(s.name, "/", rejections), func(t *testing.T) {
				base := &fakehttp.Base{}
				left := rejections
				base.Answer = func(*http.Request) (*http.Response, error) {
					if left--; left >= 0 {
						return fakehttp.Respond(http.StatusUnauthorized, "rejected"), nil
					}
					return fakehttp.Respond(http.StatusOK, "welcome"), nil
				}
				renewable := strings.Contains(s.name, "OAuth2") || strings.Contains(s.name, "login")
				var sent fakehttp.Bodies
				resp, err := s.connector.Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, home, "application/json", `{"a":1}`, true))
				status, _ := read(t, resp, err)
				sent.RequireClosedOnce(t)
				out := base.Requests()
				if !renewable {
					assert.Equal(t, http.StatusUnauthorized, status)
					require.Len(t, out, 1)
					return
				}
				require.Len(t, out, 2)
				assert.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[rejections == 1], status)
				for _, req := range out {
					assert.True(t, s.carries(req.String()), "%v", req)
					assert.Equal(t, out[0].Body, req.Body)
					assert.EqualValues(t, len(req.Body), req.ContentLength)
				}
			})
		}
	}
}

// A part whose credential cannot be had keeps the request, with the credential of the
// other part, from going out.
func TestPairsWhosePartFailsSendNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := &fakehttp.Base{Answer: fakehttp.Statuses(500)}
		for _, s := range pairs(failing) {
			if !strings.Contains(s.name, "OAuth2") {
				continue
			}
			base := &fakehttp.Base{}
			var sent fakehttp.Bodies
			_, err := s.connector.Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, home, "application/json", `{"a":1}`, true))
			require.Error(t, err, s.name)
			assert.Empty(t, canary.Found(err.Error(), s.traces...), s.name)
			assert.Empty(t, base.Requests(), s.name)
			sent.RequireClosedOnce(t)
		}
		synctest.Wait()
	})
}

// through marks the requests that a Transport of a connector sends.
type through struct{ http.RoundTripper }

func (t through) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("X-Through", "certificate")
	return t.RoundTripper.RoundTrip(req)
}

// A client certificate belongs to a connection. With each other kind, the certificate's
// Transport sends the requests with credentials, and no others.
func TestCertificateJoinsEachKind(t *testing.T) {
	n := fakehttp.NewInternet(t)
	own := n.Transport.Clone()
	own.TLSClientConfig.Certificates = []tls.Certificate{}
	t.Cleanup(own.CloseIdleConnections)
	certificate := must(connectorauth.NewCustom(connectorauth.CustomConfig{Transport: through{own}}))
	n.Redirect(307, home+"/start", home+"/next", foreign+"/end")
	for _, s := range append(subjects(tokenEndpoint()), login()) {
		for _, c := range []connectorauth.Connector{must(connectorauth.Join(certificate, s.connector)), must(connectorauth.Join(s.connector, certificate))} {
			n.Trail = nil
			visit(t, n, c, home+"/start")
			require.Len(t, n.Trail, 3, s.name)
			for i, hop := range n.Trail {
				assert.Equal(t, i < 2, hop.Header.Get("X-Through") == "certificate", "%s %d", s.name, i)
				assert.Equal(t, i < 2, s.carries(hop.String()), "%s %d", s.name, i)
			}
		}
	}
	_, err := connectorauth.Join(certificate, certificate)
	require.ErrorContains(t, err, "two credentials for the connection")
	c := must(connectorauth.Join(certificate, connectorauth.None{}))
	n.Trail = nil
	visit(t, n, c, home+"/start")
	assert.Equal(t, []string{"certificate", "certificate", ""}, []string{n.Trail[0].Header.Get("X-Through"), n.Trail[1].Header.Get("X-Through"), n.Trail[2].Header.Get("X-Through")})
}

// A program that joins three connectors learns which of them to change, and that no
// request would reach any host.
func TestJoinNamesTheConnectorsThatConflict(t *testing.T) {
	at := func(name string, hosts ...string) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: name, Hosts: hosts}))
	}
	_, err := connectorauth.Join(at("X-A"), at(""), connectorauth.None{}, must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u"})))
	require.ErrorContains(t, err, "two credentials for the header Authorization, from connectors 1 and 3: remove one, or choose another place for one")
	for _, hosts := range [][2]string{
		{"a.example.com", "b.example.com"}, {"a.example.com", "http://a.example.com"}, {"a.example.com", "a.example.com:8443"},
		{"*.example.com", "example.com"}, {"*.a.example.com", "*.b.example.com"}, {"*.example.com", "a.example.com:8443"},
	} {
		_, err := connectorauth.Join(at("X-A", hosts[0]), connectorauth.None{}, at("X-B"), at("X-C", hosts[1]))
		require.ErrorContains(t, err, "connectors 0 and 3: no host is among the Hosts of both", hosts)
	}
	for _, hosts := range [][2]string{
		{"a.example.com", "https://A.example.com:443"}, {"*.example.com", "a.example.com"}, {"*.example.com", "*.a.example.com"}, {"*.example.com", "*.example.com"},
	} {
		_, err := connectorauth.Join(at("X-A", hosts[0], "x.example"), at("X-B", "y.example", hosts[1]))
		require.NoError(t, err, hosts)
	}
	_, err = connectorauth.Join(must(connectorauth.Join(at("X-A"), at("X-B", "a.example.com"))), at("X-C", "b.example.com"))
	require.ErrorContains(t, err, "connectors 0 and 1: no host")
}
