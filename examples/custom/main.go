// Custom calls an API with an authentication scheme that the library does not know:
// each request carries a time stamp, and an HMAC over time stamp, method and path.
//
//	go run ./examples/custom
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/connectorauth/connectorauth"
)

var key = []byte("shared secret")

// signature returns the HMAC for a request with this time stamp.
func signature(r *http.Request, stamp string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\n%s\n%s", stamp, r.Method, r.URL.Path)
	return hex.EncodeToString(mac.Sum(nil))
}

func main() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := signature(r, r.Header.Get("X-Timestamp"))
		if !hmac.Equal([]byte(want), []byte(r.Header.Get("X-Signature"))) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer service.Close()

	connector, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(r *http.Request, _ connectorauth.CustomCredential) error { // r is a copy of the caller's request, and may be changed
			stamp := strconv.FormatInt(time.Now().Unix(), 10)
			r.Header.Set("X-Timestamp", stamp)
			r.Header.Set("X-Signature", signature(r, stamp))
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(service.URL + "/v1/orders")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	log.Println(resp.Status)
}
