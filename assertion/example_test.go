package assertion_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"

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

// platformFile writes the token of a platform into a file, as Kubernetes does.
func platformFile(audience string) (path string, err error) {
	token, err := platformToken(context.Background(), audience)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "token")
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = io.WriteString(file, string(token))
	return file.Name(), err
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
	path, err := platformFile(p.URL) // as /var/run/secrets/tokens/provider
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(path)

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
		Subject: assertion.AsToken(assertion.TypeJWT, func(ctx context.Context) (connectorauth.Secret, error) {
			return platformToken(ctx, p.URL)
		}),
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
