package connectorauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vandalize writes into every value that is reachable from a request, in place.
func vandalize(req *http.Request) {
	for _, values := range []map[string][]string{req.Header, req.Form, req.PostForm} {
		spoil(reflect.ValueOf(values))
	}
	spoil(reflect.ValueOf(req.TransferEncoding))
	req.Method, req.Host = "VANDAL", "vandal.example"
	req.URL.Host, req.URL.Path, req.URL.RawQuery = "vandal.example", "/vandal", "vandal"
}

// spoil writes into every slice and map within v, in place, as far as they can be
// exported. Spare capacity counts.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spoil(v.Field(i))
			}
		}
	case reflect.Slice:
		v = v.Slice(0, v.Cap())
		for i := range v.Len() {
			spoil(v.Index(i))
			v.Index(i).Set(spoiled(v.Type().Elem()))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			spoil(v.MapIndex(key))
			v.SetMapIndex(key, spoiled(v.Type().Elem()))
		}
	}
}

// spoiled returns a value that stands for damage.
func spoiled(of reflect.Type) reflect.Value {
	v := reflect.New(of).Elem()
	if of.Kind() == reflect.String {
		v.SetString("vandal")
	}
	return v
}

// callersRequest returns a request with all that foreign code could write into.
func callersRequest() *http.Request {
	req := must(http.NewRequest(http.MethodPost, home+"/path?page=2", strings.NewReader(`{"a":1}`)))
	req.Header.Set("Content-Type", "application/json")
	for _, value := range []string{"a", "b", "c"} { // with spare capacity
		req.Header.Add("X-Several", value)
	}
	req.Form, req.PostForm = url.Values{"form": {"a"}}, url.Values{"form": {"a"}}
	req.TransferEncoding = []string{"identity"}
	return req
}

// shown tells all of a request that a caller may look at afterwards.
func shown(req *http.Request) string {
	several := req.Header["X-Several"]
	return fmt.Sprint(req.Method, req.Host, req.URL, req.Header, several[:cap(several)], req.Form, req.PostForm, req.TransferEncoding)
}

// credentials returns what a request shows of its credentials, without what differs
// from one signature to the next.
func credentials(req fakehttp.Request) string {
	authorization, _, _ := strings.Cut(req.Header.Get("Authorization"), "oauth_timestamp") // and the nonce behind
	return fmt.Sprint(authorization, req.Header["X-Api-Key"], req.Header["X-Custom"], req.Header["Cookie"], req.URL, req.Body)
}

func TestForeignCodeChangesNeitherTheCredentialNorTheCallersRequest(t *testing.T) {
	vandal := connectorauth.Hooks{
		BeforeRequest: func(e *connectorauth.Exchange) error { spoil(reflect.ValueOf(e.Request.Header)); return nil },
		AfterResponse: func(e *connectorauth.Exchange) error {
			vandalize(e.Response.Request)
			vandalize(e.Request)
			return nil
		},
	}
	before := connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
		host := *e.Request.URL
		vandalize(e.Request)
		*e.Request.URL = host // elsewhere, the request would be refused
		return nil
	}}
	for _, s := range withPairs(tokenEndpoint()) {
		good := &fakehttp.Base{}
		send := func(c connectorauth.Connector, base http.RoundTripper) {
			req := callersRequest()
			was := shown(req)
			resp, err := c.Wrap(base).RoundTrip(req)
			require.NoError(t, err, s.name)
			assert.Same(t, req, resp.Request, s.name)
			assert.Equal(t, was, shown(req), s.name)
		}
		send(s.connector, good)
		// A base that writes in place reaches its own request and the credential in the
		// request. The caller's values are shared: see copyHeader.
		_, err := s.connector.Wrap(fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			vandalize(req)
			return fakehttp.Respond(200, ""), nil
		})).RoundTrip(callersRequest())
		require.NoError(t, err)
		for _, hooks := range []connectorauth.Hooks{vandal, before} {
			send(connectorauth.WithHooks(s.connector, hooks), &fakehttp.Base{})
			send(connectorauth.WithHooks(struct{ connectorauth.Connector }{s.connector}, hooks), &fakehttp.Base{})
		}
		send(s.connector, good)
		sent := good.Requests()
		assert.Equal(t, credentials(sent[0]), credentials(sent[1]), s.name)
	}
}

