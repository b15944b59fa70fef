// Snowflake calls a SQL API as Snowflake has it: a JWT that the program signs is the
// token, and no token endpoint is needed. The issuer of the JWT contains the fingerprint
// of the public key, and a further header says what kind of token it is. A server in this
// program stands in for Snowflake.
//
//	go run ./examples/snowflake
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
)

func main() {
	snowflake, private := newSnowflake()
	err := run(os.Stdout, private, snowflake.URL)
	snowflake.Close()
	if err != nil {
		log.Fatal(err)
	}
}

// run makes three queries. private is the content of the user's rsa_key.p8. With the real
// service, api is https://ACCOUNT.snowflakecomputing.com.
func run(out io.Writer, private connectorauth.Secret, api string) error {
	key, err := assertion.NewKey(assertion.KeyConfig{Private: private})
	if err != nil {
		return err
	}
	user := strings.ToUpper("myorg-account123.robot") // Snowflake wants upper case
	connector, err := assertion.NewJWT(assertion.JWTConfig{
		Key: key,
		Claims: assertion.Claims{
			Issuer:   user + ".SHA256:" + key.Fingerprint(),
			Subject:  user,
			Lifetime: 59 * time.Minute, // Snowflake takes up to an hour
		},
		Further: http.Header{"X-Snowflake-Authorization-Token-Type": {"KEYPAIR_JWT"}},
		Hosts:   []string{api},
		Observe: func(e connectorauth.Event) { fmt.Fprintln(out, "JWT:", e.Kind) },
	})
	if err != nil {
		return err
	}
	client := connectorauth.NewClient(connector, nil)
	for range 3 {
		resp, err := client.Post(api+"/api/v2/statements", "application/json", strings.NewReader(`{"statement":"select 1"}`))
		if err != nil {
			return err
		}
		resp.Body.Close()
		fmt.Fprintln(out, "statement:", resp.Status)
		if resp.StatusCode != http.StatusOK {
			return errors.New("the API refused the JWT")
		}
	}
	return nil
}
