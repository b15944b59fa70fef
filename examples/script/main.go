// Script runs the five connector scripts in this folder, each with a request to a
// small API. The program prints the requests that the API received, and the
// responses.
//
//	go run .
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
)

//go:embed *.js
var files embed.FS

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// run starts the API and makes one request with each script.
func run() error {
	mux := http.NewServeMux()
	mux.HandleFunc("/orders", orders())
	mux.HandleFunc("/token", token())
	api := httptest.NewServer(mux)
	defer api.Close()

	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "the-key"})
	if err != nil {
		return err
	}
	tokens, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: api.URL + "/token", Grant: connectorauth.ClientCredentials{},
	})
	if err != nil {
		return err
	}
	// A connector can have several scripts: the example refresh.js also runs token.js.
	scriptedTokens, err := wrap(tokens, "token.js")
	if err != nil {
		return err
	}
	for _, example := range []struct {
		file string
		connectorauth.Connector
	}{{"bearer.js", key}, {"hmac.js", key}, {"envelope.js", key}, {"token.js", tokens}, {"refresh.js", scriptedTokens}} {
		c, err := wrap(example.Connector, example.file)
		if err != nil {
			return err
		}
		fmt.Printf("\n%s\n", example.file)
		resp, err := connectorauth.NewClient(c, nil).Post(api.URL+"/orders", "application/json", strings.NewReader(`{"item": "mug"}`))
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		fmt.Printf("  response: %s\n", body)
	}
	return nil
}

// wrap returns a connector like c that runs the script in this file.
func wrap(c connectorauth.Connector, file string) (connectorauth.Connector, error) {
	source, err := files.ReadFile(file)
	if err != nil {
		return nil, err
	}
	compiled, err := script.Compile(string(source))
	if err != nil {
		return nil, err
	}
	return script.Wrap(c, compiled, script.Options{Parameters: map[string]any{
		"account": "4711", "tenant": "t1", "secret": connectorauth.Secret("shared secret"),
	}})
}

// orders is the API. The handler prints each request. The first access token is
// valid for one request.
func orders() http.HandlerFunc {
	used := false
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Printf("  %s %s %s\n", r.Method, r.URL, body)
		for _, name := range []string{"Authorization", "X-Timestamp", "X-Signature"} {
			if value := r.Header.Get(name); value != "" {
				fmt.Printf("    %s: %s\n", name, value)
			}
		}
		if r.Header.Get("Authorization") == "Bearer token-1" {
			if used {
				io.WriteString(w, `{"error": "session_expired"}`)
				return
			}
			used = true
		}
		io.WriteString(w, `{"order": 1}`)
	}
}

// token is the token endpoint. Each response brings a new access token.
func token() http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Printf("  %s %s %s\n", r.Method, r.URL, body)
		mac := hmac.New(sha256.New, []byte("shared secret"))
		mac.Write(body)
		if r.Header.Get("X-Signature") != hex.EncodeToString(mac.Sum(nil)) {
			io.WriteString(w, `{"status": "signature is wrong"}`)
			return
		}
		n++
		fmt.Fprintf(w, `{"status": "ok", "data": {"token": "token-%d", "ttl": 3600}}`, n)
	}
}