func TestFunctionsOfACustomChangeNoRequestOfTheCaller(t *testing.T) {
	obtained := 0
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, v connectorauth.CustomCredential) error {
			url := *req.URL
			vandalize(req)
			*req.URL = url
			req.Header.Set("X-Custom", string(v.Value))
			return nil
		},
		Obtain: func(_ context.Context, _ connectorauth.CustomCredential, rejection *http.Response) (connectorauth.CustomCredential, error) {
			if obtained++; rejection != nil {
				vandalize(rejection.Request)
				spoil(reflect.ValueOf(rejection.Header))
			}
			return connectorauth.CustomCredential{Value: connectorauth.Secret(fmt.Sprint("value ", obtained))}, nil
		},
		Rejected: func(resp *http.Response) bool {
			vandalize(resp.Request)
			rejected := resp.StatusCode == 401
			resp.StatusCode = 500
			return rejected
		},
	}))
	req := callersRequest()
	was := shown(req)
	base := &fakehttp.Base{Answer: fakehttp.Statuses(401, 200)}
	resp, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, was, shown(req))
	assert.Equal(t, []string{"value 2"}, base.Requests()[1].Header["X-Custom"])
}

// vandalProof is a Proof that writes into whatever it sees.
type vandalProof struct{ asked int }

func (*vandalProof) TokenTypes() []string                          { return []string{"DPoP"} }
func (*vandalProof) Bind(connectorauth.Secret) (url.Values, error) { return nil, nil }
func (*vandalProof) NewKey() (connectorauth.Secret, error)         { return "proof-key", nil }
func (*vandalProof) Prove(req *http.Request, _, _ connectorauth.Secret) error {
	url, authorization := *req.URL, req.Header.Get("Authorization")
	vandalize(req)
	*req.URL, req.Method = url, http.MethodPost
	req.Header.Set("Authorization", authorization)
	return nil
}
func (p *vandalProof) Again(resp *http.Response) bool {
	if resp.Request != nil {
		vandalize(resp.Request)
	}
	resp.StatusCode = 500
	p.asked++
	return false
}

func TestProofChangesNoRequestOfTheCaller(t *testing.T) {
	proof := new(vandalProof)
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		Proof: proof, HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, `{"access_token":"t","token_type":"DPoP"}`), nil
		})},
	}))
	req := callersRequest()
	was := shown(req)
	resp, err := c.Wrap(&fakehttp.Base{}).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, 2, proof.asked, "by the token endpoint's response, and by the API's")
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, was, shown(req))
}

// The trailer is the caller's: RFC 9110 section 6.5 and net/http let the caller set
// the values while the body is read, which is after any copy.
func TestTrailerIsSetWhileTheBodyIsRead(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		if s.name == "body key" || s.name == "AuthFields" {
			continue // read the body before
		}
		req := callersRequest()
		req.Trailer = http.Header{"X-Checksum": nil}
		base := fakehttp.RoundTripper(func(out *http.Request) (*http.Response, error) {
			req.Trailer.Set("X-Checksum", "late")
			assert.Equal(t, "late", out.Trailer.Get("X-Checksum"), s.name)
			return fakehttp.Respond(200, ""), nil
		})
		_, err := connectorauth.WithHooks(s.connector, connectorauth.Hooks{}).Wrap(base).RoundTrip(req)
		require.NoError(t, err)
	}
}

// A connector does what its config said when the connector was made, whatever
// becomes of the config's slices and maps.
func TestChangedConfigChangesNoConnector(t *testing.T) { synctest.Test(t, changedConfig) }

