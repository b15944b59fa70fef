// Netsuite calls an API with the token-based authentication of NetSuite. This is
// OAuth1 without a consent: an administrator has created the token. HMAC-SHA256
// signs the requests, and the realm names the account.
//
//	go run ./examples/netsuite
package main

import (
	"log"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

func main() {
	p := authtest.New(authtest.Config{}) // in place of the real NetSuite
	defer p.Close()
	token, tokenSecret := p.IssueOAuth1Token() // in NetSuite, an administrator copies the token from the settings

	const account = "1234567_SB1"
	connector, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID:        p.ClientID, // consumer key and consumer secret of the integration record
		ClientSecret:    connectorauth.Secret(p.ClientSecret),
		Token:           token, // token ID and token secret of the access token
		TokenSecret:     connectorauth.Secret(tokenSecret),
		SignatureMethod: dialect.HMACSHA256,
		Realm:           account, // in upper case, with "_" where the URL has "-"
		// With the real service: Hosts: []string{"1234567-sb1.suitetalk.api.netsuite.com"}
	})
	if err != nil {
		log.Fatal(err)
	}

	// OAuth1 signs the query, but not a JSON body.
	client := connectorauth.NewClient(connector, nil)
	resp, err := client.Post(p.OAuth1URL+"/services/rest/query/v1/suiteql?limit=10", "application/json", strings.NewReader(`{"q":"SELECT id FROM customer"}`))
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	log.Println(resp.Status)
}
