package tokenhttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/tokenhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEncodings(t *testing.T) {
	want := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"r+/&="}, "appid": {"client"}, "secret": {"s3cret&="}, "resource": {"a", "b"}}
	for encoding, method := range map[tokenhttp.Encoding]string{
		tokenhttp.Form: "POST", tokenhttp.JSON: "POST", tokenhttp.Query: "POST", tokenhttp.Get: "GET",
	} {
		t.Run(fmt.Sprint(encoding), func(t *testing.T) {
			s := serve(t, granting)
			_, err := ask(t, s.transport, tokenhttp.Request{
				URL: s.URL + "/token?tenant=1", Encoding: encoding, ClientID: "client", ClientSecret: "s3cret&=", InBody: true,
				Form:   url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"r+/&="}, "scope": {"left out"}},
				Names:  map[string]string{"client_id": "appid", "client_secret": "secret", "scope": ""},
				Params: url.Values{"resource": {"a", "b"}}, Header: http.Header{"x-version": {"2"}},
			})
			require.Nil(t, err)
			require.Len(t, s.got(), 1)
			sent := s.got()[0]
			assert.Equal(t, method, sent.method)
			assert.Equal(t, "2", sent.header.Get("X-Version"))
			assert.Empty(t, sent.header["Authorization"])
			query, perr := url.ParseQuery(sent.query)
			require.NoError(t, perr)
			assert.Equal(t, "1", query.Get("tenant"), "the URL keeps its query")
			query.Del("tenant")
			switch encoding {
			case tokenhttp.Form:
				form, _ := url.ParseQuery(sent.body)
				assert.Equal(t, want, form)
				assert.Empty(t, query)
			case tokenhttp.JSON:
				assert.Equal(t, "application/json", sent.header.Get("Content-Type"))
				var object map[string]any
				require.NoError(t, json.Unmarshal([]byte(sent.body), &object))
				assert.Equal(t, map[string]any{
					"grant_type": "refresh_token", "refresh_token": "r+/&=", "appid": "client", "secret": "s3cret&=", "resource": []any{"a", "b"},
				}, object)
				assert.Empty(t, query)
			default:
				assert.Equal(t, want, query)
				assert.Empty(t, sent.body)
				assert.Empty(t, sent.header["Content-Type"])
			}
		})
	}
}

func TestHeaderReplacesWhatIsThere(t *testing.T) {
	s := serve(t, granting)
	_, err := s.ask(t, tokenhttp.Request{ClientID: "client", ClientSecret: "s", Header: http.Header{"Authorization": {"Custom x"}}})
	require.Nil(t, err)
	assert.Equal(t, []string{"Custom x"}, s.got()[0].header["Authorization"])
}

// A GET that fails is not repeated by net/http: what it carries may serve once.
func TestLostAnswerOfAGetIsNotAskedForAgain(t *testing.T) {
	drop := false
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if drop {
			panic(http.ErrAbortHandler)
		}
		granting(w, r)
	})
	r := tokenhttp.Request{ClientID: "client", ClientSecret: "secret", InBody: true, Encoding: tokenhttp.Get}
	_, err := s.ask(t, r) // leaves a connection, on which net/http would try again
	require.Nil(t, err)
	drop = true
	_, err = s.ask(t, r)
	require.NotNil(t, err)
	assert.True(t, err.InDoubt)
	assert.Len(t, s.got(), 2)
	assert.NotContains(t, fmt.Sprintf("%v %+v", err, err.Cause), "client_secret", "no URL with parameters in an error")
}

func TestPathsIntoTheAnswer(t *testing.T) {
	body := `{"data":{"token":"a","refresh":"r","ends":1000,"list":[{"s":"x y"}]},"expires_in":5,"ok":true}`
	paths := tokenhttp.Paths{AccessToken: "data.token", RefreshToken: "data.refresh", Expiry: "data.ends", Scope: "data.list.0.s", Format: tokenhttp.Milliseconds}
	answer, err := ask(t, reply{body: body}, tokenhttp.Request{Paths: []tokenhttp.Paths{{}, paths}})
	require.Nil(t, err)
	assert.Equal(t, "a", answer.AccessToken)
	assert.Equal(t, "r", answer.RefreshToken)
	assert.Equal(t, "x y", answer.Scope)
	assert.Equal(t, time.Second, answer.Lifetime)
	assert.NotContains(t, fmt.Sprint(answer.Extra), "token:a", "a token is no extra value")

	for _, missing := range []string{"data.list.1.s", "data.list.x.s", "data.token.deeper", "nothing", "data..token"} {
		_, err := ask(t, reply{body: body}, tokenhttp.Request{Paths: []tokenhttp.Paths{{AccessToken: missing}}})
		require.NotNil(t, err, missing)
		assert.ErrorContains(t, err, "the answer has no "+missing)
	}
}

func TestPointsInTime(t *testing.T) {
	soon := time.Now().Add(time.Hour).Truncate(time.Second)
	far := time.Now().Add(200 * 365 * 24 * time.Hour)
	for _, test := range []struct {
		format  tokenhttp.ExpiryFormat
		written string
		want    time.Time
	}{
		{tokenhttp.Unix, fmt.Sprint(soon.Unix()), soon},
		{tokenhttp.Unix, fmt.Sprintf(`"%d"`, soon.Unix()), soon},
		{tokenhttp.Unix, fmt.Sprint(soon.UnixMilli()), soon},
		{tokenhttp.Unix, "1", time.Time{}}, // has passed: a clock is wrong
		{tokenhttp.Unix, "-1", time.Time{}},
		{tokenhttp.Unix, "1e300", time.Now().Add(100 * 365 * 24 * time.Hour)},
		{tokenhttp.RFC3339, `"` + soon.UTC().Format(time.RFC3339) + `"`, soon},
		{tokenhttp.RFC3339, `"` + far.UTC().Format(time.RFC3339) + `"`, time.Now().Add(100 * 365 * 24 * time.Hour)},
		{tokenhttp.RFC3339, `"2001-01-01T00:00:00Z"`, time.Time{}},
		{tokenhttp.RFC3339, `"soon"`, time.Time{}},
	} {
		answer, err := ask(t, reply{body: `{"access_token":"a","at":` + test.written + `}`}, tokenhttp.Request{Paths: []tokenhttp.Paths{{Expiry: "at", Format: test.format}}})
		require.Nil(t, err)
		assert.Zero(t, answer.Lifetime)
		assert.WithinDuration(t, test.want, answer.Expiry, time.Minute, test.written)
	}
}
