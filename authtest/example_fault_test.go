package authtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/connectorauth/connectorauth/authtest"
)

// client is an application that acts for itself.
func client(p *authtest.Provider) *clientcredentials.Config {
	return &clientcredentials.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
	}
}

// The first request is lost on its way. The second one arrives, and its response is lost:
// the client cannot tell the two apart.
func ExampleDropAfter() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	p.Inject(p.TokenURL, 1, authtest.DropBefore())
	p.Inject(p.TokenURL, 1, authtest.DropAfter())
	for range 2 {
		_, err := client(p).Token(context.Background())
		fmt.Println("failed:", err != nil, "issued:", p.Stats().Issued["client_credentials"])
	}
	// Output:
	// failed: true issued: 0
	// failed: true issued: 1
}

// A token endpoint that hangs. Close of the provider ends the wait.
func ExampleDelay() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	p.Inject(p.TokenURL, authtest.Always, authtest.Delay(time.Hour))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := client(p).Token(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// A provider that forgets the state, so the application must refuse the callback.
func ExampleEditCallback() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	p.Inject(p.AuthURL, authtest.Always, authtest.EditCallback(func(callback url.Values) { callback.Del("state") }))

	config := oauth2.Config{ClientID: p.ClientID, Endpoint: oauth2.Endpoint{AuthURL: p.AuthURL}, RedirectURL: "http://127.0.0.1/callback"}
	callback, err := p.Authorize(config.AuthCodeURL("s1", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(callback.Query().Has("code"), callback.Query().Has("state"))
	// Output: true false
}

// A provider that says HTML and sends JSON.
func ExampleEditHeader() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	p.Inject(p.OpenURL, authtest.Always, authtest.EditHeader(func(_ int, h http.Header) { h.Set("Content-Type", "text/html") }))
	resp, err := p.Client().Get(p.OpenURL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode, resp.Header.Get("Content-Type"))
	// Output: 200 text/html
}

// A provider that writes its token response as a form, as some did before RFC 6749.
func ExampleRewriteAnswer() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	p.Inject(p.TokenURL, authtest.Always, authtest.RewriteAnswer(func(w http.ResponseWriter, status int, response map[string]any) {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		w.WriteHeader(status)
		fmt.Fprint(w, url.Values{"access_token": {"t-" + fmt.Sprint(response["token_type"])}, "expires_in": {"3600"}}.Encode())
	}))
	token, err := client(p).Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.AccessToken)
	// Output: t-Bearer
}

// A provider within a server of the test, or without any: a request goes to the endpoint
// with this path.
func ExampleProvider_Handler() {
	p := authtest.New(authtest.Config{APIKey: "k"})
	defer p.Close()
	for _, key := range []string{"k", "wrong"} {
		r := httptest.NewRequest(http.MethodGet, p.KeyHeaderURL, nil)
		r.Header.Set("X-Api-Key", key)
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 401
}
