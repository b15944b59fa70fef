// Package tokenhttp makes one request to an OAuth2 token endpoint and reads the
// answer, whatever its form. golang.org/x/oauth2 writes the request; the answer
// is read here, because that package gives up a granted token over an expires_in
// it does not like and puts response bodies into errors.
package tokenhttp

import (
	"bytes"
	"context"
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
}

// An Exchange is one Request and its answer. It is used once, by one goroutine.
type Exchange struct {
	request Request
	answer  Answer
	err     *Error
	sent    atomic.Bool
}

// New prepares an exchange.
func New(r Request) *Exchange { return &Exchange{request: r} }

// Do makes the request through client, which must pass each response to
// [Exchange.Receive] and follow no redirect. The returned error is an *Error.
func (x *Exchange) Do(ctx context.Context, client *http.Client) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
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
		return Answer{}, x.err
	}
	if err != nil {
		return Answer{}, &Error{InDoubt: x.sent.Load(), Cause: Bare(err)}
	}
	return x.answer, nil
}

// Bare strips the URL from an error of http.Client.
func Bare(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// Receive reads the answer and puts a plain one in its place, for x/oauth2 to
// accept or to refuse.
func (x *Exchange) Receive(resp *http.Response) error {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
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
	switch {
	case 300 <= resp.StatusCode && resp.StatusCode <= 399:
		fail.Cause = errors.New("the token endpoint answered with a redirect, which is not followed; configure its final URL")
		return Answer{}, fail
	case len(body) > MaxAnswer:
		readErr = fmt.Errorf("the answer is longer than %d bytes", MaxAnswer)
	}
	if readErr != nil {
		fail.InDoubt, fail.Cause = granted, readErr
		return Answer{}, fail
	}
	values, err := parse(body)
	if err != nil {
		fail.InDoubt, fail.Cause = granted, err
		return Answer{}, fail
	}
	secrets := x.secrets()
	code, description := failure(values)
	fail.Code, fail.Description = Clean(code, 64, secrets...), Clean(description, 200, secrets...)
	switch a := answer(values); {
	case !granted || code != "":
		return Answer{}, fail
	case a.AccessToken == "":
		fail.Cause = errors.New("the answer has no access_token")
		return Answer{}, fail
	default:
		return a, nil
	}
}

// secrets lists what must not come back in an error message.
func (x *Exchange) secrets() []string {
	list := []string{x.request.ClientSecret}
	for _, name := range []string{"client_secret", "code", "code_verifier", "refresh_token", "password", "assertion", "client_assertion"} {
		list = append(list, x.request.Form[name]...)
	}
	for _, secret := range slices.Clone(list) {
		list = append(list, url.QueryEscape(secret))
	}
	return list
}
