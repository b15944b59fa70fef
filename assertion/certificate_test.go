package assertion_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secured starts a server that asks for a client certificate and tells how many came.
func secured(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	return securedBy(t, true, handler)
}

func securedBy(t *testing.T, http2 bool, handler http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots
}

// own is a certificate that the client has signed for itself.
func own(t *testing.T) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{certify(t, privates["P-256"]).Raw}, PrivateKey: privates["P-256"]}
}

func TestCertificateAtTheTokenEndpointAndTheAPI(t *testing.T) {
	var certified []string
	server, roots := secured(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 1 {
			certified = append(certified, r.URL.Path+" "+r.Header.Get("Authorization"))
		}
		r.ParseForm()
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"access_token":"bound-to-`+r.PostForm.Get("client_id")+`","token_type":"Bearer"}`)
		}
	})
	certificate := own(t)
	transport, err := assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) { return certificate, nil }, RootCAs: roots,
	})
	require.NoError(t, err)
	t.Cleanup(transport.CloseIdleConnections)
	token, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "app", TokenURL: server.URL + "/token", Grant: connectorauth.ClientCredentials{},
		ClientAuth: connectorauth.ClientAuthTLS, HTTPClient: &http.Client{Transport: transport},
	})
	require.NoError(t, err)
	bound, err := transport.Connector(server.URL)
	require.NoError(t, err)
	c, err := connectorauth.Join(token, bound)
	require.NoError(t, err)
	resp, err := connectorauth.NewClient(c, nil).Get(server.URL + "/api")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 2, resp.ProtoMajor)
	assert.Equal(t, []string{"/token ", "/api Bearer bound-to-app"}, certified)
}

func TestCertificateStaysAtItsHosts(t *testing.T) {
	seen := map[string]int{}
	handler := func(to *string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			seen[r.URL.Path] = len(r.TLS.PeerCertificates)
			if to != nil {
				http.Redirect(w, r, *to, http.StatusFound)
			}
		}
	}
	foreign, foreignRoots := secured(t, handler(nil))
	elsewhere := foreign.URL + "/elsewhere"
	home, roots := secured(t, handler(&elsewhere))
	certificate := own(t)
	transport := must(assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) { return certificate, nil }, RootCAs: roots,
	}))
	t.Cleanup(transport.CloseIdleConnections)
	plain := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: foreignRoots}}
	t.Cleanup(plain.CloseIdleConnections)
	client := connectorauth.NewClient(must(transport.Connector(home.URL)), &http.Client{Transport: plain})
	resp, err := client.Get(home.URL + "/home")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, map[string]int{"/home": 1, "/elsewhere": 0}, seen)
	_, err = client.Get(foreign.URL)
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
}

func TestServerIsAlwaysVerified(t *testing.T) {
	server, _ := secured(t, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })
	certificate := own(t)
	transport := must(assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) { return certificate, nil },
	}))
	_, err := connectorauth.NewClient(must(transport.Connector()), nil).Get(server.URL)
	assert.ErrorContains(t, err, "certificate")
}

func TestCertificateThatIsMissing(t *testing.T) {
	server, roots := secured(t, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })
	errFile := errors.New("no such file")
	for want, get := range map[string]func(context.Context) (*tls.Certificate, error){
		"no such file":       func(context.Context) (*tls.Certificate, error) { return nil, errFile },
		"has no private key": func(context.Context) (*tls.Certificate, error) { return new(tls.Certificate), nil },
	} {
		transport := must(assertion.NewCertificateTransport(assertion.CertificateConfig{Certificate: get, RootCAs: roots}))
		_, err := connectorauth.NewClient(must(transport.Connector()), nil).Get(server.URL)
		assert.ErrorContains(t, err, want)
		_, err = connectorauth.NewClient(must(transport.Connector()), nil).Get("http://127.0.0.1:1/")
		assert.ErrorContains(t, err, "needs https")
	}
}

func TestCertificateConfigIsChecked(t *testing.T) {
	get := func(context.Context) (*tls.Certificate, error) { return nil, nil }
	for want, config := range map[string]assertion.CertificateConfig{
		"Certificate: is nil":              {},
		"Base: does not verify the server": {Certificate: get, Base: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}},
		"Base: dials TLS itself":           {Certificate: get, Base: &http.Transport{DialTLSContext: (&tls.Dialer{}).DialContext}},
	} {
		_, err := assertion.NewCertificateTransport(config)
		assert.ErrorContains(t, err, want)
	}
	transport := must(assertion.NewCertificateTransport(assertion.CertificateConfig{Certificate: get}))
	one, two := must(transport.Connector()), must(transport.Connector())
	_, err := connectorauth.Join(one, two)
	assert.ErrorContains(t, err, "two credentials for the connection")
	for want, config := range map[string]connectorauth.OAuth2Config{
		"sends no ClientSecret":           {ClientSecret: "s", HTTPClient: &http.Client{Transport: transport}},
		"needs an HTTPClient":             {},
		"needs an HTTPClient whose Trans": {HTTPClient: new(http.Client)},
	} {
		config.ClientID, config.TokenURL, config.Grant = "app", "https://login.example.test/token", connectorauth.ClientCredentials{}
		config.ClientAuth = connectorauth.ClientAuthSelfSignedTLS
		_, err := connectorauth.NewOAuth2(config)
		assert.ErrorContains(t, err, want)
	}
}
