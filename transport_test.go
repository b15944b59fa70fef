package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCallersRequestIsNotModified(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded"} {
			t.Run(s.name+"/"+contentType, func(t *testing.T) {
				var sent bodies
				req := sent.request(t, http.MethodPost, home+"/path?a=1&api_key=mine&b=%zz;c", contentType, `{"a":1}`, true)
				req.Header["Authorization"] = []string{"mine", "too"}
				req.Header["x-API-key"] = []string{"mine"}
				req.Header["Cookie"] = []string{"a=b; api_key=mine", "c=d"}
				req.TransferEncoding = []string{"chunked"}
				before, body, getBody := req.Clone(t.Context()), req.Body, reflect.ValueOf(req.GetBody).Pointer()

				resp, err := s.connector.Wrap(&fakeBase{}).RoundTrip(req)

				require.NoError(t, err)
				assert.Same(t, req, resp.Request)
				assert.Equal(t, before.URL, req.URL)
				assert.Equal(t, before.Header, req.Header)
				assert.Equal(t, before.ContentLength, req.ContentLength)
				assert.Equal(t, before.TransferEncoding, req.TransferEncoding)
				assert.Same(t, body, req.Body)
				assert.Equal(t, getBody, reflect.ValueOf(req.GetBody).Pointer())
				sent.requireClosedOnce(t)
			})
		}
	}
}

func TestRequestWithoutHeaderMap(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		base := &fakeBase{}
		req := &http.Request{Method: http.MethodPost, URL: must(url.Parse(home))}
		resp, err := s.connector.Wrap(base).RoundTrip(req)
		require.NoError(t, err, s.name)
		assert.Same(t, req, resp.Request)
		assert.Nil(t, req.Header)
		assert.True(t, s.carries(base.requests()[0].String()), s.name)
	}
}

func TestBodyIsClosedOnce(t *testing.T) {
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	broken := func(*http.Request) (*http.Response, error) { return nil, errBroken }
	tests := []struct {
		name     string
		url      string
		kind     string
		content  string
		answer   func(*http.Request) (*http.Response, error)
		hop      *http.Response // of which the request is a redirect
		ctx      context.Context
		bodyFail error
		wantErr  bool
	}{
		{name: "success", url: home, kind: jsonType, content: `{}`},
		{name: "success with a form", url: home, kind: formType, content: `a=b`},
		{name: "401", url: home, kind: jsonType, content: `{}`, answer: statuses(401)},
		{name: "base error", url: home, kind: jsonType, content: `{}`, answer: broken, wantErr: true},
		{name: "foreign host", url: foreign, kind: jsonType, content: `{}`, wantErr: true},
		{name: "plain http", url: plainHTTP, kind: jsonType, content: `{}`, wantErr: true},
		{name: "bare hop", url: foreign, kind: jsonType, content: `{}`, hop: &http.Response{Request: &http.Request{URL: must(url.Parse(home))}}},
		{name: "own hop", url: home, kind: jsonType, content: `{}`, hop: &http.Response{Request: &http.Request{URL: must(url.Parse(home))}}},
		{name: "body that fails", url: home, kind: formType, content: `a=b`, bodyFail: errBroken, wantErr: true},
		{name: "cancelled before", url: home, kind: jsonType, content: `{}`, ctx: cancelled, answer: func(r *http.Request) (*http.Response, error) {
			return nil, r.Context().Err()
		}, wantErr: true},
	}
	for _, test := range tests {
		for _, s := range subjects(tokenEndpoint(), "api.example.test") {
			for _, replayable := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/%v", test.name, s.name, replayable), func(t *testing.T) {
					var sent bodies
					req := sent.request(t, http.MethodPost, test.url+"/path", test.kind, test.content, replayable)
					if test.ctx != nil {
						req = req.WithContext(test.ctx)
					}
					if test.bodyFail != nil {
						sent.opened = nil
						req.Body = sent.open(test.content, test.bodyFail)
						if replayable {
							req.GetBody = func() (io.ReadCloser, error) { return sent.open(test.content, test.bodyFail), nil }
						}
					}
					req.Response = test.hop
					resp, err := s.connector.Wrap(&fakeBase{answer: test.answer}).RoundTrip(req)

					sent.requireClosedOnce(t)
					if test.wantErr {
						require.Error(t, err)
						require.Nil(t, resp)
						return
					}
					require.NoError(t, err)
					require.Same(t, req, resp.Request)
				})
			}
		}
	}
}

