package connectorauth_test

import (
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
func (p *realProvider) bend(t *testing.T, fake *authtest.Provider) {
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

func (p *realProvider) serveConsent(t *testing.T, w http.ResponseWriter, r *http.Request, next http.Handler) {
	q := r.URL.Query()
	assert.Empty(t, p.Authorize.apply(q), "authorization request")
	r.URL.RawQuery = q.Encode()
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	if location, err := recorder.Result().Location(); err == nil {
		q := location.Query()
		assert.Empty(t, p.Callback.apply(q), "callback")
		location.RawQuery = q.Encode()
		recorder.Header().Set("Location", location.String())
	}
	copyResponse(w, recorder)
}

func (p *realProvider) serveToken(t *testing.T, fake *authtest.Provider, w http.ResponseWriter, r *http.Request, next http.Handler) {
	form := requestParameters(r)
	grant := form.Get("grant_type")
	of := func(want string) bool { return want == "" || want == grant }
	if i := slices.IndexFunc(p.TokenRequests, func(want realTokenRequest) bool { return of(want.Grant) }); i < 0 {
		t.Errorf("a token request with grant_type %q", grant)
	} else {
		assert.Empty(t, p.TokenRequests[i].check(r, form, fake.TokenURL, fake.ClientSecret), "token request")
	}
	standard, status := map[string]any{}, http.StatusOK
	if given := form.Get("access_token"); given != "" { // an exchange, of which the standard knows nothing
		assert.True(t, strings.HasPrefix(given, "access-"))
		standard["access_token"], _ = fake.IssueTokens("read write")
		standard["expires_in"] = 5183944
	} else {
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
	resp := realTokenResponse{Status: status, Merge: map[string]any{}}
	if i := slices.IndexFunc(p.Responses, func(r realTokenResponse) bool { return of(r.Grant) }); status == http.StatusOK && i >= 0 {
		resp = p.Responses[i]
	} else if status != http.StatusOK && p.Refusal != nil {
		resp = *p.Refusal
	}
	resp.write(w, standard)
}

func (p *realProvider) serveAPI(t *testing.T, w http.ResponseWriter, r *http.Request, next http.Handler) {
	if name := p.API.Header; name != "" {
		value := r.Header.Get(name)
		assert.NotEmpty(t, value, "want the token in %s", name)
		assert.Empty(t, r.Header.Get("Authorization"), "want the token in %s alone", name)
		r.Header.Del(name)
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
