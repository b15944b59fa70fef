package connectorauth_test

import (
	"fmt"
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// A key in the path, as in Telegram's /bot{token}/getMe. The program writes the
// placeholder in each URL; the key is in the request alone.
func ExampleNewAPIKey_path() {
	p := authtest.New(authtest.Config{TLS: true, APIKey: "110201543:AAHdqTcv"})
	defer p.Close()

	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
		Key:  connectorauth.Secret(p.APIKey),
		In:   dialect.InPath,
		Name: "key", // the placeholder without its braces
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.KeyPathURL + "/getMe")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println("arrived: ", p.Requests(p.KeyPathURL)[0].URL.Path)
	fmt.Println("response:", resp.Request.URL.Path, resp.StatusCode)
	// Output:
	// arrived:  /api/key/path/110201543:AAHdqTcv/getMe
	// response: /api/key/path/{key}/getMe 200
}