func TestRefusedBodyIsClosedOnce(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		if s.name != "body key" && s.name != "AuthFields" {
			continue
		}
		for _, replayable := range []bool{true, false} {
			for _, req := range []struct{ method, contentType, content string }{
				{http.MethodPost, "text/plain", "hello"},
				{http.MethodPost, "application/json", `[1]`},
				{http.MethodPost, "application/json", `{"a":`},
				{http.MethodPost, "", `{}`},
				{http.MethodGet, "application/json", `{}`},
				{http.MethodDelete, "application/json", `{}`},
			} {
				var sent bodies
				base := &fakeBase{}
				_, err := s.connector.Wrap(base).RoundTrip(sent.request(t, req.method, home, req.contentType, req.content, replayable))
				require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable, "%s %v", s.name, req)
				assert.Empty(t, base.requests(), "nothing is sent")
				sent.requireClosedOnce(t)
			}
		}
	}
}

func TestInjectedBodyAgreesWithItsLength(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		for kind, content := range map[string]string{"application/json": `{"a":1}`, "application/x-www-form-urlencoded": "a=1"} {
			for _, replayable := range []bool{true, false} {
				t.Run(fmt.Sprint(s.name, kind, replayable), func(t *testing.T) {
					var sent bodies
					base := &fakeBase{}
					_, err := s.connector.Wrap(base).RoundTrip(sent.request(t, http.MethodPost, home, kind, content, replayable))
					require.NoError(t, err)
					out := base.requests()[0]
					changed := out.Body != content
					assert.Equal(t, s.name == "body key" || s.name == "AuthFields", changed)
					if changed || replayable {
						assert.EqualValues(t, len(out.Body), out.ContentLength)
						again, err := out.GetBody()
						require.NoError(t, err)
						repeated, _ := io.ReadAll(again)
						again.Close()
						assert.Equal(t, out.Body, string(repeated))
					}
					sent.requireClosedOnce(t)
				})
			}
		}
	}
}

func TestCallersCredentialIsReplaced(t *testing.T) {
	const mine = "mine-77"
	jsonPost := func(body string, headers ...string) func() *http.Request {
		return func() *http.Request {
			req := must(http.NewRequest(http.MethodPost, home+"/?a=1&api_key="+mine+"&api%5fkey="+mine+"&b=%zz;c", strings.NewReader(body)))
			req.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(headers); i += 2 {
				req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1])
			}
			return req
		}
	}
	anyCase := func(names ...string) (headers []string) {
		for _, name := range names {
			headers = append(headers, name, mine)
		}
		return headers
	}
	authorization := jsonPost(`{}`, anyCase("Authorization", "Authorization", "authorization", "AUTHORIZATION", "auThorization")...)
	requests := map[string]func() *http.Request{
		"header key": jsonPost(`{}`, anyCase("X-Api-Key", "X-Api-Key", "x-api-key", "x-api-KEY", "X-API-Key")...),
		"query key":  jsonPost(`{}`),
		"cookie key": jsonPost(`{}`, "Cookie", "a=b; api_key="+mine, "Cookie", "api_key="+mine+"; c=d", "cookie", "api_key="+mine),
		"body key":   jsonPost(`{"api_key":"` + mine + `","b":2,"api_\u006bey":"` + mine + `"}`),
		"AuthFields": jsonPost(`{"auth":{"token":"` + mine + `","x":1},"b":2}`),
		"Basic":      authorization,
		"OAuth1":     authorization,
		"OAuth2":     authorization,
	}
	for _, s := range subjects(tokenEndpoint()) {
		build := requests[s.name]
		if build == nil {
			continue // Custom: its function decides
		}
		t.Run(s.name, func(t *testing.T) {
			base := &fakeBase{}
			_, err := s.connector.Wrap(base).RoundTrip(build())
			require.NoError(t, err)
			out := base.requests()[0]
			assert.True(t, s.carries(out.String()))
			switch s.name {
			case "query key":
				assert.Equal(t, "a=1&b=%zz;c&api_key="+url.QueryEscape(secretKey), out.URL.RawQuery)
			case "cookie key":
				assert.Equal(t, http.Header{"Content-Type": {"application/json"}, "Cookie": {"a=b; c=d; api_key=" + secretKey}}, out.Header)
			case "body key", "AuthFields":
				assert.NotContains(t, out.Body, mine)
				assert.Contains(t, out.Body, `"b":2`)
			default:
				assert.Len(t, out.Header, 2, "Content-Type and the credential: %v", out.Header)
				assert.NotContains(t, fmt.Sprint(out.Header), mine)
			}
		})
	}
}

