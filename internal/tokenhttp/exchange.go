// Package tokenhttp makes one request to an OAuth2 token endpoint and reads the
// answer, whatever its form. golang.org/x/oauth2 writes the request; the answer
// is read here, because that package gives up a granted token over an expires_in
// it does not like and puts response bodies into errors.
package tokenhttp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	// Timeout bounds a call to a provider's endpoint.
	Timeout = 30 * time.Second
	// MaxAnswer bounds what is read of its answer, in bytes.
	MaxAnswer = 1 << 20
)

// A Request is what to ask a token endpoint.
type Request struct {
	URL          string
	Form         url.Values // grant_type and what belongs to it
	ClientID     string
	ClientSecret string // empty for a public client
	InBody       bool   // the client authenticates by client_id and client_secret in the form rather than by Basic

	// How the request and its answer depart from RFC 6749; empty means not at all.
	Encoding Encoding
	Names    map[string]string // what parameters are called, by their standard names; empty leaves one out
	Params   url.Values        // further parameters
	Header   http.Header       // set in place of what is there
	Paths    []Paths           // where to look in the answer, until an access token is found
}

// An Exchange is one Request and its answer. It is used once, by one goroutine.
type Exchange struct {
	request Request
	answer  Answer
	err     *Error
	traced  atomic.Bool // the transport tells how far the request gets
	sent    atomic.Bool
}

// New prepares an exchange.
func New(r Request) *Exchange { return &Exchange{request: r} }

// Do makes the request through client, which must pass each request to
// [Exchange.Prepare] and each response to [Exchange.Receive], and follow no
// redirect. The returned error is an *Error. Together with it the Answer may
// have a refresh token, which replaces the former one all the same.
func (x *Exchange) Do(ctx context.Context, client *http.Client) (Answer, error) {
	ctx, cancel := context.WithTimeout(Untraced(ctx), Timeout)
	defer cancel()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { x.traced.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) { x.sent.Store(info.Err == nil) },
	})
	config := clientcredentials.Config{
		ClientID:       x.request.ClientID,
		ClientSecret:   x.request.ClientSecret,
		TokenURL:       x.request.URL,
		EndpointParams: x.request.Form,
		AuthStyle:      oauth2.AuthStyleInHeader,
	}
	if x.request.InBody || x.request.ClientSecret == "" {
		config.AuthStyle = oauth2.AuthStyleInParams
	}
	_, err := config.Token(ctx)
	if x.err != nil {
		return x.answer, x.err
	}
	if err != nil {
		return Answer{}, &Error{InDoubt: x.sent.Load() || !x.traced.Load(), Cause: Cause(err, x.secrets()...)}
	}
	return x.answer, nil
}

// Untraced returns ctx without its httptrace.ClientTrace: that of a request to
// the API must not see the client's credentials in one to the provider.
func Untraced(ctx context.Context) context.Context { return untraced{ctx} }

type untraced struct{ context.Context }

func (u untraced) Value(key any) any {
	value := u.Context.Value(key)
	if _, traces := value.(*httptrace.ClientTrace); traces {
		return nil
	}
	return value
}

// Cause returns what an error of http.Client may show of itself: without its URL,
// no secret, and not much of what a server says that does not speak HTTP.
func Cause(err error, secrets ...string) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	const limit = 200
	switch said := err.Error(); {
	case Clean(said, len(said), secrets...) != Clean(said, len(said)):
		return errors.New("the request failed, with an error that is withheld because it quotes a credential")
	case len(said) > limit:
		return errors.New(Clean(said, limit))
	}
	return err
}

// ReadAnswer reads the answer of a provider's endpoint and closes it.
func ReadAnswer(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols { // what follows is no body, and may never end
		return nil, errors.New("the endpoint wants another protocol than HTTP")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if err == nil && len(body) > MaxAnswer {
		return nil, fmt.Errorf("the answer is longer than %d bytes", MaxAnswer)
	}
	return body, err
}

// Receive reads the answer and puts a plain one in its place, for x/oauth2 to
// accept or to refuse.
func (x *Exchange) Receive(resp *http.Response) error {
	body, err := ReadAnswer(resp)
	x.answer, x.err = x.read(resp, body, err)
	plain := map[string]string{"access_token": x.answer.AccessToken, "token_type": "Bearer"}
	if x.err != nil {
		plain = map[string]string{"error": "failed"}
	}
	body, err = json.Marshal(plain)
	resp.StatusCode, resp.Header = http.StatusOK, http.Header{"Content-Type": {"application/json"}}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return err
}

func (x *Exchange) read(resp *http.Response, body []byte, readErr error) (Answer, *Error) {
	fail := &Error{StatusCode: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
	granted := 200 <= resp.StatusCode && resp.StatusCode <= 299
	if 300 <= resp.StatusCode && resp.StatusCode <= 399 {
		fail.Cause = errors.New("the token endpoint answered with a redirect, which is not followed; configure its final URL")
		return Answer{}, fail
	}
	if readErr != nil {
		fail.InDoubt, fail.Cause = granted, readErr
		return Answer{}, fail
	}
	paths := x.request.Paths
	if len(paths) == 0 {
		paths = []Paths{{}}
	}
	first := paths[0].withNames()
	values, err := parse(body, first)
	if err != nil {
		fail.InDoubt, fail.Cause = granted, err
		return Answer{}, fail
	}
	secrets := x.secrets()
	code, description := failure(values, first)
	fail.Code, fail.Description = Clean(code, 64, secrets...), Clean(description, 200, secrets...)
	if !granted || code != "" {
		return Answer{}, fail
	}
	refresh := ""
	for _, p := range paths {
		a := answer(values, p.withNames())
		if a.AccessToken != "" {
			return a, nil
		}
		refresh = cmp.Or(refresh, a.RefreshToken)
	}
	fail.InDoubt, fail.Cause = refresh == "", fmt.Errorf("the answer has no %s", first.AccessToken)
	return Answer{RefreshToken: refresh}, fail
}

// secrets lists what must not come back in an error message, in the spellings
// in which a provider can have seen it.
func (x *Exchange) secrets() []string {
	list := []string{x.request.ClientSecret}
	for _, name := range []string{"client_secret", "code", "code_verifier", "refresh_token", "access_token", "password", "assertion", "client_assertion"} {
		list = append(list, x.request.Form[name]...)
		list = append(list, x.request.Params[name]...)
	}
	for _, values := range x.request.Header {
		list = append(list, values...)
	}
	for _, secret := range slices.Clone(list) {
		escaped := url.QueryEscape(secret)
		list = append(list, escaped, url.QueryEscape(escaped), url.PathEscape(secret))
	}
	if id, secret := x.request.ClientID, x.request.ClientSecret; secret != "" {
		for _, pair := range []string{url.QueryEscape(id) + ":" + url.QueryEscape(secret), id + ":" + secret, secret + ":"} {
			list = append(list, base64.StdEncoding.EncodeToString([]byte(pair)))
		}
	}
	return list
}
