package dialect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// full is a dialect with every field set.
var full = dialect.OAuth2{
	ScopeSeparator: ",", AuthNames: map[string]string{"scope": "user_scope", "response_type": ""}, CodeName: "auth_code", CallbackValues: []string{"realmId"},
	TokenEncoding: dialect.EncodeJSON, TokenNames: map[string]string{"client_id": "client_key"}, TokenHeader: http.Header{"X-Version": {"2", "3"}},
	TokenParams: url.Values{"resource": {"a", "b"}}, GrantType: "custom", RepeatState: true,
	LongLived:  dialect.TokenExchange{GrantType: "fb_exchange_token", Name: "fb_exchange_token", URL: "https://graph.example/x"},
	Regions:    dialect.Regions{Callback: "location", Response: "data.region", Origins: map[string]string{"eu": "https://p.example.eu"}},
	RefreshURL: "https://p.example/refresh", RefreshParams: url.Values{"scope": {"a b"}}, KeepRefreshToken: true, RefreshGrace: true,
	Extend: dialect.TokenExchange{GrantType: "ig_refresh_token", Name: "access_token", URL: "https://graph.example/y"},
	Response: dialect.Response{
		AccessToken: "data.token", RefreshToken: "data.refresh", Scope: "data.scope", Error: "code", ErrorDescription: "text", Expiry: "data.exp", RefreshExpiry: "data.rexp",
		ExpiryFormat: dialect.ExpiryRFC3339, Lifetime: 90 * time.Minute, AnyTokenType: true,
	},
	InvalidGrantCodes: []string{"190"}, Placement: dialect.Placement{In: dialect.InQuery, Name: "token", Exact: true, Prefix: "v1 "},
	Rejections: []dialect.Rejection{{Status: 403, Header: "X-Error", HeaderValue: "expired", Path: "error.code", Value: "190", Body: "session"}},
}

const fullJSON = `{
	"scopeSeparator": ",", "authNames": {"scope": "user_scope", "response_type": ""}, "codeName": "auth_code", "callbackValues": ["realmId"],
	"tokenEncoding": "json", "tokenNames": {"client_id": "client_key"}, "tokenHeader": {"X-Version": ["2", "3"]},
	"tokenParams": {"resource": ["a", "b"]}, "grantType": "custom", "repeatState": true,
	"longLived": {"grantType": "fb_exchange_token", "name": "fb_exchange_token", "url": "https://graph.example/x"},
	"regions": {"callback": "location", "response": "data.region", "origins": {"eu": "https://p.example.eu"}},
	"refreshUrl": "https://p.example/refresh", "refreshParams": {"scope": ["a b"]}, "keepRefreshToken": true, "refreshGrace": true,
	"extend": {"grantType": "ig_refresh_token", "name": "access_token", "url": "https://graph.example/y"},
	"response": {
		"accessToken": "data.token", "refreshToken": "data.refresh", "scope": "data.scope", "error": "code", "errorDescription": "text", "expiry": "data.exp", "refreshExpiry": "data.rexp",
		"expiryFormat": "rfc3339", "lifetime": "1h30m0s", "anyTokenType": true
	},
	"invalidGrantCodes": ["190"], "placement": {"in": "query", "name": "token", "exact": true, "prefix": "v1 "},
	"rejections": [{"status": 403, "header": "X-Error", "headerValue": "expired", "path": "error.code", "value": "190", "body": "session"}]
}`

// walk visits v and everything in it.
func walk(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	visit(path, v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walk(v.MapIndex(key), fmt.Sprintf("%s[%v]", path, key), visit)
		}
	}
}

// So that no test forgets a field.
func TestFullHasEveryField(t *testing.T) {
	walk(reflect.ValueOf(full), "full", func(path string, v reflect.Value) {
		if !strings.HasSuffix(path, "[response_type]") {
			assert.False(t, v.IsZero(), path)
		}
	})
}