func TestUserNameInTheURLDoesNotReplaceTheCredential(t *testing.T) {
	base := &fakeBase{}
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "user", Password: password}))
	_, err := connectorauth.NewClient(basic, &http.Client{Transport: base}).Get("https://me:mine@api.example.test/")
	require.NoError(t, err)
	user, pass, _ := base.requests()[0].BasicAuth()
	assert.Equal(t, []string{"user", password}, []string{user, pass})
}

func TestBaseIsNeverMutated(t *testing.T) {
	shared := &fakeBase{}
	base := &http.Client{Transport: shared, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	before, defaultBefore := *base, *http.DefaultClient
	for _, s := range append(subjects(tokenEndpoint()), subject{name: "None", connector: connectorauth.None{}}) {
		client := connectorauth.NewClient(s.connector, base)
		resp, err := client.Post(home, "application/json", strings.NewReader(`{}`))
		read(t, resp, err) // closing it ends the timeout's goroutine
		assert.NotSame(t, base, client)
		assert.Equal(t, base.Timeout, client.Timeout)
		assert.NotNil(t, client.CheckRedirect)
		assert.Equal(t, before.Transport, base.Transport)

		client = connectorauth.NewClient(s.connector, nil)
		assert.NotSame(t, http.DefaultClient, client)
		assert.Equal(t, defaultBefore, *http.DefaultClient)
	}
}

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	for _, s := range append(subjects(tokenEndpoint()), subject{name: "None", connector: connectorauth.None{}}) {
		base := &fakeBase{}
		connectorauth.NewClient(s.connector, &http.Client{Transport: base}).CloseIdleConnections()
		assert.Equal(t, 1, base.idle, s.name)
		// A base without the method is fine.
		connectorauth.NewClient(s.connector, &http.Client{Transport: roundTripper(nil)}).CloseIdleConnections()
	}
}

func TestNilBaseIsTheDefaultTransport(t *testing.T) {
	p := authtest.NewProvider(t)
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(p.APIKey)}))
	status, _ := get(t, key, nil, p.KeyAuthorizationURL)
	assert.Equal(t, 200, status)
	status, _ = get(t, connectorauth.None{}, nil, p.OpenURL)
	assert.Equal(t, 200, status)
}

