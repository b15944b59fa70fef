package dialect_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// full is a dialect with every field set.
func full() dialect.OAuth2 {
	return dialect.OAuth2{
		ScopeSeparator: ",", AuthNames: map[string]string{"scope": "user_scope"}, CodeName: "auth_code", CallbackValues: []string{"realmId"},
		TokenEncoding: dialect.EncodeJSON, TokenNames: map[string]string{"client_id": "client_key"},
		TokenHeader: http.Header{"X-Version": {"2"}}, TokenParams: url.Values{"audience": {"a"}}, GrantType: "client", RepeatState: true,
		LongLived:  dialect.TokenExchange{GrantType: "exchange", Name: "t", URL: "https://p.example/long"},
		RefreshURL: "https://p.example/refresh", RefreshParams: url.Values{"scope": {"s"}}, KeepRefreshToken: true,
		Extend: dialect.TokenExchange{GrantType: "extend"},
		Response: dialect.Response{
			AccessToken: "data.token", RefreshToken: "data.refresh", Scope: "data.scope", Error: "error.code", ErrorDescription: "error.text",
			Expiry: "data.expires", ExpiryFormat: dialect.ExpiryMilliseconds, Lifetime: 90 * time.Minute, AnyTokenType: true,
		},
		InvalidGrantCodes: []string{"190"},
		Placement:         dialect.Placement{In: dialect.InQuery, Name: "token", Prefix: "p"},
		Rejections:        []dialect.Rejection{{Status: 403, Header: "X-Error", HeaderValue: "expired", Path: "error.code", Value: "190", Body: "expired"}},
	}
}

func TestDialectSurvivesJSON(t *testing.T) {
	for name, want := range map[string]dialect.OAuth2{"full": full(), "empty": {}} {
		text, err := json.Marshal(want)
		require.NoError(t, err, name)
		var got dialect.OAuth2
		require.NoError(t, json.Unmarshal(text, &got), name)
		assert.Equal(t, want, got, name)
	}
	text, err := json.Marshal(dialect.OAuth2{})
	require.NoError(t, err)
	assert.Equal(t, "{}", string(text))
	text, err = json.Marshal(full())
	require.NoError(t, err)
	assert.Contains(t, string(text), `"lifetime":"1h30m0s"`)
	assert.Contains(t, string(text), `"expiryFormat":"milliseconds"`)
}

func TestEveryFieldOfTheTestDialectIsSet(t *testing.T) {
	requireSet(t, "OAuth2", reflect.ValueOf(full()))
}

func requireSet(t *testing.T, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := path + "." + v.Type().Field(i).Name
			if path == "OAuth2" || path == "OAuth2.Response" {
				assert.False(t, v.Field(i).IsZero(), "%s must be set in full, so that the tests see the field", name)
			}
			requireSet(t, name, v.Field(i))
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	original := full()
	clone := original.Clone()
	assert.Equal(t, original, clone)
	a, b := reflect.ValueOf(original), reflect.ValueOf(clone)
	for i := range a.NumField() {
		switch name := a.Type().Field(i).Name; a.Field(i).Kind() {
		case reflect.Map, reflect.Slice:
			assert.NotEqual(t, a.Field(i).Pointer(), b.Field(i).Pointer(), name)
		}
	}
	original.TokenHeader["X-Version"][0], original.TokenParams["audience"][0], original.RefreshParams["scope"][0] = "x", "x", "x"
	assert.Equal(t, full(), clone)
}

func TestJSONRefusesEmptyAndUnknownWords(t *testing.T) {
	for _, text := range []string{
		`{"tokenEncoding":""}`, `{"tokenEncoding":"FORM"}`, `{"placement":{"in":""}}`, `{"placement":{"in":"path"}}`,
		`{"response":{"expiryFormat":""}}`, `{"response":{"expiryFormat":"days"}}`, `{"response":{"lifetime":""}}`,
		`{"response":{"lifetime":"-1h"}}`, `{"response":{"lifetime":3600}}`, `{"response":{"lifeTime":"1h","x":1}}`,
	} {
		var d dialect.OAuth2
		assert.Error(t, json.Unmarshal([]byte(text), &d), text)
	}
}

func TestWords(t *testing.T) {
	var fieldType dialect.FieldType
	var format dialect.BodyFormat
	for _, word := range []string{"text", "password", "integer", "number", "boolean"} {
		require.NoError(t, fieldType.UnmarshalText([]byte(word)))
		assert.Equal(t, word, string(fieldType))
	}
	for _, word := range []string{"json", "form", "multipart", "xml"} {
		require.NoError(t, format.UnmarshalText([]byte(word)))
		assert.Equal(t, word, string(format))
	}
	for _, word := range []string{"", "JSON", "yaml"} {
		require.Error(t, fieldType.UnmarshalText([]byte(word)))
		require.ErrorContains(t, format.UnmarshalText([]byte(word)), "use json, form, multipart or xml")
	}
	assert.Equal(t, "boolean", string(fieldType), "an error changes nothing")
	assert.True(t, dialect.Location("").Valid(), "empty is the default")
	assert.False(t, dialect.Location("body ").Valid())
}
