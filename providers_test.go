package connectorauth_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// providerRow is one real provider, as testdata/providers describes it.
type providerRow struct {
	Name   string `json:"name"`
	Source string `json:"source"` // the provider's documentation, and what it leaves open

	Grant       string                         `json:"grant"`
	AuthParams  url.Values                     `json:"authParams"`
	DisablePKCE bool                           `json:"disablePKCE"`
	ClientAuth  connectorauth.ClientAuthMethod `json:"clientAuth"`
	Scopes      []string                       `json:"scopes"` // absent: read and write
	Dialect     dialect.OAuth2                 `json:"dialect"`

	Secret     string         `json:"secret"`     // of the application; empty means a secret that needs encoding
	Static     bool           `json:"static"`     // there is no renewal
	NoRotation bool           `json:"noRotation"` // refresh tokens stay the same
	Lifetime   string         `json:"lifetime"`   // of tokens; empty means an hour, "unknown" that the provider does not say
	Extra      map[string]any `json:"extra"`      // what must be kept with the token

	behaviour
}

// behaviour is how authtest is bent to a provider's published behaviour.
type behaviour struct {
	// From what the provider is sent to what the standard has; an error if the
	// provider documents something else.
	authorize func(q url.Values) error
	token     func(r *http.Request, form url.Values) error
	api       func(r *http.Request) error
	// From the standard's response to the provider's; nil for no change.
	callback func(q url.Values)
	answer   func(form url.Values, answer map[string]any) any
	refusal  func(answer map[string]any) (status int, body any)
	rejected func() (status int, body any) // in place of the API's 401

	hosts func(c *connectorauth.OAuth2Config, p *authtest.Provider) // sets URLs within the config
}

// providerRows reads all rows.
func providerRows(t *testing.T) (rows []providerRow) {
	files, err := filepath.Glob("testdata/providers/*.json")
	require.NoError(t, err)
	unused := maps.Clone(behaviours)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var row providerRow
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&row), file)
		require.NotEmpty(t, row.Source, file)
		row.behaviour = behaviours[row.Name]
		delete(unused, row.Name)
		rows = append(rows, row)
	}
	require.Empty(t, unused, "behaviours without a provider")
	require.Len(t, rows, 28)
	return rows
}

// config returns the row's config without the client and the URLs.
func (row providerRow) config(t *testing.T) connectorauth.OAuth2Config {
	config := connectorauth.OAuth2Config{Scopes: row.Scopes, Dialect: row.Dialect}
	if row.ClientAuth != "" {
		config.ClientAuth = row.ClientAuth
	}
	if row.Scopes == nil {
		config.Scopes = []string{"read", "write"}
	}
	switch row.Grant {
	case "authorization_code":
		config.Grant = connectorauth.AuthorizationCode{Params: row.AuthParams, DisablePKCE: row.DisablePKCE}
	case "client_credentials":
		config.Grant = connectorauth.ClientCredentials{}
	default:
		t.Fatalf("%s: unknown grant %q", row.Name, row.Grant)
	}
	return config
}

// expect reports an error unless v has the parameter just so. An empty value
// means any.
func expect(v url.Values, name, value string) error {
	if got := v.Get(name); len(v[name]) != 1 || got == "" || value != "" && got != value {
		return fmt.Errorf("%s is %q, want %q", name, v[name], value)
	}
	return nil
}

// take makes a provider's parameter the standard one.
func take(v url.Values, theirs, standard string) error {
	if v.Has(standard) || len(v[theirs]) != 1 {
		return fmt.Errorf("want %s once and no %s", theirs, standard)
	}
	v[standard] = v[theirs]
	v.Del(theirs)
	return nil
}

func basic(r *http.Request) error {
	if _, _, ok := r.BasicAuth(); !ok {
		return errors.New("want Basic")
	}
	return nil
}

func inBody(r *http.Request, form url.Values) error {
	if r.Method != "POST" || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
		return errors.New("want a POST with all in its body")
	}
	return errors.Join(expect(form, "client_id", ""), expect(form, "client_secret", ""))
}

func isJSON(r *http.Request) error {
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		return fmt.Errorf("Content-Type is %s", got)
	}
	return nil
}

func isForm(r *http.Request) error {
	if got := r.Header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
		return fmt.Errorf("Content-Type is %s", got)
	}
	return nil
}

// parameters returns those of a token request, in whatever encoding.
func parameters(r *http.Request) url.Values {
	if r.Header.Get("Content-Type") == "application/json" {
		var object map[string]string
		json.NewDecoder(r.Body).Decode(&object)
		form := url.Values{}
		for name, value := range object {
			form.Set(name, value)
		}
		return form
	}
	r.ParseForm()
	return r.Form
}

