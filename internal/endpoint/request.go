package endpoint

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// NewRequest returns a request with params in the given encoding. header is set
// in addition, and must not be changed afterwards.
func NewRequest(ctx context.Context, to string, params url.Values, header http.Header, encoding dialect.Encoding) (*http.Request, error) {
	method := http.MethodPost
	if encoding == dialect.EncodeGet {
		method = http.MethodGet
	}
	var body []byte
	contentType := ""
	switch encoding {
	case dialect.EncodeQuery, dialect.EncodeGet:
	case dialect.EncodeJSON:
		body, contentType = jsonObject(params), "application/json"
	default:
		body, contentType = []byte(params.Encode()), wire.FormType
	}
	req, err := http.NewRequestWithContext(ctx, method, to, nil)
	if err != nil {
		return nil, err
	}
	origin.ASCII(req)
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if contentType != "" {
		req.Header["Content-Type"] = []string{contentType}
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return req, nil
	}
	if req.URL.RawQuery != "" {
		req.URL.RawQuery += "&"
	}
	req.URL.RawQuery += params.Encode()
	return req, nil
}

// jsonObject returns params as a JSON object: a string for one value, a list for
// several.
func jsonObject(params url.Values) []byte {
	object := make(map[string]any, len(params))
	for name, values := range params {
		if object[name] = values; len(values) == 1 {
			object[name] = values[0]
		}
	}
	text, _ := json.Marshal(object) // strings: cannot fail
	return text
}

// public are the parameters of token requests without a secret.
var public = []string{
	"grant_type", "client_id", "scope", "redirect_uri", "resource", "audience", "response_type", "username",
	"code_challenge", "code_challenge_method", "prompt", "max_age", "acr_values", "response_mode", "dpop_jkt",
	"client_assertion_type", "subject_token_type", "actor_token_type", "requested_token_type",
}

// Secrets lists the values of a request that must not come back in an error, in
// every spelling in which a provider can have seen them. Every parameter is a
// secret unless known not to be; so is every header.
func Secrets(params url.Values, header http.Header, clientID, clientSecret string) []string {
	list := []string{clientSecret}
	for name, values := range params {
		if !slices.Contains(public, name) {
			list = append(list, values...)
		}
	}
	for _, values := range header {
		for _, value := range values {
			list = append(list, value)
			if scheme, credential, ok := strings.Cut(value, " "); ok && wire.IsToken(scheme) {
				list = append(list, credential)
			}
		}
	}
	list = scrub.Spellings(list...)
	if clientSecret != "" {
		for _, userinfo := range []string{
			url.QueryEscape(clientID) + ":" + url.QueryEscape(clientSecret), clientID + ":" + clientSecret, clientSecret + ":",
		} {
			list = append(list, base64.StdEncoding.EncodeToString([]byte(userinfo)))
		}
	}
	return list
}
