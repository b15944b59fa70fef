package check

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// site is where the pages of people are, which no network reaches.
const site = "https://program.example/accounts"

// forms returns the pages on which people connect an account of the definition, of a program that
// has all that the definition asks of programs.
func forms(d *definition.Definition) (http.Handler, error) {
	set, err := definition.NewSet(d)
	if err != nil {
		return nil, err
	}
	guard, err := egress.New(egress.Config{})
	if err != nil {
		return nil, err
	}
	secret := strings.Repeat("k", 32)
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: new(accounts.Memory), Store: new(tokenstore.Memory),
		Keys: []tokenstore.Key{{ID: "check", Secret: []byte(secret)}},
		Connection: func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			return definition.Connection{
				Client: clientOf(d, a.Method), Values: hidden(d, a.Method), HTTPClient: &http.Client{Transport: guard},
			}, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return pages.New(pages.Config{
		URL: site, Keys: []connectorauth.Secret{connectorauth.Secret(secret)}, Registry: registry,
		Owner: func(*http.Request) (string, error) { return "check", nil },
	})
}

// page returns the page with the form of a method.
func page(forms http.Handler, name, method string) (string, error) {
	query := url.Values{"service": {name}, "method": {method}}
	recorder := httptest.NewRecorder()
	forms.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, site+"/connect?"+query.Encode(), nil))
	if recorder.Code != http.StatusOK {
		return "", fmt.Errorf("the page has the status %d", recorder.Code)
	}
	return recorder.Body.String(), nil
}

// inputs returns the inputs of a method, with those of the definition.
func inputs(d *definition.Definition, method string) []definition.Input {
	all := slices.Clone(d.Inputs)
	if m, err := d.Method(method); err == nil {
		all = append(all, m.Inputs...)
	}
	return all
}

// samples returns a value of each input of a method, hidden inputs included.
func samples(d *definition.Definition, method string) map[string]connectorauth.Secret {
	values := map[string]connectorauth.Secret{}
	for _, in := range inputs(d, method) {
		values[in.Name] = connectorauth.Secret(sample(in))
	}
	return values
}

// hidden returns the values that a program gives for a method.
func hidden(d *definition.Definition, method string) map[string]connectorauth.Secret {
	values := samples(d, method)
	for _, in := range inputs(d, method) {
		if !in.Hidden {
			delete(values, in.Name)
		}
	}
	return values
}

// clientOf returns the client of a program, or none for a method whose owners bring a client.
func clientOf(d *definition.Definition, method string) definition.Client {
	if has(samples(d, method), "clientId") {
		return definition.Client{}
	}
	return definition.Client{ID: replay.ClientID, Secret: replay.ClientSecret}
}

// captures returns the values that come with a token of a method.
func captures(m *definition.Method) []definition.Capture {
	if o, ok := m.Scheme.(*definition.OAuth2); ok {
		return o.Captures
	}
	return nil
}

// sample returns a value of an input.
func sample(in definition.Input) string {
	switch {
	case in.Name == "clientId":
		return replay.ClientID
	case in.Name == "clientSecret":
		return replay.ClientSecret
	case len(in.Enum) > 0:
		return in.Enum[0].Value
	case in.Example != "" && !in.Secret:
		return in.Example
	case in.Default != "":
		return in.Default
	}
	switch in.Format {
	case definition.FormatLabel:
		return "example"
	case definition.FormatHost, definition.FormatOrigin, definition.FormatURL:
		host := "www.example.com"
		if len(in.Suffixes) > 0 {
			host = "www" + in.Suffixes[0]
		}
		if in.Format != definition.FormatHost {
			return "https://" + host
		}
		return host
	case definition.FormatUUID:
		return "123e4567-e89b-12d3-a456-426614174000"
	case definition.FormatEmail:
		return "owner@example.com"
	case definition.FormatInteger:
		return "12345"
	}
	return "sample-of-" + strings.ToLower(in.Name)
}