func TestJSONRoundTrip(t *testing.T) {
	text, err := json.Marshal(full)
	require.NoError(t, err)
	assert.JSONEq(t, fullJSON, string(text))
	var got dialect.OAuth2
	dec := json.NewDecoder(strings.NewReader(fullJSON))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&got))
	assert.Equal(t, full, got)

	text, err = json.Marshal(dialect.OAuth2{})
	require.NoError(t, err)
	assert.Equal(t, "{}", string(text), "defaults are left out")
	got = dialect.OAuth2{}
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Equal(t, dialect.OAuth2{}, got)
}

// Every member has its Go name in lower camel case.
func TestJSONNames(t *testing.T) {
	for _, v := range []any{dialect.OAuth2{}, dialect.Regions{}, dialect.TokenExchange{}, dialect.Rejection{}, dialect.Placement{}, dialect.Response{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(v)) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			want := strings.ReplaceAll(field.Name, "URL", "Url")
			want = string(unicode.ToLower(rune(want[0]))) + want[1:]
			if field.Name == "URL" {
				want = "url"
			}
			if field.Name == "Lifetime" { // written as text
				want = "-"
			}
			assert.Equal(t, want, name, "%T.%s", v, field.Name)
		}
	}
}

// word is an enumeration.
type word interface{ Valid() bool }

func TestEnumerations(t *testing.T) {
	for _, test := range []struct {
		to    word // pointer
		words string
	}{
		{new(dialect.Encoding), "form json query get"},
		{new(dialect.ExpiryFormat), "seconds milliseconds unix rfc3339"},
		{new(dialect.Location), "header query cookie body"},
		{new(dialect.FieldType), "text password integer number boolean"},
		{new(dialect.BodyFormat), "json form multipart xml"},
		{new(dialect.Charset), "UTF-8 ISO-8859-1"},
	} {
		name := reflect.TypeOf(test.to).Elem().Name()
		set := func(s string) { reflect.ValueOf(test.to).Elem().SetString(s) }
		for good := range strings.FieldsSeq(test.words) {
			require.NoError(t, json.Unmarshal([]byte(`"`+good+`"`), test.to), name)
			assert.Equal(t, good, reflect.ValueOf(test.to).Elem().String())
			assert.True(t, test.to.Valid(), good)
			text, err := json.Marshal(test.to)
			require.NoError(t, err)
			assert.Equal(t, `"`+good+`"`, string(text))
		}
		for _, bad := range []string{`""`, `"unknown"`, `" ` + strings.Fields(test.words)[0] + `"`, `"` + strings.ToUpper(test.words[:4]) + `"`, `1`, `true`, `[]`, `{}`} {
			set("before")
			assert.Error(t, json.Unmarshal([]byte(bad), test.to), "%s %s", name, bad)
			assert.Equal(t, "before", reflect.ValueOf(test.to).Elem().String(), "nothing half read")
		}
		set("")
		assert.True(t, test.to.Valid(), "empty means the default")
		for _, bad := range []string{"unknown", " ", test.words} {
			set(bad)
			assert.False(t, test.to.Valid(), "%s %q", name, bad)
		}
	}
	err := json.Unmarshal([]byte(`{"tokenEncoding":"Form"}`), new(dialect.OAuth2))
	assert.ErrorContains(t, err, `unknown word "Form"`)
}

func TestEmptyAndUnknownWordsAreRefusedEverywhere(t *testing.T) {
	for _, text := range []string{
		`{"tokenEncoding":""}`, `{"tokenEncoding":"xml"}`, `{"response":{"expiryFormat":""}}`, `{"response":{"expiryFormat":"weeks"}}`,
		`{"placement":{"in":""}}`, `{"placement":{"in":"paths"}}`,
	} {
		assert.ErrorContains(t, json.Unmarshal([]byte(text), new(dialect.OAuth2)), "unknown word", text)
	}
}

