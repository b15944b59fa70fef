package assertion_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
)

// twoProviders starts the home provider of a company, the provider of a service, and the
// API of the service.
func twoProviders() *httptest.Server {
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
	return httptest.NewServer(mux)
}

// The home provider exchanges a token for an identity assertion (ID-JAG), with which the
// other provider gives an access token.
func ExampleFromConnector() {
	server := twoProviders()
	defer server.Close()

	exchange, err := assertion.NewTokenExchange(assertion.TokenExchangeConfig{
		Subject: assertion.AsToken(assertion.TypeIDToken, func(ctx context.Context) (connectorauth.Secret, error) {
			return platformToken(ctx, server.URL) // the ID token of the person who is signed in
		}),
		RequestedType: assertion.TypeIDJAG, Audiences: []string{"https://other.example"},
	})
	if err != nil {
		log.Fatal(err)
	}
	config := connectorauth.OAuth2Config{ClientID: "client", ClientSecret: "secret", TokenURL: server.URL + "/home/token", Grant: exchange}
	home, err := connectorauth.NewOAuth2(config)
	if err != nil {
		log.Fatal(err)
	}
	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: assertion.FromConnector(home), Subject: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	config.TokenURL, config.Grant = server.URL+"/other/token", grant
	other, err := connectorauth.NewOAuth2(config)
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

// certificateAPI starts an API that wants a client certificate, and returns who signs the
// certificate of the API.
func certificateAPI() (*httptest.Server, *x509.CertPool) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("certificates:", len(r.TLS.PeerCertificates), "key:", r.Header.Get("X-Api-Key"))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots
}

// The client certificate goes to the API and, by the HTTPClient of an OAuth2Config, to
// the token endpoint.
func ExampleNewCertificateTransport() {
	server, roots := certificateAPI()
	defer server.Close()
	certificate := server.TLS.Certificates[0] // stands in for what tls.LoadX509KeyPair returns

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

// google starts what stands for Google: a token endpoint and an API.
func google() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("token:", r.PostFormValue("grant_type"))
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"for-storage","token_type":"Bearer","expires_in":3600}`)
	})
	mux.HandleFunc("GET /storage/v1/b", func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("API:  ", r.Header.Get("Authorization"))
	})
	return httptest.NewServer(mux)
}

// The JSON file of a service account, as Google gives it.
func ExampleNewGoogle() {
	server := google()
	defer server.Close()
	file := `{"type": "service_account", "client_email": "robot@demo.iam.gserviceaccount.com",
		"private_key": "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n",
		"token_uri": "` + server.URL + `/token"}`

	connector, err := assertion.NewGoogle(assertion.GoogleConfig{
		File:   connectorauth.Secret(file), // os.ReadFile
		Scopes: []string{"https://www.googleapis.com/auth/devstorage.read_only"},
		Hosts:  []string{server.URL}, // empty means *.googleapis.com
	})
	if err != nil {
		log.Fatal(err) // names the member of the file
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(server.URL + "/storage/v1/b")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(connector) // prints nothing of the key
	// Output:
	// token: urn:ietf:params:oauth:grant-type:jwt-bearer
	// API:   Bearer for-storage
	// connectorauth.OAuth2
}