func reply(w http.ResponseWriter, status int, body any) {
	if form, ok := body.(url.Values); ok {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		w.WriteHeader(status)
		fmt.Fprint(w, form.Encode())
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// bend makes p behave as the provider does.
func (row providerRow) bend(t *testing.T, p *authtest.Provider) {
	p.Inject(p.AuthURL, authtest.Always, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if row.authorize != nil {
				if err := row.authorize(q); err != nil {
					t.Errorf("authorization request: %v", err)
				}
				r.URL.RawQuery = q.Encode()
			}
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			if location, err := recorder.Result().Location(); err == nil && row.callback != nil {
				q := location.Query()
				row.callback(q)
				location.RawQuery = q.Encode()
				recorder.Header().Set("Location", location.String())
			}
			for name, values := range recorder.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(recorder.Code)
			w.Write(recorder.Body.Bytes())
		})
	})
	p.Inject(p.TokenURL, authtest.Always, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			form := parameters(r)
			asked := url.Values(http.Header(form).Clone())
			if row.token != nil {
				if err := row.token(r, form); err != nil {
					t.Errorf("token request: %v", err)
				}
			}
			answer, status := map[string]any{}, 200
			if given := form.Get("access_token"); given != "" { // a swap, of which the standard knows nothing
				assert.True(t, strings.HasPrefix(given, "access-"))
				answer["access_token"], _ = p.IssueTokens("read write")
				answer["expires_in"] = 5183944
			} else {
				standard := httptest.NewRequest("POST", p.TokenURL, strings.NewReader(form.Encode()))
				standard.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if a := r.Header.Get("Authorization"); a != "" {
					standard.Header.Set("Authorization", a)
				}
				recorder := httptest.NewRecorder()
				next.ServeHTTP(recorder, standard)
				status = recorder.Code
				assert.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &answer))
			}
			body := any(answer)
			switch {
			case status == 200 && row.answer != nil:
				body = row.answer(asked, answer)
			case status != 200 && row.refusal != nil:
				status, body = row.refusal(answer)
			}
			reply(w, status, body)
		})
	})
	p.Inject(p.BearerURL, authtest.Always, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if row.api != nil {
				if err := row.api(r); err != nil {
					t.Errorf("API request: %v", err)
				}
			}
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			if recorder.Code == 401 && row.rejected != nil {
				status, body := row.rejected()
				reply(w, status, body)
				return
			}
			w.WriteHeader(recorder.Code)
			w.Write(recorder.Body.Bytes())
		})
	})
}

func TestDialectsOfProviders(t *testing.T) {
	for _, row := range providerRows(t) {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			p := authtest.New(authtest.Config{ClientSecret: row.Secret, NoRotation: row.NoRotation})
			t.Cleanup(p.Close)
			row.bend(t, p)
			config := row.config(t)
			config.ClientID, config.ClientSecret = p.ClientID, connectorauth.Secret(p.ClientSecret)
			config.TokenURL, config.HTTPClient = p.TokenURL, p.Client()
			code, byOwner := config.Grant.(connectorauth.AuthorizationCode)
			if byOwner {
				code.AuthURL = p.AuthURL
				config.Grant = code
			}
			if row.hosts != nil {
				row.hosts(&config, p)
			}
			c, err := connectorauth.NewOAuth2(config)
			require.NoError(t, err)

			if byOwner {
				authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
				require.NoError(t, err)
				callback, err := p.Authorize(authURL)
				require.NoError(t, err)
				require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
			}
			row.requireCall(t, c, p)

			if row.Static {
				p.ExpireAccessTokens()
				_, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL)
				require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
				return
			}
			before := p.Stats().TokenRequests
			p.ExpireAccessTokens()
			row.requireCall(t, c, p)
			require.Equal(t, before+1, p.Stats().TokenRequests, "token requests of the renewal")
			if byOwner && config.Dialect.Extend == (dialect.TokenExchange{}) {
				p.RevokeGrants()
				_, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL)
				require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			}
		})
	}
}

// requireCall calls the API and looks at the token.
func (row providerRow) requireCall(t *testing.T, c *connectorauth.OAuth2, p *authtest.Provider) {
	t.Helper()
	status, body := get(t, c, p.Client(), p.BearerURL)
	require.Equal(t, 200, status, body)
	var who authtest.Identity
	require.NoError(t, json.Unmarshal([]byte(body), &who))
	require.Equal(t, "OAuth2", who.AuthType)
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	if row.Lifetime == "unknown" {
		assert.Zero(t, token.Expiry)
	} else {
		lifetime := must(time.ParseDuration(cmp.Or(row.Lifetime, "1h")))
		assert.WithinDuration(t, time.Now().Add(lifetime), token.Expiry, time.Minute)
	}
	for name, value := range row.Extra {
		assert.Equal(t, value, token.Extra(name), name)
	}
}