func TestLifetimesAreText(t *testing.T) {
	for text, want := range map[string]time.Duration{`"1h30m"`: 90 * time.Minute, `"5400s"`: 90 * time.Minute, `"1ns"`: 1, `"0.5s"`: time.Second / 2} {
		var r dialect.Response
		require.NoError(t, json.Unmarshal([]byte(`{"lifetime":`+text+`}`), &r), text)
		assert.Equal(t, want, r.Lifetime)
		written, err := json.Marshal(r)
		require.NoError(t, err)
		assert.JSONEq(t, fmt.Sprintf(`{"lifetime":%q}`, want), string(written))
	}
	for _, text := range []string{`""`, `"0s"`, `"-1s"`, `"soon"`, `"3600"`, `3600`, `true`, `[]`, `"300000h0000000000000000000000"`} {
		r := dialect.Response{AccessToken: "before"}
		assert.Error(t, json.Unmarshal([]byte(`{"accessToken":"a","lifetime":`+text+`}`), &r), text)
		assert.Equal(t, dialect.Response{AccessToken: "before"}, r, "nothing half read")
	}
	written, err := json.Marshal(dialect.Response{Scope: "s"})
	require.NoError(t, err)
	assert.Equal(t, `{"scope":"s"}`, string(written))
}

func TestUnknownMembersOfAResponseAreRefused(t *testing.T) {
	for _, text := range []string{`{"accesstoken2":"a"}`, `{"format":"unix"}`, `{"plainResponse":{}}`, `{"Response":{}}`} {
		assert.ErrorContains(t, json.Unmarshal([]byte(text), new(dialect.Response)), "unknown field", text)
		assert.ErrorContains(t, json.Unmarshal([]byte(`{"response":`+text+`}`), new(dialect.OAuth2)), "unknown field", text)
	}
	for _, text := range []string{``, `[]`, `"x"`, `{"scope":1}`, `{`} {
		assert.Error(t, json.Unmarshal([]byte(text), new(dialect.Response)), text)
	}
	r := dialect.Response{Scope: "former", Lifetime: 1}
	require.NoError(t, json.Unmarshal([]byte(`{"error":"code"}`), &r))
	assert.Equal(t, dialect.Response{Error: "code"}, r, "what is read replaces all")
}

// Every type, alone and within the others, refuses what it does not know.
func TestUnknownMembersAreRefusedEverywhere(t *testing.T) {
	for _, to := range []any{new(dialect.OAuth2), new(dialect.Regions), new(dialect.TokenExchange), new(dialect.Rejection), new(dialect.Placement), new(dialect.Response)} {
		before := reflect.ValueOf(to).Elem().Interface()
		for _, text := range []string{`{"canary":1}`, `{"x-note":""}`, `{"":1}`} {
			err := json.Unmarshal([]byte(text), to)
			assert.ErrorContains(t, err, "unknown field", "%T %s", to, text)
			assert.Equal(t, before, reflect.ValueOf(to).Elem().Interface())
		}
	}
	for _, text := range []string{
		`{"response":{"canary":1}}`, `{"regions":{"canary":1}}`, `{"placement":{"canary":1}}`, `{"longLived":{"grantType":"x","canary":1}}`, `{"extend":{"canary":1}}`,
		`{"rejections":[{"status":403},{"canary":1}]}`,
	} {
		d := dialect.OAuth2{CodeName: "before"}
		assert.ErrorContains(t, json.Unmarshal([]byte(text), &d), `unknown field "canary"`, text)
		assert.Equal(t, dialect.OAuth2{CodeName: "before"}, d, "nothing half read")
	}
	// A struct that is added later refuses too.
	walk(reflect.ValueOf(full), "full", func(path string, v reflect.Value) {
		if v.Kind() == reflect.Struct {
			to := reflect.New(v.Type()).Interface()
			assert.ErrorContains(t, json.Unmarshal([]byte(`{"canary":1}`), to), "unknown field", path)
		}
	})
	for _, text := range []string{`[]`, `"x"`, `1`, `{`, ``} {
		assert.Error(t, json.Unmarshal([]byte(text), new(dialect.OAuth2)), text)
	}
	d := dialect.OAuth2{CodeName: "before", AuthNames: map[string]string{"a": "b"}}
	require.NoError(t, json.Unmarshal([]byte(`{"grantType":"x"}`), &d))
	assert.Equal(t, dialect.OAuth2{GrantType: "x"}, d, "what is read replaces all")
}

