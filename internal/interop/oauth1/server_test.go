// Package oauth1_test holds connectorauth's OAuth1 against python3-oauthlib, of
// Debian's package of that name.
package oauth1_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/require"
)

const python = "/usr/bin/python3" // Debian's, which has the package

// server is an oauthlib provider in a process of its own.
type server struct {
	URL                string
	Client, Secret     string // of the registered client
	Token, TokenSecret string // issued to it
	Key                *rsa.PrivateKey
	transport          *http.Transport // reaches the server under any name
}

// start runs a provider, whose clock is ahead by so many seconds, until the test
// ends.
func start(t *testing.T, ahead int) *server {
	t.Helper()
	if out, err := exec.Command(python, "-c", "import oauthlib, jwt, cryptography").CombinedOutput(); err != nil {
		message := "install python3-oauthlib, python3-jwt and python3-cryptography to run this test: " + err.Error() + " " + string(out)
		if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	s := &server{
		Client: "client" + rand.Text()[:20], Secret: "secret+/%:&=é" + rand.Text(),
		Token: rand.Text(), TokenSecret: "token secret" + rand.Text(), Key: key,
	}
	config, err := json.Marshal(map[string]any{
		"client": s.Client, "secret": s.Secret, "token": s.Token, "token_secret": s.TokenSecret, "ahead": ahead,
		"rsa_key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	})
	require.NoError(t, err)

	cmd := exec.Command(python, "testdata/provider.py", string(config))
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "the provider did not start")
	address := net.JoinHostPort("127.0.0.1", strings.TrimSpace(port))
	s.URL = "http://" + address
	s.transport = &http.Transport{
		MaxIdleConnsPerHost: 8,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(s.transport.CloseIdleConnections)
	return s
}

// config returns that of a connector with the issued token.
func (s *server) config(method dialect.SignatureMethod) connectorauth.OAuth1Config {
	c := connectorauth.OAuth1Config{
		ClientID: s.Client, ClientSecret: connectorauth.Secret(s.Secret), SignatureMethod: method,
		Token: s.Token, TokenSecret: connectorauth.Secret(s.TokenSecret),
		HTTPClient: &http.Client{Transport: s.transport},
	}
	if strings.HasPrefix(string(method), "RSA") {
		c.PrivateKey = s.Key
	}
	return c
}

var methods = []dialect.SignatureMethod{
	dialect.HMACSHA1, dialect.HMACSHA256, dialect.HMACSHA512,
	dialect.RSASHA1, dialect.RSASHA256, dialect.RSASHA512, dialect.Plaintext,
}

// roundTripper is a RoundTripper made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
