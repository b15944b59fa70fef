package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"time"
)

// A person is a user of the program, with the cookies of a browser.
type person struct {
	*http.Client
	home, name, password string
}

// account is what the JSON API of the pages tells of an account.
type account struct{ ID, Service, Status, Label, Consent string }

// check does the steps of two users, as their browsers would. The error says which step
// went wrong.
func (d *demo) check(home string) (err error) {
	defer func() {
		if failed := recover(); failed != nil {
			err = fmt.Errorf("check: %v", failed)
		}
	}()
	ada, bob := newPerson(home, "ada", d.passwords["ada"]), newPerson(home, "bob", d.passwords["bob"])
	for _, path := range []string{"/", "/use", "/metrics", "/accounts/", "/accounts/api/accounts"} {
		newPerson(home, "ada", "wrong").want(http.StatusUnauthorized, "GET", path, nil, nil)
		newPerson(home, "", "").want(http.StatusUnauthorized, "GET", path, nil, nil)
	}
	var offered struct{ Services []struct{ Service string } }
	ada.want(http.StatusOK, "GET", "/accounts/api/services", nil, &offered)
	equal(5, len(offered.Services), "services")

	owner := d.Owners[0]
	ada.want(http.StatusUnprocessableEntity, "POST", "/accounts/api/accounts", connect{"shop", values{"apiKey": "wrong"}}, nil)
	login := values{"user": owner.Username, "password": owner.Password}
	ada.want(http.StatusUnprocessableEntity, "POST", "/accounts/api/accounts", connect{"desk", login.with("subdomain", "globex")}, nil)
	labels := map[string]string{}
	for service, given := range map[string]values{
		"shop": {"apiKey": owner.APIKey}, "desk": login.with("subdomain", owner.Tenant), "books": login, "crm": nil,
		"reports": {"clientId": d.ClientID, "clientSecret": d.ClientSecret},
	} {
		var a account
		ada.want(http.StatusCreated, "POST", "/accounts/api/accounts", connect{service, given}, &a)
		if a.Consent != "" {
			d.consent(ada, owner.Username, a.Consent)
		}
		labels[service] = owner.Label
	}
	labels["reports"] = "the app " + d.ClientID

	list := ada.list()
	equal(5, len(list), "accounts of ada")
	for _, a := range list {
		equal("ok "+labels[a.Service], a.Status+" "+a.Label, a.Service)
		ada.want(http.StatusOK, "GET", "/use?id="+a.ID, nil, nil)
		for path, want := range map[string]int{"/use?id=" + a.ID: http.StatusNotFound, "/accounts/api/accounts/" + a.ID: http.StatusNotFound} {
			bob.want(want, "GET", path, nil, nil)
		}
		bob.want(http.StatusNotFound, "DELETE", "/accounts/api/accounts/"+a.ID, nil, nil)
	}
	equal(0, len(bob.list()), "accounts of bob")
	equal(true, strings.Contains(ada.want(http.StatusOK, "GET", "/", nil, nil), "crm: "+owner.Label), "the home page lists the accounts")
	equal("5", d.gauge(ada, "connectorauth_accounts", "ok"), "accounts in the metrics")

	d.RevokeGrantsOf(owner.Username) // at the service
	d.ExpireAccessTokens()
	for _, a := range list {
		if a.Service == "crm" {
			ada.want(http.StatusBadGateway, "GET", "/use?id="+a.ID, nil, nil)
			inNeed := func() string { return d.gauge(ada, "connectorauth_accounts", "reauth_required") }
			for began := time.Now(); inNeed() != "1" && time.Since(began) < time.Minute; { // the index learns a moment later
				time.Sleep(20 * time.Millisecond)
			}
			equal("1", inNeed(), "accounts in the metrics that need their owner")
			ada.want(http.StatusOK, "POST", "/accounts/api/accounts/"+a.ID+"/reconnect", connect{}, &a)
			d.consent(ada, owner.Username, a.Consent)
			ada.want(http.StatusOK, "GET", "/use?id="+a.ID, nil, nil)
		}
	}
	for _, a := range list {
		ada.want(http.StatusOK, "DELETE", "/accounts/api/accounts/"+a.ID, nil, nil)
	}
	equal(0, len(ada.list()), "accounts after Disconnect")
	equal([2]int{1, 2}, [2]int{d.Stats().Logouts, d.Stats().RevokedGrants}, "what has ended at the services")
	return nil
}

type values map[string]string

// with returns v and one more value.
func (v values) with(name, value string) values {
	more := values{name: value}
	for name, value := range v {
		more[name] = value
	}
	return more
}

// connect is what the JSON API of the pages takes.
type connect struct {
	Service string `json:"service"`
	Values  values `json:"values"`
}

func newPerson(home, name, password string) *person {
	return &person{&http.Client{Jar: need(cookiejar.New(nil)), Transport: &http.Transport{DisableKeepAlives: true}}, home, name, password}
}

// want makes a request with a body that becomes JSON, requires a status, and reads JSON into
// v, if v is not nil.
func (p *person) want(status int, method, path string, body, v any) string {
	var content []byte
	if body != nil {
		content = need(json.Marshal(body))
	}
	req := need(http.NewRequest(method, p.home+path, bytes.NewReader(content)))
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(p.name, p.password)
	resp := need(p.Do(req))
	defer resp.Body.Close()
	text := need(io.ReadAll(resp.Body))
	if resp.StatusCode != status {
		panic(fmt.Sprintf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, status, text))
	}
	if v != nil {
		need(0, json.Unmarshal(text, v))
	}
	return string(text)
}

func (p *person) list() []account {
	var page struct{ Accounts []account }
	p.want(http.StatusOK, "GET", "/accounts/api/accounts", nil, &page)
	return page.Accounts
}

// consent follows the way to the provider's page, allows access, and comes back.
func (d *demo) consent(p *person, username, start string) {
	stay := *p.Client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req := need(http.NewRequest("GET", start, nil))
	req.SetBasicAuth(p.name, p.password)
	resp := need(stay.Do(req))
	resp.Body.Close()
	callback := need(d.AuthorizeAs(username, resp.Header.Get("Location")))
	p.want(http.StatusOK, "GET", strings.TrimPrefix(callback.String(), p.home), nil, nil)
}

// gauge returns how many accounts have a status in the metrics.
func (d *demo) gauge(p *person, name, status string) string {
	found := regexp.MustCompile(`(?m)^` + name + `\{.*status="` + status + `".*\} (\d+)$`).FindStringSubmatch(p.want(http.StatusOK, "GET", "/metrics", nil, nil))
	if found == nil {
		return "none"
	}
	return found[1]
}

// need returns v, and ends the steps if there is an error.
func need[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func equal[T comparable](want, got T, what string) {
	if got != want {
		panic(fmt.Sprintf("%s: %v, want %v", what, got, want))
	}
}