func TestUnknownMemberNamesTheNearest(t *testing.T) {
	for text, want := range map[string]string{
		`{"scopeSeperator":","}`:              "did you mean scopeSeparator?",
		`{"ScopeSeparator":","}`:              "did you mean scopeSeparator?",
		`{"refreshURL":""}`:                   "did you mean refreshUrl?",
		`{"tokenParam":{}}`:                   "did you mean tokenParams?",
		`{"response":{"expiresFormat":""}}`:   "did you mean expiryFormat?",
		`{"response":{"lifetimes":"1h"}}`:     "did you mean lifetime?",
		`{"rejections":[{"headervalue":""}]}`: "did you mean headerValue?",
		`{"placement":{"nam":""}}`:            "did you mean name?",
		`{"longLived":{"uri":""}}`:            "did you mean url?",
	} {
		assert.ErrorContains(t, json.Unmarshal([]byte(text), new(dialect.OAuth2)), want, text)
	}
	err := json.Unmarshal([]byte(`{"somethingElse":1}`), new(dialect.OAuth2))
	require.ErrorContains(t, err, `unknown field "somethingElse"`)
	assert.NotContains(t, err.Error(), "did you mean")
}

// A connector keeps a clone, and programs may change what they gave.
func TestCloneSharesNothing(t *testing.T) {
	clone := full.Clone()
	assert.Equal(t, full, clone)
	memory := map[uintptr]string{}
	note := func(path string, v reflect.Value) (uintptr, bool) {
		switch v.Kind() {
		case reflect.Map, reflect.Slice:
			return v.Pointer(), true
		case reflect.Pointer, reflect.Interface, reflect.Chan, reflect.Func:
			t.Errorf("%s is a %v: Clone, and this test, must learn to copy it", path, v.Kind())
		}
		return 0, false
	}
	walk(reflect.ValueOf(full), "full", func(path string, v reflect.Value) {
		if at, ok := note(path, v); ok {
			memory[at] = path
		}
	})
	require.GreaterOrEqual(t, len(memory), 11, "maps, slices, and the slices in maps")
	walk(reflect.ValueOf(clone), "clone", func(path string, v reflect.Value) {
		if at, ok := note(path, v); ok {
			assert.Empty(t, memory[at], "%s is shared", path)
		}
	})
	assert.Equal(t, dialect.OAuth2{}, dialect.OAuth2{}.Clone(), "nil stays nil")
}

// FuzzJSON: what is read can be written, and is then read as the same.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(fullJSON))
	f.Add([]byte(`{"response":{"lifetime":"1h","expiryFormat":"unix"},"extend":{}}`))
	f.Add([]byte(`{"rejections":[{}],"tokenHeader":{"a":null},"authNames":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d, again dialect.OAuth2
		if json.Unmarshal(text, &d) != nil {
			return
		}
		written, err := json.Marshal(d)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(written, &again))
		twice, err := json.Marshal(again)
		require.NoError(t, err)
		require.True(t, bytes.Equal(written, twice))
		require.True(t, d.TokenEncoding.Valid() && d.Placement.In.Valid() && d.Response.ExpiryFormat.Valid() && d.Response.Lifetime >= 0)
	})
}

func TestTheFirstUnknownFieldIsNamed(t *testing.T) {
	for range 30 {
		var d dialect.OAuth2
		require.ErrorContains(t, json.Unmarshal([]byte(`{"zzz": 1, "aaa": 1}`), &d), `"aaa"`)
	}
}
