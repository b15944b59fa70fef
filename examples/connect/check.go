package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/authtest"
)

// selfTest does the steps of a person: connect both accounts, read the page, and
// disconnect both accounts.
func selfTest(home string, provider *authtest.Provider) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	person := &http.Client{Jar: jar}
	if err := expect(person, home, "not connected", 2); err != nil {
		return err
	}
	for _, name := range names {
		if err := connect(person, home, name, provider); err != nil {
			return fmt.Errorf("connect %s: %w", name, err)
		}
	}
	if err := expect(person, home, "the API responds with 200 OK", 2); err != nil {
		return err
	}
	for _, name := range names {
		resp, err := person.PostForm(home+"/disconnect", url.Values{"connector": {name}})
		if err != nil {
			return err
		}
		resp.Body.Close()
	}
	return expect(person, home, "not connected", 2)
}

// connect follows the link to the provider, presses Allow, and follows the redirect
// back to the application.
func connect(person *http.Client, home, name string, provider *authtest.Provider) error {
	stay := *person
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := stay.Get(home + "/connect/start?return_to=/&connector=" + name)
	if err != nil {
		return err
	}
	resp.Body.Close()
	callback, err := provider.Authorize(resp.Header.Get("Location"))
	if err != nil {
		return err
	}
	resp, err = person.Get(callback.String())
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.Request.URL.Path != "/" {
		return errors.New("the browser did not return to the application: " + resp.Status)
	}
	return nil
}

// expect checks that the page contains text, and how many times.
func expect(person *http.Client, home, text string, times int) error {
	resp, err := person.Get(home)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if n := strings.Count(string(body), text); n != times {
		return fmt.Errorf("the page contains %q %d times; want %d times", text, n, times)
	}
	return nil
}
