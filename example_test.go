package connectorauth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// A key in a header of its own. The provider of the examples is authtest, which
// importers can use for their own tests.
func ExampleNewAPIKey() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()

	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
		Key:  connectorauth.Secret(p.APIKey),
		Name: "X-Api-Key",
	})
	if err != nil {
		log.Fatal(err)
	}
	client := connectorauth.NewClient(connector, p.Client())
	resp, err := client.Get(p.KeyHeaderURL + "/orders?page=2")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// A key in the query: the service sees it, and nobody else.
func ExampleNewAPIKey_query() {
	p := authtest.New(authtest.Config{TLS: true, APIKey: "k+1/2"})
	defer p.Close()

	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
		Key:  connectorauth.Secret(p.APIKey),
		In:   dialect.InQuery,
		Name: "api_key",
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.KeyQueryURL + "?page=2")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println("arrived: ", p.Requests(p.KeyQueryURL)[0].URL.RawQuery)
	fmt.Println("response:", resp.Request.URL.RawQuery)
	fmt.Println(connector)
	// Output:
	// arrived:  page=2&api_key=k%2B1%2F2
	// response: page=2
	// connectorauth.APIKey
}

func ExampleNewBasic() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()

	connector, err := connectorauth.NewBasic(connectorauth.BasicConfig{
		Username: p.Username,
		Password: connectorauth.Secret(p.Password),
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.BasicURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// Credentials inside the messages, whether these are forms or JSON.
func ExampleNewAuthFields() {
	p := authtest.New(authtest.Config{TLS: true, Fields: map[string]any{"token": "t0k3n", "company": 4711}})
	defer p.Close()

	connector, err := connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{
			{Name: "Access token", Key: "token", Type: dialect.FieldPassword, Value: "t0k3n"},
			{Name: "Company number", Key: "company", Type: dialect.FieldInteger, Value: "4711"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	client := connectorauth.NewClient(connector, p.Client())
	resp, err := client.Post(p.FieldsURL, "application/json", strings.NewReader(`{"order":7}`))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, string(p.Requests(p.FieldsURL)[0].Body))
	// Output: 200 {"order":7,"token":"t0k3n","company":4711}
}

// A session header that a login of the service's own hands out.
func ExampleNewCustom() {
	const valid = "session 2"
	service := authtest.New(authtest.Config{TLS: true, APIKey: valid})
	defer service.Close()

	type credential = connectorauth.CustomCredential
	connector, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(r *http.Request, session credential) error {
			r.Header.Set("X-Api-Key", string(session.Value))
			return nil
		},
		Obtain: func(_ context.Context, old credential, _ *http.Response) (credential, error) {
			if old.Value == "" {
				fmt.Println("log in")
				return credential{Value: "session 1"}, nil // which the service has ended
			}
			fmt.Println("log in again")
			return credential{Value: valid}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, service.Client()).Get(service.KeyHeaderURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output:
	// log in
	// log in again
	// 200
}

func ExampleNone() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()

	resp, err := connectorauth.NewClient(connectorauth.None{}, p.Client()).Get(p.OpenURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// Timeout, cookie jar and redirect policy are those of the client given, and
// credentials do not follow a redirect to another host.
func ExampleNewClient() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()
	elsewhere := authtest.New(authtest.Config{})
	defer elsewhere.Close()

	connector, err := connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: connectorauth.Secret(p.Password)})
	if err != nil {
		log.Fatal(err)
	}
	base := p.Client()
	base.Timeout = 10 * time.Second
	client := connectorauth.NewClient(connector, base)

	resp, err := client.Get(p.RedirectURL(302, elsewhere.OpenURL))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	there := elsewhere.Requests(elsewhere.OpenURL)[0]
	fmt.Println(resp.StatusCode, there.Header["Authorization"])
	// Output: 200 []
}

// What a program can act on.
func ExampleErrHostNotAllowed() {
	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "secret", Hosts: []string{"api.example.com"}})
	if err != nil {
		log.Fatal(err)
	}
	_, err = connectorauth.NewClient(connector, nil).PostForm("https://api.example.com.evil.example/", url.Values{})
	fmt.Println(err)
	// Output:
	// Post "https://api.example.com.evil.example/": connectorauth: credentials are not allowed there: https://api.example.com.evil.example is not among the connector's Hosts
}

// A signature of the query, as crypto exchanges want. The values are published by an
// exchange.
func ExampleWithHooks_querySignature() {
	const secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.URL.Query().Get("signature"))
	}))
	defer service.Close()

	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
		Name: "X-MBX-APIKEY", Key: "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	connector := connectorauth.WithHooks(key, connectorauth.Hooks{
		BeforeRequest: func(e *connectorauth.Exchange) error {
			mac := hmac.New(sha256.New, []byte(secret))
			io.WriteString(mac, e.Request.URL.RawQuery)
			e.Request.URL.RawQuery += "&signature=" + hex.EncodeToString(mac.Sum(nil))
			return nil
		},
	})
	resp, err := connectorauth.NewClient(connector, nil).Post(service.URL+"/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"+
		"&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559", "", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output: c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71
}