func changedConfig(t *testing.T) {
	tokens := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(200, `{"data":{"token":"t","refresh":"r"},"expires_in":1}`), nil
	}}
	hosts := func() []string { return []string{"api.example.test", "*.other.test"} }
	values := func(name string) url.Values { return url.Values{name: {"a", "b"}} }
	oauth2Config := connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: providerURL + "/token", Scopes: []string{"read", "write"}, Hosts: hosts(),
		Grant: connectorauth.AuthorizationCode{AuthURL: providerURL + "/authorize", Params: values("prompt")}, HTTPClient: &http.Client{Transport: tokens},
		Dialect: dialect.OAuth2{
			AuthNames: map[string]string{"scope": "scopes"}, TokenNames: map[string]string{"code": "auth_code"},
			CallbackValues: []string{"realm"}, InvalidGrantCodes: []string{"gone"}, TokenHeader: http.Header{"X-Token": {"a"}},
			TokenParams: values("tenant"), RefreshParams: values("resource"), Rejections: []dialect.Rejection{{Status: 400}},
			Response: dialect.Response{AccessToken: "data.token", RefreshToken: "data.refresh"},
		},
	}
	type made struct {
		connector connectorauth.Connector
		config    any
	}
	build := func() []made {
		c := oauth2Config
		c.Hosts, c.Scopes = hosts(), []string{"read", "write"}
		c.Dialect = oauth2Config.Dialect.Clone()
		c.Grant = connectorauth.AuthorizationCode{AuthURL: providerURL + "/authorize", Params: values("prompt")}
		key := connectorauth.APIKeyConfig{Key: secretKey, Hosts: hosts()}
		basic := connectorauth.BasicConfig{Username: "user", Password: password, Hosts: hosts()}
		fields := connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "key", Value: fieldValue}}, Methods: []string{"POST"}, Hosts: hosts()}
		signed := connectorauth.OAuth1Config{ClientID: "client", ClientSecret: clientSecret, Hosts: hosts()}
		custom := connectorauth.CustomConfig{Hosts: hosts(), Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil }}
		return []made{
			{must(connectorauth.NewOAuth2(c)), &c}, {must(connectorauth.NewAPIKey(key)), &key}, {must(connectorauth.NewBasic(basic)), &basic},
			{must(connectorauth.NewAuthFields(fields)), &fields}, {must(connectorauth.NewOAuth1(signed)), &signed}, {must(connectorauth.NewCustom(custom)), &custom},
		}
	}
	// behaviour tells all that a connector does.
	behaviour := func(c connectorauth.Connector) string {
		var out strings.Builder
		if o, ok := c.(*connectorauth.OAuth2); ok {
			tokens.Forget()
			authURL, pending, err := o.Begin(t.Context(), redirectURL)
			require.NoError(t, err)
			shown := must(url.Parse(authURL)).Query()
			callback := url.Values{"state": {shown.Get("state")}, "code": {"code"}, "realm": {"r"}}
			shown.Del("state")
			shown.Del("code_challenge")
			fmt.Fprintln(&out, shown)
			require.NoError(t, o.Finish(t.Context(), pending, callback))
			time.Sleep(time.Second + time.Millisecond) // the token expires
			for _, extra := range must(o.Token(t.Context())).Extra("realm").(string) {
				fmt.Fprintln(&out, extra)
			}
			for _, r := range tokens.Requests() {
				form := must(url.ParseQuery(r.Body))
				form.Del("code_verifier")
				fmt.Fprintln(&out, r.Header, form)
			}
		}
		if f, ok := c.(*connectorauth.AuthFields); ok {
			fmt.Fprintln(&out, f.Fields())
		}
		for _, target := range []string{home, "https://a.other.test", "https://vandal", "https://elsewhere.test"} {
			base := &fakehttp.Base{Answer: fakehttp.Statuses(400, 200)}
			resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Post(target, "application/json", strings.NewReader(`{"a":1}`))
			if err == nil {
				resp.Body.Close()
			}
			fmt.Fprintln(&out, err, len(base.Requests()))
			for _, r := range base.Requests() {
				fmt.Fprintln(&out, credentials(r))
			}
		}
		return out.String()
	}
	pristine, changed := build(), build()
	for i := range changed {
		spoil(reflect.ValueOf(changed[i].config))
		assert.Equal(t, behaviour(pristine[i].connector), behaviour(changed[i].connector), "%T", changed[i].config)
	}
	f := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "key", Value: fieldValue}}}))
	spoil(reflect.ValueOf(f.Fields()))
	assert.Equal(t, "key", f.Fields()[0].Key)
}
