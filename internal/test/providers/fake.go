package providers

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
)

// bend makes fake behave as the provider does, and checks what arrives.
func (p *Provider) bend(t *testing.T, fake *authtest.Provider) {
	for endpoint, handle := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		fake.AuthURL: func(w http.ResponseWriter, r *http.Request, next http.Handler) { p.serveConsent(t, w, r, next) },
		fake.TokenURL: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			p.serveToken(t, fake, w, r, next)
		},
		fake.BearerURL: func(w http.ResponseWriter, r *http.Request, next http.Handler) { p.serveAPI(t, w, r, next) },
	} {
		fake.Inject(endpoint, authtest.Always, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, next) })
		})
	}
}

func (p *Provider) serveConsent(t *testing.T, w http.ResponseWriter, r *http.Request, next http.Handler) {
	q := r.URL.Query()
	assert.Empty(t, p.Authorize.apply(q, p.scopes), "authorization request")
	if p.ScopeSeparator != "" {
		assert.Equal(t, strings.ReplaceAll(p.scopes, " ", p.ScopeSeparator), q.Get("scope"))
		q.Set("scope", p.scopes)
	}
	r.URL.RawQuery = q.Encode()
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	if location, err := recorder.Result().Location(); err == nil {
		q := location.Query()
		assert.Empty(t, p.Callback.apply(q, p.scopes), "callback")
		location.RawQuery = q.Encode()
		recorder.Header().Set("Location", location.String())
	}
	copyResponse(w, recorder)
}

func (p *Provider) serveToken(t *testing.T, fake *authtest.Provider, w http.ResponseWriter, r *http.Request, next http.Handler) {
	form := requestParameters(r)
	grant := form.Get("grant_type")
	of := func(want string) bool { return want == "" || want == grant }
	if i := slices.IndexFunc(p.TokenRequests, func(want tokenRequest) bool { return of(want.Grant) }); i < 0 {
		t.Errorf("a token request with grant_type %q", grant)
	} else {
		assert.Empty(t, p.TokenRequests[i].check(r, form, fake.TokenURL, fake.ClientSecret, p.scopes), "token request")
	}
	standard, status := map[string]any{}, http.StatusOK
	switch given := form.Get("access_token"); { // an exchange, of which the standard knows nothing
	case given != "" && !works(fake, given):
		status = http.StatusBadRequest
	case given != "":
		standard["access_token"], _ = fake.IssueTokens(p.scopes)
		standard["expires_in"] = 5183944
	default:
		request := httptest.NewRequest(http.MethodPost, fake.TokenURL, strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if auth := r.Header.Get("Authorization"); auth != "" {
			request.Header.Set("Authorization", auth)
		}
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, request)
		status = recorder.Code
		assert.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &standard))
	}
	resp := tokenResponse{Status: status, Merge: map[string]any{}}
	if i := slices.IndexFunc(p.Responses, func(r tokenResponse) bool { return of(r.Grant) }); status == http.StatusOK && i >= 0 {
		resp = p.Responses[i]
	} else if status != http.StatusOK && p.Refusal != nil {
		resp = *p.Refusal
	}
	resp.write(w, standard)
}

func (p *Provider) serveAPI(t *testing.T, w http.ResponseWriter, r *http.Request, next http.Handler) {
	if p.API != (apiPlace{}) {
		name := cmp.Or(p.API.Header, "Authorization")
		value, found := strings.CutPrefix(r.Header.Get(name), p.API.Prefix)
		assert.True(t, found && value != "", "want the token in %s after %q", name, p.API.Prefix)
		r.Header.Del(name)
		assert.Empty(t, r.Header.Get("Authorization"), "want the token in %s alone", name)
		r.Header.Set("Authorization", "Bearer "+value)
	}
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	if recorder.Code == http.StatusUnauthorized && p.Rejected != nil {
		p.Rejected.write(w, nil)
		return
	}
	w.WriteHeader(recorder.Code)
	w.Write(recorder.Body.Bytes())
}

// requestParameters returns the parameters of a token request, in whatever
// encoding.
func requestParameters(r *http.Request) url.Values {
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

func copyResponse(w http.ResponseWriter, recorder *httptest.ResponseRecorder) {
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorder.Code)
	w.Write(recorder.Body.Bytes())
}

// works reports whether the fake takes an access token, whatever the provider wants of
// requests to the API.
func works(fake *authtest.Provider, token string) bool {
	r := httptest.NewRequest(http.MethodGet, fake.ScopeURL(http.StatusUnauthorized, ""), nil)
	r.Header.Set("Authorization", "Bearer "+token)
	recorder := httptest.NewRecorder()
	fake.Handler().ServeHTTP(recorder, r)
	return recorder.Code == http.StatusOK
}
