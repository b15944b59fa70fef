// Netsuite calls an API with token-based authentication as NetSuite has it: the
// service has issued the token, requests are signed by HMAC-SHA256, and the realm
// names the account.
package main

import (
	"log"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	p := authtest.New(authtest.Config{}) // stands in for the service
	defer p.Close()
	token, tokenSecret := p.IssueOAuth1Token() // an administrator copies it from the settings

	const account = "1234567_SB1"
	connector, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID:        p.ClientID, // of the integration record: consumer key and secret
		ClientSecret:    connectorauth.Secret(p.ClientSecret),
		Token:           token, // of the access token: its id and secret
		TokenSecret:     connectorauth.Secret(tokenSecret),
		SignatureMethod: connectorauth.HMACSHA256,
		Realm:           account, // in capitals, "_" for the "-" of the URL
		// With the real service: Hosts: []string{"1234567-sb1.suitetalk.api.netsuite.com"}
	})
	if err != nil {
		log.Fatal(err)
	}

	// A JSON body is not signed, and the query is.
	client := connectorauth.NewClient(connector, nil)
	resp, err := client.Post(p.OAuth1URL+"/services/rest/query/v1/suiteql?limit=10", "application/json", strings.NewReader(`{"q":"SELECT id FROM customer"}`))
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	log.Println(resp.Status)
}
