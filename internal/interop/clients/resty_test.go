package clients_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-resty/resty/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// readerOnly is a reader of which net/http cannot make a GetBody.
func readerOnly(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }

func TestRestyReplaysItsBodiesWithAnotherToken(t *testing.T) {
	p := authtest.NewProvider(t)
	client := resty.NewWithClient(connectorauth.NewClient(forClient(p), nil))
	for name, prepare := range map[string]func(*resty.Request){
		"struct": func(r *resty.Request) { r.SetBody(map[string]int{"n": 1}) },
		"string": func(r *resty.Request) { r.SetBody("text") },
		"form":   func(r *resty.Request) { r.SetFormData(map[string]string{"n": "1"}) },
	} {
		t.Run(name, func(t *testing.T) {
			p.RevokeAccessTokens()
			request := client.R()
			prepare(request)
			resp, err := request.Post(p.BearerURL)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, resp.StatusCode(), "%s", resp)
		})
	}
}

func TestRestysOwnTokenIsReplaced(t *testing.T) {
	p := authtest.NewProvider(t)
	resp, err := resty.NewWithClient(connectorauth.NewClient(forClient(p), nil)).SetAuthToken("stale").R().Get(p.BearerURL)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode(), "%s", resp)
}

func TestRestyUploadsGetTheirFields(t *testing.T) {
	var fields []string
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength >= 0 && int64(len(body)) != r.ContentLength {
			http.Error(w, fmt.Sprint(len(body), r.ContentLength, err), http.StatusBadRequest)
			return
		}
		_, boundary, _ := strings.Cut(r.Header.Get("Content-Type"), "boundary=")
		form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(1 << 20)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		defer form.RemoveAll()
		fields = append(form.Value["token"], form.Value["title"]...)
		fields = append(fields, fmt.Sprint(form.File["file"][0].Size))
	})
	c := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "token", Value: secret}}}))
	resp, err := resty.NewWithClient(connectorauth.NewClient(c, nil)).R().
		SetFormData(map[string]string{"title": "a"}).
		SetFileReader("file", "a.bin", strings.NewReader(strings.Repeat("x", 100_000))).
		Post(server.URL)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode(), "%s", resp)
	assert.Equal(t, []string{secret, "a", "100000"}, fields)
}

// permanent reports whether an error of a connector's client stays the same
// however often the request is tried again.
func permanent(err error) bool {
	var token *connectorauth.TokenError
	return errors.Is(err, connectorauth.ErrReauthRequired) ||
		errors.Is(err, connectorauth.ErrHostNotAllowed) ||
		errors.Is(err, connectorauth.ErrBodyNotInjectable) ||
		errors.As(err, &token) && !token.Temporary()
}

// resty retries every error unless a condition says otherwise.
func TestRestyWithAConditionGivesUpOnPermanentErrors(t *testing.T) {
	p := authtest.NewProvider(t)
	c := forOwner(t, p)
	p.RevokeGrants()
	attempts := 0
	client := resty.NewWithClient(connectorauth.NewClient(c, nil)).SetLogger(new(logger)).
		SetRetryCount(3).SetRetryWaitTime(time.Millisecond).
		AddRetryCondition(func(_ *resty.Response, err error) bool { return err != nil && !permanent(err) }).
		OnBeforeRequest(func(*resty.Client, *resty.Request) error { attempts++; return nil })
	_, err := client.R().Get(p.BearerURL)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	assert.Equal(t, 1, attempts)
}

func TestRestyRetriesAFailingAPIWithTheSameBodyEachTime(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.KeyBodyURL, 2, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(p.APIKey), In: dialect.InBody, Name: "api_key"}))
	client := resty.NewWithClient(connectorauth.NewClient(c, nil)).
		SetRetryCount(3).SetRetryWaitTime(time.Millisecond).
		AddRetryCondition(func(resp *resty.Response, err error) bool { return err == nil && resp.StatusCode() >= 500 })
	resp, err := client.R().SetBody(map[string]string{"order": "1"}).Post(p.KeyBodyURL)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode(), "%s", resp)
	requests := p.Requests(p.KeyBodyURL)
	require.Len(t, requests, 3)
	for _, r := range requests {
		assert.Equal(t, string(requests[0].Body), string(r.Body))
	}
}

// logger keeps what resty logs.
type logger struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logger) Debugf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.text, format+"\n", v...)
}
func (l *logger) Errorf(format string, v ...any) { l.Debugf(format, v...) }
func (l *logger) Warnf(format string, v ...any)  { l.Debugf(format, v...) }

func TestRestysDebugLogHasNoCredentials(t *testing.T) {
	for name, in := range map[string]dialect.Location{"header": dialect.InHeader, "query": dialect.InQuery, "cookie": dialect.InCookie} {
		t.Run(name, func(t *testing.T) {
			server := newAPI(t, func(w http.ResponseWriter, r *http.Request) {})
			c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secret, In: in, Name: "key"}))
			logged := new(logger)
			client := resty.NewWithClient(connectorauth.NewClient(c, nil)).SetLogger(logged).SetDebug(true)
			_, err := client.R().EnableTrace().Get(server.URL + "/orders?a=1")
			require.NoError(t, err)
			require.Len(t, server.arrived(), 1)
			server.Close()
			_, err = client.R().Get(server.URL + "/orders?a=1")
			require.Error(t, err)
			assert.NotContains(t, err.Error(), secret)
			assert.Contains(t, logged.text.String(), "/orders", "something was logged")
			assert.NotContains(t, logged.text.String(), secret)
		})
	}
}
