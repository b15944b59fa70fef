// Session calls APIs that want a login first. Each login is data: XML as Tableau's, a
// header as Metabase's, two steps with a cookie, and the key of an app as GitHub's. A
// test provider stands in for the services. The program exits with status 1 if a request
// fails.
//
//	go run ./examples/session
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log"
	"net/http"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/session"
)

func main() {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) // in real life a file, for KeyConfig.Private
	p := authtest.New(authtest.Config{AssertionKeys: map[string]crypto.PublicKey{"": &key.PublicKey}})
	defer p.Close()
	values := map[string]connectorauth.Secret{"user": connectorauth.Secret(p.Username), "password": connectorauth.Secret(p.Password)}

	// The token is an attribute of the response, and lasts four hours. The response names
	// the site too, which belongs in the paths of later requests: the program writes {site}.
	tableau := session.Config{
		Login: []session.Request{{
			URL:     p.LoginXMLURL,
			XML:     `<tsRequest><credentials name="{user}" password="{password}"><site contentUrl=""/></credentials></tsRequest>`,
			Capture: map[string]string{"token": "credentials.@token", "site": "credentials.site.@id"},
		}},
		Logout: &session.Request{URL: p.LogoutURL, Header: map[string]string{"X-Session": "{token}"}},
		Values: values,
		Places: []session.Place{
			{Placement: dialect.Placement{Name: "X-Session"}},
			{Placement: dialect.Placement{In: dialect.InPath, Name: "site"}, Value: "{site}"},
		},
		Lifetime: session.Lifetime{Fixed: 4 * time.Hour},
	}
	// The response tells no lifetime: the session lasts until the API rejects the session.
	metabase := session.Config{
		Login: []session.Request{{
			URL:     p.LoginJSONURL,
			JSON:    map[string]any{"username": "{user}", "password": "{password}", "remember": true},
			Capture: map[string]string{"token": "session.token"},
		}},
		Values: values,
		Places: []session.Place{{Placement: dialect.Placement{Name: "X-Session"}}},
	}
	// The first request gives a ticket and a cookie for the second.
	twoSteps := session.Config{
		Login: []session.Request{
			{URL: p.LoginBeginURL, Capture: map[string]string{"ticket": "/data/0/ticket", "before": "cookie:PRESID"}},
			{
				URL:     p.LoginFinishURL("") + "{ticket}",
				Header:  map[string]string{"Cookie": "PRESID={before}"},
				JSON:    map[string]any{"username": "{user}", "password": "{password}"},
				Capture: map[string]string{"token": "session.token", "ends": "expires"},
			},
		},
		Values:   values,
		Places:   []session.Place{{Placement: dialect.Placement{In: dialect.InCookie, Name: "SID"}}},
		Lifetime: session.Lifetime{Expiry: "ends"},
	}
	// A JWT of the app's key authenticates the request for a token of an installation.
	jwt := must(assertion.NewJWT(assertion.JWTConfig{
		Key:    must(assertion.NewKey(assertion.KeyConfig{Signer: key})),
		Claims: assertion.Claims{Issuer: "4711", Subject: "4711", Audience: p.URL},
	}))
	github := session.Config{
		Login: []session.Request{{
			URL:     p.LoginAssertionURL + "/installations/{installation}/access_tokens",
			Header:  map[string]string{"Accept": "application/vnd.github+json"},
			Auth:    jwt,
			Capture: map[string]string{"token": "token", "ends": "expires_at"},
		}},
		Values:   map[string]connectorauth.Secret{"installation": "4712"},
		Lifetime: session.Lifetime{Expiry: "ends"},
	}
	use(p, "like Tableau", tableau, "/sites/{site}/workbooks")
	use(p, "like Metabase", metabase, "")
	use(p, "two steps", twoSteps, "")
	use(p, "like a GitHub App", github, "")

	// A wrong password costs one login, and is remembered.
	values["password"] = "wrong"
	c := must(session.New(metabase))
	for range 3 {
		_, err := connectorauth.NewClient(c, nil).Get(p.SessionURL)
		log.Println("wrong password:", err)
	}
	if n := p.Stats().LoginsRefused; n != 1 {
		log.Fatalf("%d logins with a wrong password", n)
	}
}

// use makes two requests to the API, with path after the URL, and logs out if the service knows a logout.
func use(p *authtest.Provider, name string, config session.Config, path string) {
	before := p.Stats().Logins
	c := must(session.New(config))
	for range 2 {
		resp := must(connectorauth.NewClient(c, nil).Get(p.SessionURL + path))
		resp.Body.Close()
		logins := p.Stats().Logins - before
		log.Printf("%s: %s, %d login", name, resp.Status, logins)
		if resp.StatusCode != http.StatusOK || logins != 1 {
			log.Fatal("the login has failed")
		}
	}
	if config.Logout == nil {
		return
	}
	if err := c.Revoke(context.Background()); err != nil {
		log.Fatal(err)
	}
	log.Println(name + ": logged out")
}

// must returns v, and ends the program if there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
