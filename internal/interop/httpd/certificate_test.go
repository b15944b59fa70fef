//go:build unix

package httpd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
)

// nginxCertificate wants a client certificate, and says what came.
const nginxCertificate = `
daemon off; pid nginx.pid; error_log error.log; worker_processes 1;
events {}
http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	ssl_certificate server.crt; ssl_certificate_key server.key;
	server {
		listen 127.0.0.1:{{index .Ports 0}} ssl http2;
		ssl_client_certificate client.crt;
		ssl_verify_client on;
		add_header X-Verified $ssl_client_verify;
		add_header X-Bearer $http_authorization;
		location / { return 200; }
	}
}`

// selfSigned returns a client certificate that the client has signed for itself.
func selfSigned(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return &tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}
}

func TestClientCertificateAndTokenAtNginx(t *testing.T) {
	nginx := program(t, "nginx")
	known, stranger := selfSigned(t), selfSigned(t)
	var trusted *x509.CertPool
	place := start(t, 1, func(p *place) bool {
		trusted = p.certificate(t)
		p.write(t, "client.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: known.Certificate[0]})), nil)
		p.write(t, "nginx.conf", nginxCertificate, p)
		return p.run(t, nginx, "-p", p.Dir, "-c", "nginx.conf", "-e", "error.log")
	})
	api := place.url("https", 0)
	provider := authtest.New(authtest.Config{})
	t.Cleanup(provider.Close)
	token := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: provider.ClientID, ClientSecret: connectorauth.Secret(provider.ClientSecret),
		TokenURL: provider.TokenURL, Grant: connectorauth.ClientCredentials{}, Hosts: []string{api},
	}))
	get := func(certificate *tls.Certificate, roots *x509.CertPool) (*http.Response, error) {
		transport := must(assertion.NewCertificateTransport(assertion.CertificateConfig{
			Certificate: func(context.Context) (*tls.Certificate, error) { return certificate, nil }, RootCAs: roots,
		}))
		t.Cleanup(transport.CloseIdleConnections)
		both := must(connectorauth.Join(token, must(transport.Connector(api))))
		resp, err := connectorauth.NewClient(both, nil).Get(api)
		if err == nil {
			resp.Body.Close()
		}
		return resp, err
	}

	resp, err := get(known, trusted)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "SUCCESS", resp.Header.Get("X-Verified"))
	granted, err := token.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "Bearer "+granted.AccessToken, resp.Header.Get("X-Bearer"))

	resp, err = get(stranger, trusted)
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode, "nginx does not know the certificate")

	_, err = get(known, nil)
	var unknown *tls.CertificateVerificationError
	assert.ErrorAs(t, err, &unknown, "the server is verified")

	bare, err := connectorauth.NewClient(token, client(t, trusted, true)).Get(api)
	require.NoError(t, err)
	bare.Body.Close()
	assert.Equal(t, http.StatusBadRequest, bare.StatusCode, "a token alone is not enough")
}
