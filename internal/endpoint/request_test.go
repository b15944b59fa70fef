package endpoint_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var encodings = []dialect.Encoding{dialect.EncodeForm, dialect.EncodeJSON, dialect.EncodeQuery, dialect.EncodeGet}

func TestEncodings(t *testing.T) {
	params := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"r+/&="}, "secret": {"s3cret&=<é"}, "resource": {"a", "b"}}
	for _, encoding := range append(slices.Clone(encodings), "") {
		t.Run(string(encoding), func(t *testing.T) {
			s := serve(t, granting)
			header := http.Header{"x-version": {"2"}}
			_, err := s.ask(t, request{url: s.URL + "/token?tenant=1", encoding: encoding, params: params, header: header})
			require.Nil(t, err)
			require.Len(t, s.got(), 1)
			sent := s.got()[0]
			assert.Equal(t, map[bool]string{true: "GET", false: "POST"}[encoding == dialect.EncodeGet], sent.method)
			assert.Equal(t, "2", sent.header.Get("X-Version"))
			assert.Equal(t, http.Header{"x-version": {"2"}}, header)
			assert.Empty(t, sent.header["Authorization"])
			assert.False(t, sent.chunked, "some servers refuse chunks")
			query, perr := url.ParseQuery(sent.query)
			require.NoError(t, perr)
			assert.Equal(t, "1", query.Get("tenant"), "the URL keeps its query")
			query.Del("tenant")
			switch encoding {
			case dialect.EncodeJSON:
				assert.Equal(t, "application/json", sent.header.Get("Content-Type"))
				var object map[string]any
				require.NoError(t, json.Unmarshal([]byte(sent.body), &object))
				assert.Equal(t, map[string]any{
					"grant_type": "refresh_token", "refresh_token": "r+/&=", "secret": "s3cret&=<é", "resource": []any{"a", "b"},
				}, object)
				assert.Empty(t, query)
				assert.EqualValues(t, len(sent.body), sent.length)
			case dialect.EncodeQuery, dialect.EncodeGet:
				assert.Equal(t, params, query)
				assert.Empty(t, sent.body)
				assert.Empty(t, sent.header["Content-Type"])
				assert.Zero(t, sent.length)
			default:
				form, _ := url.ParseQuery(sent.body)
				assert.Equal(t, params, form)
				assert.Equal(t, "application/x-www-form-urlencoded", sent.header.Get("Content-Type"))
				assert.Empty(t, query)
				assert.EqualValues(t, len(sent.body), sent.length)
			}
		})
	}
}

func TestHeaderIsSetInEachEncoding(t *testing.T) {
	for _, encoding := range encodings {
		req, err := endpoint.NewRequest(t.Context(), tokenURL, url.Values{"a": {"b"}}, http.Header{"authorization": {"Custom x"}}, encoding)
		require.NoError(t, err)
		assert.Equal(t, []string{"Custom x"}, req.Header["Authorization"])
		assert.Nil(t, req.GetBody, "nothing lets net/http repeat the request")
	}
	_, err := endpoint.NewRequest(t.Context(), "https://h/%zz", nil, nil, dialect.EncodeForm)
	assert.Error(t, err)
}

// The examples of RFC 6749, which says how each looks on the wire.
func TestRequestsOfRFC6749(t *testing.T) {
	basic := func(text string) http.Header { return http.Header{"Authorization": {"Basic " + text}} }
	for name, test := range map[string]struct {
		params url.Values
		header http.Header
		body   string
	}{
		"2.3.1 in the body": {
			url.Values{
				"grant_type": {"refresh_token"}, "refresh_token": {"tGzv3JOkF0XG5Qx2TlKWIA"},
				"client_id": {"s6BhdRkqt3"}, "client_secret": {"7Fjfp0ZBr1KtDRbnfVdmIw"},
			}, nil,
			"grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA&client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw",
		},
		"6": {
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"tGzv3JOkF0XG5Qx2TlKWIA"}}, basic("czZCaGRSa3F0MzpnWDFmQmF0M2JW"),
			"grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA",
		},
		"4.1.3": {
			url.Values{"grant_type": {"authorization_code"}, "code": {"SplxlOBeZQQYbYS6WxSbIA"}, "redirect_uri": {"https://client.example.com/cb"}},
			basic("czZCaGRSa3F0MzpnWDFmQmF0M2JW"),
			"grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb",
		},
		"4.3.2": {
			url.Values{"grant_type": {"password"}, "username": {"johndoe"}, "password": {"A3ddj3w"}}, basic("czZCaGRSa3F0MzpnWDFmQmF0M2JW"),
			"grant_type=password&username=johndoe&password=A3ddj3w",
		},
		"4.4.2": {url.Values{"grant_type": {"client_credentials"}}, basic("czZCaGRSa3F0MzpnWDFmQmF0M2JW"), "grant_type=client_credentials"},
		"appendix B": {
			url.Values{"grant_type": {"client_credentials"}, "client_id": {" %&+£€"}}, nil,
			"grant_type=client_credentials&client_id=+%25%26%2B%C2%A3%E2%82%AC",
		},
		"8707 a parameter twice": {
			url.Values{"grant_type": {"client_credentials"}, "resource": {"a", "b"}}, nil, "grant_type=client_credentials&resource=a&resource=b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, granting)
			_, err := s.ask(t, request{params: test.params, header: test.header})
			require.Nil(t, err)
			require.Len(t, s.got(), 1)
			sent := s.got()[0]
			assert.Equal(t, http.MethodPost, sent.method)
			assert.Equal(t, "application/x-www-form-urlencoded", sent.header.Get("Content-Type"))
			assert.Equal(t, test.header["Authorization"], sent.header["Authorization"])
			assert.Empty(t, sent.query)
			want, perr := url.ParseQuery(test.body)
			require.NoError(t, perr)
			form, perr := url.ParseQuery(sent.body)
			require.NoError(t, perr)
			assert.Equal(t, want, form)
		})
	}
}