func TestResponseOfASloppyBaseIsMended(t *testing.T) {
	// Fakes in importers' tests often leave out what http.Transport sets, and
	// http.Client accepts that.
	for _, status := range []int{200, 401} {
		base := roundTripper(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: status}, nil })
		for _, s := range append(subjects(tokenEndpoint()), subject{name: "renewing", connector: renewing(t, nil)}) {
			resp, err := connectorauth.NewClient(s.connector, &http.Client{Transport: base}).Post(home, "application/json", strings.NewReader(`{}`))
			require.NoError(t, err, s.name)
			assert.Equal(t, status, resp.StatusCode)
			assert.Equal(t, home, resp.Request.URL.String())
		}
	}
	silent := roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })
	for _, s := range subjects(tokenEndpoint()) {
		_, err := connectorauth.NewClient(s.connector, &http.Client{Transport: silent}).Post(home, "application/json", strings.NewReader(`{}`))
		require.Error(t, err, s.name)
	}
}

func TestTimeoutAndCancellationAreRespected(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := roundTripper(func(req *http.Request) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				})
				client := connectorauth.NewClient(s.connector, &http.Client{Transport: base, Timeout: time.Second})
				began := time.Now()
				_, err := client.Post(home, "application/json", strings.NewReader(`{}`))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, time.Second, time.Since(began))

				client.Timeout = 0
				ctx, cancel := context.WithCancelCause(t.Context())
				cancel(errBroken)
				req := must(http.NewRequestWithContext(ctx, http.MethodPost, home, strings.NewReader(`{}`)))
				req.Header.Set("Content-Type", "application/json")
				_, err = client.Do(req)
				require.Error(t, err)
				assert.Error(t, req.Context().Err())
			})
		})
	}
}

func TestBaseErrorDoesNotShowTheInjectedURL(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "api_key"}))
	// Bases that wrap an http.Client, such as those that retry, name the URL in
	// errors of several shapes.
	shapes := map[string]func(*http.Request) error{
		"url.Error": func(r *http.Request) error { return &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken} },
		"wrapped url.Error": func(r *http.Request) error {
			return fmt.Errorf("%s %s giving up: %w", r.Method, r.URL, &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken})
		},
		"url.Error twice": func(r *http.Request) error {
			return &url.Error{Op: "Get", URL: r.URL.String(), Err: &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken}}
		},
		"text":          func(r *http.Request) error { return fmt.Errorf("%s %s giving up: %w", r.Method, r.URL, errBroken) },
		"request line":  func(r *http.Request) error { return fmt.Errorf("GET %q: %w", r.URL.RequestURI(), errBroken) },
		"decoded query": func(r *http.Request) error { return fmt.Errorf("query %v: %w", r.URL.Query(), errBroken) },
		"joined": func(r *http.Request) error {
			return errors.Join(errors.New("first try"), &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken})
		},
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			base := roundTripper(func(r *http.Request) (*http.Response, error) { return nil, shape(r) })
			_, err := connectorauth.NewClient(key, &http.Client{Transport: base}).Get(home + "/path?page=2")
			require.ErrorIs(t, err, errBroken, "the cause can be told")
			assert.Contains(t, err.Error(), "/path?page=2", "so can the request")
			for e := err; e != nil; e = errors.Unwrap(e) {
				assert.Empty(t, found(fmt.Sprintf("%v %+v %#v", e, e, e), secretKey))
			}
		})
	}

	t.Run("kinds of errors", func(t *testing.T) {
		cause := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: cause}
		})
		_, err := key.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		var operation *net.OpError
		require.ErrorAs(t, err, &operation)
		var shows *url.Error
		require.False(t, errors.As(err, &shows), "its URL has the key")

		_, err = connectorauth.NewClient(key, &http.Client{Transport: base}).Get(home)
		require.ErrorAs(t, err, &shows)
		assert.True(t, shows.Timeout())
		assert.Equal(t, home, shows.URL)
	})
	t.Run("without the URL", func(t *testing.T) {
		base := roundTripper(func(r *http.Request) (*http.Response, error) { return nil, errBroken })
		_, err := key.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		assert.Same(t, errBroken, err, "an error that shows nothing is passed on as it is")
	})
}

