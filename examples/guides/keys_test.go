package guides

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// files writes client.crt and client.key into the working folder of the test.
func files(t *testing.T, key crypto.Signer) {
	t.Helper()
	t.Chdir(t.TempDir())
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	for name, block := range map[string]pem.Block{
		"client.crt": {Type: "CERTIFICATE", Bytes: certificate},
		"client.key": {Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))},
	} {
		require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&block), 0o600))
	}
}

// certificateKey is the block of "A certificate and its key".
func certificateKey(use func(*assertion.Key) error) error {
	pair, err := tls.LoadX509KeyPair("client.crt", "client.key")
	if err != nil {
		return err
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return errors.New("client.key does not sign")
	}
	key, err := assertion.NewKey(assertion.KeyConfig{Signer: signer, Certificate: pair.Leaf, Algorithm: assertion.PS256})
	if err != nil {
		return err
	}
	return use(key)
}

func TestCertificateAndItsKey(t *testing.T) {
	private := must(rsa.GenerateKey(rand.Reader, 2048))
	files(t, private)
	p := authtest.New(authtest.Config{AssertionKeys: map[string]crypto.PublicKey{"": &private.PublicKey}})
	t.Cleanup(p.Close)
	require.NoError(t, certificateKey(func(key *assertion.Key) error {
		auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: p.TokenURL}})
		if err != nil {
			return err
		}
		connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, TokenURL: p.TokenURL, ClientAuth: auth, Grant: connectorauth.ClientCredentials{}, Shared: new(connectorauth.Shared),
		})
		if err != nil {
			return err
		}
		return connector.Renew(t.Context())
	}))
	require.NoError(t, os.Remove("client.key"))
	require.ErrorIs(t, certificateKey(nil), os.ErrNotExist)
}

// ghost is the block of "A secret in hexadecimal".
func ghost(adminKey string, use func(connectorauth.Connector) error) error {
	id, text, _ := strings.Cut(adminKey, ":") // as Ghost shows the key
	secret, err := hex.DecodeString(text)
	if err != nil {
		return err
	}
	key, err := assertion.NewKey(assertion.KeyConfig{Secret: connectorauth.Secret(secret), ID: id})
	if err != nil {
		return err
	}
	connector, err := assertion.NewJWT(assertion.JWTConfig{
		Key:       key,
		Claims:    assertion.Claims{Audience: "/admin/", Lifetime: 5 * time.Minute},
		Placement: dialect.Placement{Prefix: "Ghost "},
		Hosts:     []string{"blog.example.com"},
	})
	if err != nil {
		return err
	}
	return use(connector)
}

func TestSecretInHexadecimal(t *testing.T) {
	secret := make([]byte, 32)
	rand.Read(secret)
	blog := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, isGhost := strings.CutPrefix(r.Header.Get("Authorization"), "Ghost ")
		signed, signature, _ := strings.Cut(token, ".")
		claims, signature, _ := strings.Cut(signature, ".")
		mac := hmac.New(sha256.New, secret)
		io.WriteString(mac, signed+"."+claims)
		if !isGhost || signature != base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		for _, part := range []string{signed, claims} {
			w.Write(must(base64.RawURLEncoding.DecodeString(part)))
		}
	}))
	t.Cleanup(blog.Close)
	internet(t, map[string]string{"blog.example.com/": blog.URL})
	require.NoError(t, ghost("6748592f:"+hex.EncodeToString(secret), func(connector connectorauth.Connector) error {
		resp, err := connectorauth.NewClient(connector, nil).Get("https://blog.example.com/ghost/api/admin/posts/")
		require.NoError(t, err)
		defer resp.Body.Close()
		text := string(must(io.ReadAll(resp.Body)))
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Contains(t, text, `"kid":"6748592f"`)
		assert.Contains(t, text, `"aud":"/admin/"`)
		return nil
	}))
	require.Error(t, ghost("6748592f:no hexadecimal", nil))
}

// certified is the block of "Certificates".
func certified(use func(connectorauth.Connector) error) error {
	certificates, err := assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair("client.crt", "client.key")
			return &pair, err
		},
	})
	if err != nil {
		return err
	}
	token, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: "https://login.example.com/token", Grant: connectorauth.ClientCredentials{},
		ClientAuth: connectorauth.ClientAuthTLS, HTTPClient: &http.Client{Transport: certificates},
		Hosts: []string{"api.example.com"},
	})
	if err != nil {
		return err
	}
	certificate, err := certificates.Connector("api.example.com")
	if err != nil {
		return err
	}
	both, err := connectorauth.Join(certificate, token)
	if err != nil {
		return err
	}
	defer certificates.CloseIdleConnections()
	return use(both)
}

func TestCertificates(t *testing.T) {
	files(t, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case len(r.TLS.PeerCertificates) != 1:
			w.WriteHeader(http.StatusForbidden)
		case r.Host == "login.example.com":
			fmt.Fprintf(w, `{"access_token": "bound-to-%s", "token_type": "Bearer"}`, r.FormValue("client_id"))
		case r.Header.Get("Authorization") != "Bearer bound-to-client":
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS() // with a certificate for the hosts below example.com
	former, roots := http.DefaultTransport, x509.NewCertPool()
	roots.AddCert(server.Certificate())
	http.DefaultTransport = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	t.Cleanup(func() { http.DefaultTransport = former; server.Close() })
	require.NoError(t, certified(func(both connectorauth.Connector) error {
		resp, err := connectorauth.NewClient(both, nil).Get("https://api.example.com/orders")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		return nil
	}))
}