// Every spelling in which a request can carry a secret is known. What a provider
// may repeat in a useful message is not taken out.
func TestSecretsAreAllSpellings(t *testing.T) {
	const id, secret = "cli ent", `s3c&ret"+/<é>`
	params := url.Values{
		"grant_type": {"password"}, "username": {"johndoe"}, "scope": {"read write"}, "client_id": {id}, "redirect_uri": {"https://a.example/cb"},
		"resource": {"https://r.example"}, "audience": {"aud"}, "response_type": {"code"}, "client_assertion_type": {"urn:x"},
		"password": {"pass word"}, "assertion": {"a.b.c"}, "client_assertion": {"d.e.f"}, "subject_token": {"subject"}, "anything_else": {"one", "two2"},
	}
	header := http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}, "X-Key": {"the key"}, "Odd": {`"a b"`}}
	list := endpoint.Secrets(params, header, id, secret)
	inJSON, _ := json.Marshal(secret)
	for _, want := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.QueryEscape(url.QueryEscape(secret)), strings.Trim(string(inJSON), `"`),
		"pass word", "pass+word", "pass%20word", "pass%2Bword", "a.b.c", "d.e.f", "subject", "one", "two2",
		"Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "the key", "key", `"a b"`,
		base64.StdEncoding.EncodeToString([]byte("cli+ent:" + url.QueryEscape(secret))),
		base64.StdEncoding.EncodeToString([]byte(id + ":" + secret)), base64.StdEncoding.EncodeToString([]byte(secret + ":")),
	} {
		assert.Contains(t, list, want)
	}
	for _, public := range []string{"password", "johndoe", "read write", id, "https://a.example/cb", "https://r.example", "aud", "code", "urn:x", "Basic", `b"`} {
		assert.NotContains(t, list, public)
	}
	for _, userinfo := range []string{":", id + ":"} {
		assert.NotContains(t, endpoint.Secrets(nil, nil, id, ""), base64.StdEncoding.EncodeToString([]byte(userinfo)))
	}
}

func TestSecretInJSONIsNotRepeated(t *testing.T) {
	const secret = "s3cret&<more>"
	echo := roundTripper(func(req *http.Request) (*http.Response, error) {
		said, _ := json.Marshal(map[string]string{"error": "invalid_request", "error_description": "cannot use " + readAll(t, req)})
		return reply{status: 400, body: string(said)}.RoundTrip(req)
	})
	_, err := ask(t, echo, request{encoding: dialect.EncodeJSON, clientSecret: secret, params: url.Values{"client_secret": {secret}}})
	require.NotNil(t, err)
	assert.Equal(t, `cannot use {"client_secret":"[redacted]"}`, err.Description)
}

func TestErrorThatQuotesASecretIsWithheld(t *testing.T) {
	for name, quote := range map[string]string{"as it is": "s3cret+x", "escaped": "s3cret%2Bx", "as Basic": "Y2xpZW50OnMzY3JldCt4"} {
		quoting := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("cannot send " + quote) })
		_, err := ask(t, quoting, request{clientID: "client", clientSecret: "s3cret+x"})
		require.NotNil(t, err, name)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err.Cause, err.Cause), quote, name)
		assert.ErrorContains(t, err, "withheld", name)
	}
}
