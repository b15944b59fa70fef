package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/session"
)

// A login by JSON. The session goes into a header of the service's own.
func ExampleNew() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	connector, err := session.New(session.Config{
		Login: []session.Request{{
			URL:     p.LoginJSONURL,
			JSON:    map[string]any{"username": "{user}", "password": "{password}"},
			Capture: map[string]string{"token": "session.token", "ends": "expires_in"},
		}},
		Values:   map[string]connectorauth.Secret{"user": connectorauth.Secret(p.Username), "password": connectorauth.Secret(p.Password)},
		Places:   []session.Place{{Placement: dialect.Placement{Name: "X-Session"}}},
		Lifetime: session.Lifetime{Expiry: "ends"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := connectorauth.NewClient(connector, nil)
	for range 3 {
		resp, err := client.Get(p.SessionURL)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status, p.Stats().Logins)
	}
	// Output:
	// 200 OK 1
	// 200 OK 1
	// 200 OK 1
}

// New names all mistakes at once.
func ExampleNew_mistakes() {
	_, err := session.New(session.Config{
		Login: []session.Request{{
			URL:     "https://{user}.example.com/login",
			Form:    map[string]string{"password": "{pasword}"},
			Capture: map[string]string{"token": "data.token"},
		}},
		Values:   map[string]connectorauth.Secret{"user": "alice", "password": "secret"},
		Lifetime: session.Lifetime{Expiry: "expires"},
	})
	fmt.Println(err)
	// Output:
	// connectorauth: session.Config: Login[0]: URL: has a value in its scheme, host or port; write the origin out, and use values in the path and the query
	// Login[0]: Form, JSON, XML: there is no value for {pasword} at that time; did you mean password?
	// Lifetime: Expiry: expires is the capture of no login request
}

// Two values of one login go to two places: a token, and a text made of two values.
func ExamplePlace() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "SID", Value: "s1", MaxAge: 600, HttpOnly: true})
			fmt.Fprint(w, `{"csrf": "c1", "account": {"id": 4711}}`)
			return
		}
		fmt.Println(r.Header.Get("Cookie"), r.Header.Get("X-CSRF"), r.Header.Get("X-Account"))
	}))
	defer service.Close()
	connector, err := session.New(session.Config{
		Login: []session.Request{{
			URL: service.URL + "/login", Form: map[string]string{"key": "{key}"},
			Capture: map[string]string{"sid": "cookie:SID", "csrf": "csrf", "id": "/account/id"},
		}},
		Values: map[string]connectorauth.Secret{"key": "k1"},
		Places: []session.Place{
			{Placement: dialect.Placement{In: dialect.InCookie, Name: "SID"}, Value: "{sid}"},
			{Placement: dialect.Placement{Name: "X-CSRF"}, Value: "{csrf}"},
			{Placement: dialect.Placement{Name: "X-Account"}, Value: "{base64({id}:{key})}"},
		},
		Lifetime: session.Lifetime{Fixed: 10 * time.Minute},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(service.URL + "/orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output: SID=s1 c1 NDcxMTprMQ==
}
