package assertion_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
)

// examplePrivate is the private key of RFC 8037 appendix A.1, as a JSON Web Key. The
// public key is registered with the provider of each example.
const examplePrivate = `{"kty":"OKP","crv":"Ed25519","kid":"k1",
	"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

// exampleKey is examplePrivate, read.
var exampleKey = must(assertion.NewKey(assertion.KeyConfig{Private: examplePrivate}))

// examplePublic is the public key.
var examplePublic = ed25519.PublicKey(must(base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")))

// platformToken returns what a platform gives its workloads: a JWT, here of alice.
func platformToken(ctx context.Context, audience string) (connectorauth.Secret, error) {
	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{
		Key: exampleKey, Claims: assertion.Claims{Issuer: "platform", Subject: "alice", Audience: audience},
	})
	if err != nil {
		return "", err
	}
	r := &connectorauth.TokenRequest{Params: url.Values{}}
	err = grant.Parameters(ctx, r)
	return connectorauth.Secret(r.Params.Get("assertion")), err
}

// exampleProvider is a provider that knows the public key of exampleKey as k1.
func exampleProvider() *authtest.Provider {
	return authtest.New(authtest.Config{AssertionKeys: map[string]crypto.PublicKey{"k1": examplePublic}})
}

// A key from a JSON Web Key. A .pem file works as well; the fields Signer and Secret take
// a key in a KMS, and a shared secret.
func ExampleNewKey() {
	key, err := assertion.NewKey(assertion.KeyConfig{Private: examplePrivate})
	if err != nil {
		log.Fatal(err) // never shows the key
	}
	fmt.Println(key.Algorithm(), key.Thumbprint())
	fmt.Println(string(key.PublicJWK())) // for the registration at the provider
	// Output:
	// EdDSA kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
	// {"alg":"EdDSA","crv":"Ed25519","kid":"k1","kty":"OKP","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
}

// A service account stands for a user. The provider wants no client authentication.
func ExampleNewJWTBearer() {
	p := exampleProvider()
	defer p.Close()

	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{
		Key:    exampleKey,
		Claims: assertion.Claims{Issuer: "service-account", Subject: "alice", Audience: p.TokenURL},
	})
	if err != nil {
		log.Fatal(err)
	}
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "service-account", TokenURL: p.TokenURL, Grant: grant, ClientAuth: assertion.NoClientAuth{},
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body))
	// Output: 200 {"auth_type":"OAuth2","client":"client","user":"alice","grant":"urn:ietf:params:oauth:grant-type:jwt-bearer"}
}

// The assertion comes from a file that the platform renews, such as the token of a
// Kubernetes service account.
func ExampleNewJWTBearer_file() {
	p := exampleProvider()
	defer p.Close()
	folder, err := os.MkdirTemp("", "token")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "token") // as /var/run/secrets/tokens/provider
	token, err := platformToken(context.Background(), p.URL)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		log.Fatal(err)
	}

	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{
		Assertion: assertion.FromFile(path),
		Subject:   "pod", // tells accounts apart
	})
	if err != nil {
		log.Fatal(err)
	}
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "pod", TokenURL: p.TokenURL, Grant: grant, ClientAuth: assertion.NoClientAuth{},
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// private_key_jwt: the client authenticates with a key in place of a secret.
func ExampleNewClientAuth() {
	p := exampleProvider()
	defer p.Close()

	auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{
		Key:    exampleKey,
		Claims: assertion.Claims{Audience: p.URL}, // the provider's issuer identifier
	})
	if err != nil {
		log.Fatal(err)
	}
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{}, ClientAuth: auth,
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// An API that takes assertions themselves, with one signature for many requests.
func ExampleNewJWT() {
	p := exampleProvider()
	defer p.Close()

	connector, err := assertion.NewJWT(assertion.JWTConfig{
		Key:     exampleKey,
		Claims:  assertion.Claims{Issuer: "issuer-id", Subject: "user", Audience: p.URL},
		Observe: func(e connectorauth.Event) { fmt.Println(e.Kind) },
	})
	if err != nil {
		log.Fatal(err)
	}
	client := connectorauth.NewClient(connector, nil)
	for range 2 {
		resp, err := client.Get(p.AssertionURL)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	// Output:
	// renewing
	// renewed
	// 200
	// 200
}

// A token of one kind is exchanged for another: here, a JWT that the program signs.
func ExampleNewTokenExchange() {
	p := exampleProvider()
	defer p.Close()

	grant, err := assertion.NewTokenExchange(assertion.TokenExchangeConfig{
		Subject: func(ctx context.Context) (assertion.Token, error) {
			token, err := platformToken(ctx, p.URL)
			return assertion.Token{Value: token, Type: assertion.TypeJWT}, err
		},
		RequestedType: assertion.TypeAccessToken,
		Name:          "alice", // tells accounts apart
	})
	if err != nil {
		log.Fatal(err)
	}
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: grant,
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body))
	// Output: 200 {"auth_type":"OAuth2","client":"client","user":"alice","grant":"urn:ietf:params:oauth:grant-type:token-exchange"}
}

// The home provider exchanges a token for an identity assertion (ID-JAG), with which the
// other provider gives an access token.
func ExampleFromConnector() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /home/token", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("home: ", r.PostFormValue("requested_token_type"))
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"alice.for.other","issued_token_type":"`+assertion.TypeIDJAG+`","token_type":"N_A","expires_in":300}`)
	})
	mux.HandleFunc("POST /other/token", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("other:", r.PostFormValue("assertion"))
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"for-the-api","token_type":"Bearer","expires_in":3600}`)
	})
	mux.HandleFunc("GET /api", func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("API:  ", r.Header.Get("Authorization"))
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	exchange, err := assertion.NewTokenExchange(assertion.TokenExchangeConfig{
		Subject: func(ctx context.Context) (assertion.Token, error) {
			token, err := platformToken(ctx, server.URL)
			return assertion.Token{Value: token, Type: assertion.TypeIDToken}, err
		},
		RequestedType: assertion.TypeIDJAG,
		Audiences:     []string{"https://other.example"},
	})
	if err != nil {
		log.Fatal(err)
	}
	home, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: server.URL + "/home/token", Grant: exchange,
	})
	if err != nil {
		log.Fatal(err)
	}
	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: assertion.FromConnector(home), Subject: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	other, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: server.URL + "/other/token", Grant: grant,
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(other, nil).Get(server.URL + "/api")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	// Output:
	// home:  urn:ietf:params:oauth:token-type:id-jag
	// other: alice.for.other
	// API:   Bearer for-the-api
}

// The client certificate goes to the API and, by the HTTPClient of an OAuth2Config, to
// the token endpoint.
func ExampleNewCertificateTransport() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("certificates:", len(r.TLS.PeerCertificates), "key:", r.Header.Get("X-Api-Key"))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	certificate := server.TLS.Certificates[0] // stands in for what tls.LoadX509KeyPair returns
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	transport, err := assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) { return &certificate, nil },
		RootCAs:     roots,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	bound, err := transport.Connector(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k3y", Name: "X-Api-Key"})
	if err != nil {
		log.Fatal(err)
	}
	both, err := connectorauth.Join(key, bound)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(both, nil).Get(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output:
	// certificates: 1 key: k3y
	// 200
}

// The JSON file of a service account, as Google gives it. The program in
// examples/serviceaccount makes requests.
func ExampleNewGoogle() {
	connector, err := assertion.NewGoogle(assertion.GoogleConfig{
		File: `{"type": "service_account", "client_email": "robot@demo.iam.gserviceaccount.com",
			"private_key": "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n",
			"token_uri": "https://oauth2.googleapis.com/token"}`,
		Scopes: []string{"https://www.googleapis.com/auth/devstorage.read_only"},
	})
	if err != nil {
		log.Fatal(err) // names the member of the file
	}
	fmt.Println(connector) // prints nothing of the key
	// Output: connectorauth.OAuth2
}