// renewing returns a Custom connector whose credential is a number: 1 at first,
// and 1 more with each renewal. A renewal asks renew, if not nil, for an error
// first.
func renewing(t *testing.T, renew func(context.Context, *http.Request) error) connectorauth.Connector {
	t.Helper()
	type credential = connectorauth.CustomCredential
	return must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, number credential) error {
			req.Header.Set("X-Number", string(number.Value))
			return nil
		},
		Obtain: func(ctx context.Context, old credential, rejection *http.Response) (credential, error) {
			if old.Value == "" {
				return credential{Value: "1"}, nil
			}
			if renew != nil {
				if err := renew(ctx, rejection.Request); err != nil {
					return old, err
				}
			}
			return credential{Value: connectorauth.Secret(strconv.Itoa(must(strconv.Atoi(string(old.Value))) + 1))}, nil
		},
	}))
}

// wants answers 401 to every request whose X-Number is not the one given.
func wants(number string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		if got := req.Header.Get("X-Number"); got != number {
			return respond(http.StatusUnauthorized, "not "+got), nil
		}
		return respond(http.StatusOK, "welcome"), nil
	}
}

func TestRejectedRequestIsReplayedOnce(t *testing.T) {
	var sent bodies
	var first *countedBody
	base := &fakeBase{}
	base.answer = func(req *http.Request) (*http.Response, error) {
		resp, err := wants("2")(req)
		if first == nil {
			first = &countedBody{Reader: resp.Body}
			resp.Body = first
		}
		return resp, err
	}
	var rejected *http.Request
	c := renewing(t, func(_ context.Context, req *http.Request) error {
		rejected = req
		return nil
	})
	req := sent.request(t, http.MethodPut, home+"/path?a=1", "text/plain", "hello", true)
	resp, err := c.Wrap(base).RoundTrip(req)

	status, body := read(t, resp, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, "welcome", body)
	assert.Same(t, req, resp.Request)
	out := base.requests()
	require.Len(t, out, 2)
	for i, number := range []string{"1", "2"} {
		assert.Equal(t, []string{number}, out[i].Header["X-Number"])
		assert.Equal(t, "hello", out[i].Body)
		assert.Equal(t, "a=1", out[i].URL.RawQuery)
	}
	assert.Same(t, req, rejected, "Obtain is told which request was rejected")
	assert.Len(t, sent.opened, 2)
	sent.requireClosedOnce(t)
	assert.EqualValues(t, 1, first.closed.Load(), "the first answer is closed")
}

func TestRejectedRequestWithoutBodyIsReplayed(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		base := &fakeBase{answer: wants("2")}
		req := must(http.NewRequest(http.MethodGet, home, nil))
		req.Body = body
		resp, err := renewing(t, nil).Wrap(base).RoundTrip(req)
		status, _ := read(t, resp, err)
		assert.Equal(t, 200, status)
		assert.Len(t, base.requests(), 2)
	}
}

func TestRejectedRequestWithABodyThatCannotBeReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent bodies
		base := &fakeBase{answer: wants("2")}
		client := renewing(t, nil).Wrap(base)
		resp, err := client.RoundTrip(sent.request(t, http.MethodPost, home, "text/plain", "once", false))
		status, body := read(t, resp, err)
		assert.Equal(t, 401, status)
		assert.Equal(t, "not 1", body, "the API's own answer")
		assert.Len(t, base.requests(), 1)

		synctest.Wait() // for the renewal in the background
		resp, err = client.RoundTrip(sent.request(t, http.MethodPost, home, "text/plain", "again", false))
		status, _ = read(t, resp, err)
		assert.Equal(t, 200, status, "the next request has the new credential")
		sent.requireClosedOnce(t)
	})
}

