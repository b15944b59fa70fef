// Custom calls an API with a way to authenticate that the library does not know. A
// login returns the key of a session. Each request carries the number of the
// session, and an HMAC with the key over method, path and time.
//
//	go run ./examples/custom
package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
)

func main() {
	service := httptest.NewServer(newService())
	defer service.Close()

	connector, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		// Obtain logs in. The connector calls Obtain for the first request, some time
		// before the session expires, and when the service responds with status 401.
		Obtain: func(ctx context.Context, _ connectorauth.CustomCredential, _ *http.Response) (connectorauth.CustomCredential, error) {
			return login(ctx, service.URL+"/login")
		},
		// Authenticate gets what Obtain returned, and a copy of the caller's request.
		Authenticate: func(r *http.Request, session connectorauth.CustomCredential) error {
			number, key, _ := strings.Cut(string(session.Value), " ")
			stamp := strconv.FormatInt(time.Now().Unix(), 10)
			r.Header.Set("X-Session", number)
			r.Header.Set("X-Timestamp", stamp)
			r.Header.Set("X-Signature", signature(r, key, stamp))
			return nil
		},
		Observe: func(e connectorauth.Event) { log.Println("session:", e.Kind) },
	})
	if err != nil {
		log.Fatal(err)
	}
	client := connectorauth.NewClient(connector, nil)

	for _, path := range []string{"/orders", "/orders", "/forget-sessions", "/orders"} {
		resp, err := client.Get(service.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		log.Println(path, resp.Status)
	}
}

// login obtains the number and the key of a session. An error that matches
// connectorauth.ErrReauthRequired would mean that only the account owner can help.
func login(ctx context.Context, url string) (none connectorauth.CustomCredential, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("user=alice&password=s3cret"))
	if err != nil {
		return none, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return none, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return none, fmt.Errorf("the login has status %d", resp.StatusCode)
	}
	session, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return none, err
	}
	return connectorauth.CustomCredential{Value: connectorauth.Secret(session), Expiry: time.Now().Add(time.Hour)}, nil
}

// signature returns the HMAC of a request.
func signature(r *http.Request, key, stamp string) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s\n%s\n%s", r.Method, r.URL.Path, stamp)
	return hex.EncodeToString(mac.Sum(nil))
}

// newService returns a service with one session at a time.
func newService() http.Handler {
	number, key := 0, ""
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, _ *http.Request) {
		number, key = number+1, rand.Text()
		fmt.Fprintf(w, "%d %s", number, key)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		want := signature(r, key, r.Header.Get("X-Timestamp"))
		if r.Header.Get("X-Session") != strconv.Itoa(number) || !hmac.Equal([]byte(want), []byte(r.Header.Get("X-Signature"))) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		if r.URL.Path == "/forget-sessions" {
			key = rand.Text()
		}
	})
	return mux
}
