package digestauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/digestauth"
)

// The first request brings the challenge, and is sent again with credentials.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		credentials := r.Header.Get("Authorization")
		if credentials == "" {
			w.Header().Set("WWW-Authenticate", `Digest realm="orders", qop="auth", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Println(strings.Contains(credentials, `username="user"`), strings.Contains(credentials, "nc=00000001"))
	}))
	defer server.Close()

	connector, err := digestauth.New(digestauth.Config{Username: "user", Password: "password"})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(connector, server.Client()).Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// true true
	// 200 OK
}