func TestRejectedRequestWhoseGetBodyFails(t *testing.T) {
	var sent bodies
	base := &fakeBase{answer: wants("2")}
	req := sent.request(t, http.MethodPost, home, "text/plain", "once", true)
	req.GetBody = func() (io.ReadCloser, error) { return nil, errBroken }
	resp, err := renewing(t, nil).Wrap(base).RoundTrip(req)
	status, body := read(t, resp, err)
	assert.Equal(t, 401, status)
	assert.Equal(t, "not 1", body)
	sent.requireClosedOnce(t)
}

func TestManyRejectionsRenewOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 1000
		renewals := 0
		base := &fakeBase{answer: wants("2")}
		c := renewing(t, func(context.Context, *http.Request) error {
			renewals++
			time.Sleep(time.Second) // of the bubble: until all callers wait
			return nil
		})
		transport := c.Wrap(base)
		var callersLeft sync.WaitGroup
		for range callers {
			callersLeft.Go(func() {
				resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
				status, _ := read(t, resp, err)
				assert.Equal(t, 200, status)
			})
		}
		callersLeft.Wait()
		assert.Equal(t, 1, renewals)
		assert.Len(t, base.requests(), 2*callers)
	})
}

func TestLateRejectionOfAnOlderCredentialDoesNotRenewAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewals := 0
		late := make(chan struct{})
		base := &fakeBase{answer: func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/late" && req.Header.Get("X-Number") == "1" {
				<-late
			}
			return wants("2")(req)
		}}
		transport := renewing(t, func(context.Context, *http.Request) error { renewals++; return nil }).Wrap(base)
		done := make(chan int)
		go func() {
			resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home+"/late", nil)))
			status, _ := read(t, resp, err)
			done <- status
		}()
		synctest.Wait()
		resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		status, _ := read(t, resp, err)
		require.Equal(t, 200, status)
		close(late)
		assert.Equal(t, 200, <-done)
		assert.Equal(t, 1, renewals)
	})
}

func TestRenewThatFailsForNowLeavesTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewals := 0
		base := &fakeBase{answer: wants("2")}
		transport := renewing(t, func(context.Context, *http.Request) error {
			if renewals++; renewals == 1 {
				return errBroken
			}
			return nil
		}).Wrap(base)
		for range 3 { // within the pause after a failure
			resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			status, body := read(t, resp, err)
			assert.Equal(t, 401, status)
			assert.Equal(t, "not 1", body, "still to be read")
		}
		assert.Equal(t, 1, renewals)

		time.Sleep(time.Minute)
		resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		status, _ := read(t, resp, err)
		assert.Equal(t, 200, status)
		assert.Equal(t, 2, renewals)
	})
}

func TestRenewThatPanicsLeavesTheAnswer(t *testing.T) {
	transport := renewing(t, func(context.Context, *http.Request) error { panic(customSecret) }).Wrap(&fakeBase{answer: wants("2")})
	resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	status, _ := read(t, resp, err)
	assert.Equal(t, 401, status)
}

func TestRenewThatFailsForGoodIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewals, dead := 0, true
		base := &fakeBase{answer: statuses(401)}
		transport := renewing(t, func(context.Context, *http.Request) error {
			if renewals++; dead {
				return fmt.Errorf("the session is gone: %w", connectorauth.ErrReauthRequired)
			}
			return nil
		}).Wrap(base)
		for range 3 {
			resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			assert.Nil(t, resp)
		}
		assert.Equal(t, 1, renewals, "a dead account is not asked about for each request")

		// The importer's functions hold the credential, so the library cannot see
		// when the account owner has been back; it asks again after a while.
		dead, base.answer = false, wants("2")
		time.Sleep(2 * time.Minute)
		resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		status, _ := read(t, resp, err)
		assert.Equal(t, 200, status)
	})
}

func TestRejectedReplayIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewals := 0
		base := &fakeBase{answer: statuses(401)}
		transport := renewing(t, func(context.Context, *http.Request) error { renewals++; return nil }).Wrap(base)
		send := func() string {
			resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			status, body := read(t, resp, err)
			require.Equal(t, 401, status)
			return body
		}
		assert.Equal(t, "answer 2", send(), "that of the replay")
		assert.Equal(t, 1, renewals)
		assert.Len(t, base.requests(), 2)

		for range 5 { // a new credential would fare no better
			send()
		}
		assert.Equal(t, 1, renewals)
		assert.Len(t, base.requests(), 7)

		time.Sleep(2 * time.Minute)
		send()
		assert.Equal(t, 2, renewals, "after a while it is tried again")
	})
}

func TestReplayOfAWaitingCallerEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewed := make(chan error, 1)
		base := &fakeBase{answer: wants("2")}
		transport := renewing(t, func(ctx context.Context, _ *http.Request) error {
			time.Sleep(10 * time.Second)
			renewed <- ctx.Err()
			return nil
		}).Wrap(base)
		client := &http.Client{Transport: transport, Timeout: time.Second}
		began := time.Now()
		_, err := client.Get(home)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		assert.NoError(t, <-renewed, "the renewal goes on without its caller")
		synctest.Wait()

		resp, err := client.Get(home)
		status, _ := read(t, resp, err)
		assert.Equal(t, 200, status)
	})
}

func TestConnectorsThatCannotRenewLeaveA401Alone(t *testing.T) {
	base := &fakeBase{answer: statuses(401)}
	for _, s := range subjects(tokenEndpoint()) {
		if s.name == "OAuth2" {
			continue
		}
		base.sent = nil
		resp, err := connectorauth.NewClient(s.connector, &http.Client{Transport: base}).Post(home, "application/json", strings.NewReader(`{}`))
		status, _ := read(t, resp, err)
		assert.Equal(t, 401, status)
		assert.Len(t, base.requests(), 1, s.name)
	}
}

func TestTenantsOverOneTransportAreKeptApart(t *testing.T) {
	const perTenant = 200
	// The server answers with whom it takes the caller for.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, _, _ := r.BasicAuth()
		cookie, _ := r.Cookie("key")
		fmt.Fprintln(w, user, r.Header.Get("X-Key"), r.URL.Query().Get("key"), cookie, string(body))
	}))
	defer server.Close()
	shared := &http.Transport{MaxIdleConnsPerHost: 8}
	defer shared.CloseIdleConnections()
	kinds := map[string]func(tenant string) connectorauth.Connector{
		"Basic": func(tenant string) connectorauth.Connector {
			return must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: tenant}))
		},
		"AuthFields": func(tenant string) connectorauth.Connector {
			return must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
				Fields: []connectorauth.AuthField{{Key: "tenant", Value: connectorauth.Secret(tenant)}},
			}))
		},
	}
	for name, in := range map[string]dialect.Location{
		"header": dialect.InHeader, "query": dialect.InQuery, "cookie": dialect.InCookie, "body": dialect.InBody,
	} {
		field := "key"
		if in == dialect.InHeader {
			field = "X-Key"
		}
		kinds[name] = func(tenant string) connectorauth.Connector {
			return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(tenant), In: in, Name: field}))
		}
	}
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			tenants := []string{"alice", "bob"}
			clients := map[string]*http.Client{}
			for _, tenant := range tenants {
				clients[tenant] = connectorauth.NewClient(connect(tenant), &http.Client{Transport: shared})
			}
			gate := make(chan struct{}, 16)
			var running sync.WaitGroup
			for i := range perTenant * len(tenants) {
				me, other := tenants[i%2], tenants[(i+1)%2]
				gate <- struct{}{}
				running.Go(func() {
					defer func() { <-gate }()
					resp, err := clients[me].Post(server.URL, "application/json", strings.NewReader(`{"n":1}`))
					_, answer := read(t, resp, err)
					assert.Contains(t, answer, me)
					assert.NotContains(t, answer, other)
				})
			}
			running.Wait()
		})
	}
}
