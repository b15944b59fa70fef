package awsauth_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/awsauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

const (
	secretKey    = "SECRET/+%=~7f2a"
	sessionToken = "SESSION/+%=~9c4e"
	home         = fakehttp.Home
)

// open returns a connector with base and a change of its config.
func open(t *testing.T, change func(*awsauth.Config)) *connectorauth.Custom {
	t.Helper()
	config := awsauth.Config{
		Service: "execute-api", Region: "us-east-1", Credentials: awsauth.Static("AKIDEXAMPLE", secretKey, ""), Shared: new(connectorauth.Shared),
	}
	if change != nil {
		change(&config)
	}
	c, err := awsauth.New(config)
	require.NoError(t, err)
	return c
}

// send sends a request with c through base, and returns the response.
func send(t *testing.T, c connectorauth.Connector, base http.RoundTripper, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	return req
}

func s3(payload awsauth.Payload) func(*awsauth.Config) {
	return func(c *awsauth.Config) { c.Service, c.Payload = "s3", payload }
}

func TestRulesOfS3(t *testing.T) {
	const hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of: hello
	for name, test := range map[string]struct {
		change func(*awsauth.Config)
		body   io.Reader
		own    string // the caller's X-Amz-Content-Sha256
		want   string
	}{
		"signed":            {s3(""), strings.NewReader("hello"), "", hash},
		"signed stream":     {s3(""), io.MultiReader(strings.NewReader("hello")), "", hash},
		"unsigned":          {s3(awsauth.PayloadUnsigned), strings.NewReader("hello"), "", "UNSIGNED-PAYLOAD"},
		"unsigned, no body": {s3(awsauth.PayloadUnsigned), nil, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"chunked, no body":  {s3(awsauth.PayloadChunked), nil, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"of the caller":     {s3(awsauth.PayloadChunked), strings.NewReader("hello"), "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
	} {
		base := new(fakehttp.Base)
		req := request(t, http.MethodPut, home+"/bucket//a!b%20c/../d?x=1", test.body)
		if test.own != "" {
			req.Header.Set("X-Amz-Content-Sha256", test.own)
		}
		send(t, open(t, test.change), base, req)
		sent := base.Requests()[0]
		assert.Equal(t, []string{test.want}, sent.Header["X-Amz-Content-Sha256"], name)
		assert.Contains(t, sent.Header.Get("Authorization"), "SignedHeaders=host;x-amz-content-sha256;x-amz-date,", name)
		assert.Equal(t, "/bucket//a%21b%20c/../d", sent.URL.EscapedPath(), name)
		if test.body != nil {
			assert.Equal(t, "hello", sent.Body, name)
		}
	}
}

func TestChunkedPayload(t *testing.T) {
	base := new(fakehttp.Base)
	body := strings.Repeat("0123456789abcdef", 10000)
	req := request(t, http.MethodPut, home+"/key", io.MultiReader(strings.NewReader(body)))
	req.ContentLength = int64(len(body))
	req.Header.Set("Content-Encoding", "gzip")
	send(t, open(t, s3(awsauth.PayloadChunked)), base, req)
	sent := base.Requests()[0]
	assert.Equal(t, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", sent.Header.Get("X-Amz-Content-Sha256"))
	assert.Equal(t, "aws-chunked,gzip", sent.Header.Get("Content-Encoding"))
	assert.Equal(t, fmt.Sprint(len(body)), sent.Header.Get("X-Amz-Decoded-Content-Length"))
	assert.EqualValues(t, len(sent.Body), sent.ContentLength)
	var decoded strings.Builder
	for rest := sent.Body; rest != ""; {
		var size int
		_, err := fmt.Sscanf(rest, "%x;", &size)
		require.NoError(t, err)
		_, rest, _ = strings.Cut(rest, "\r\n")
		decoded.WriteString(rest[:size])
		require.Equal(t, "\r\n", rest[size:size+2])
		rest = rest[size+2:]
		sent.Body = rest
	}
	assert.Equal(t, body, decoded.String())

	for want, body := range map[string]string{"unexpected EOF": "short", "longer than its length": strings.Repeat("long", 10)} {
		req := request(t, http.MethodPut, home+"/key", io.MultiReader(strings.NewReader(body)))
		req.ContentLength = 10
		_, err := open(t, s3(awsauth.PayloadChunked)).Wrap(fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			_, err := io.Copy(io.Discard, req.Body)
			req.Body.Close()
			return nil, err
		})).RoundTrip(req)
		assert.ErrorContains(t, err, want)
	}
	_, err := open(t, s3(awsauth.PayloadChunked)).Wrap(base).RoundTrip(request(t, http.MethodPut, home, io.MultiReader(strings.NewReader("x"))))
	assert.ErrorContains(t, err, "set ContentLength")
}

func TestStreamIsHeldInMemoryUpToALimit(t *testing.T) {
	c := open(t, func(c *awsauth.Config) { c.MaxBody = 10 })
	_, err := c.Wrap(new(fakehttp.Base)).RoundTrip(request(t, http.MethodPut, home, io.MultiReader(strings.NewReader("more than ten"))))
	require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable)
	base := new(fakehttp.Base)
	send(t, c, base, request(t, http.MethodPut, home, strings.NewReader("more than ten")))
	assert.Equal(t, "more than ten", base.Requests()[0].Body, "a body with GetBody is read twice")
}

func TestPresignedURLStaysWhole(t *testing.T) {
	base := new(fakehttp.Base)
	url := home + "/a%20b/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=abc&x=+%2b"
	req := request(t, http.MethodGet, url, nil)
	send(t, open(t, s3("")), base, req)
	sent := base.Requests()[0]
	assert.Equal(t, url, sent.URL.String())
	assert.Empty(t, sent.Header)
}

func TestSessionTokenIsSignedAndOfThePresentCredentials(t *testing.T) {
	base := new(fakehttp.Base)
	req := request(t, http.MethodGet, home, nil)
	req.Header.Set("X-Amz-Security-Token", "of the caller")
	req.Header["authorization"] = []string{"of the caller"}
	send(t, open(t, func(c *awsauth.Config) { c.Credentials = awsauth.Static("AKIDEXAMPLE", secretKey, sessionToken) }), base, req)
	send(t, open(t, nil), base, req)
	assert.Equal(t, []string{sessionToken}, base.Requests()[0].Header["X-Amz-Security-Token"])
	assert.Contains(t, base.Requests()[0].Header.Get("Authorization"), ";x-amz-security-token,")
	assert.NotContains(t, base.Requests()[0].Header, "authorization")
	assert.Empty(t, base.Requests()[1].Header["X-Amz-Security-Token"])
}

// refuse responds like a service to the first n requests.
func refuse(n, status int, header http.Header, body string) *fakehttp.Base {
	return &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		if n--; n < 0 {
			return fakehttp.Respond(200, "fine"), nil
		}
		resp := fakehttp.Respond(status, body)
		resp.Header = header.Clone()
		return resp, nil
	}}
}

func TestCredentialsThatHaveExpiredAreReplaced(t *testing.T) {
	for name, base := range map[string]*fakehttp.Base{
		"in the body":   refuse(1, 400, http.Header{"Content-Type": {"application/xml"}}, "<Error><Code>ExpiredToken</Code></Error>"),
		"in the header": refuse(1, 403, http.Header{"X-Amzn-Errortype": {"ExpiredTokenException:http://internal.amazon.com/"}}, ""),
	} {
		calls := 0
		c := open(t, func(c *awsauth.Config) {
			c.Credentials = func(context.Context) (awsauth.Credentials, error) {
				calls++
				return awsauth.Credentials{AccessKeyID: fmt.Sprint("AKID", calls), SecretAccessKey: secretKey, SessionToken: sessionToken}, nil
			}
		})
		resp, body := send(t, c, base, request(t, http.MethodPost, home, strings.NewReader("hello")))
		assert.Equal(t, 200, resp.StatusCode, name)
		assert.Equal(t, "fine", body)
		require.Len(t, base.Requests(), 2)
		for i, sent := range base.Requests() {
			assert.Contains(t, sent.Header.Get("Authorization"), fmt.Sprintf("Credential=AKID%d/", i+1))
			assert.Equal(t, "hello", sent.Body)
		}
	}
}

func TestRefusalOfARequestReplacesNothing(t *testing.T) {
	base := refuse(1, 403, http.Header{"Content-Type": {"application/json"}}, `{"message":"no access"}`)
	resp, body := send(t, open(t, nil), base, request(t, http.MethodGet, home, nil))
	assert.Equal(t, 403, resp.StatusCode)
	assert.Equal(t, `{"message":"no access"}`, body)
	assert.Len(t, base.Requests(), 1)
}

func TestClockOfTheServiceCounts(t *testing.T) {
	for _, ahead := range []time.Duration{0, 30 * time.Second, 20 * time.Minute, -3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			base := new(fakehttp.Base)
			base.Answer = func(req *http.Request) (*http.Response, error) {
				now := time.Now().Add(ahead).UTC()
				signed, err := time.Parse("20060102T150405Z", req.Header.Get("X-Amz-Date"))
				require.NoError(t, err)
				resp := fakehttp.Respond(200, "")
				if off := now.Sub(signed); off.Abs() > 5*time.Minute {
					resp = fakehttp.Respond(403, "<Code>RequestTimeTooSkewed</Code>")
				}
				resp.Header.Set("Date", now.Format(http.TimeFormat))
				return resp, nil
			}
			c := open(t, nil)
			for i := range 3 {
				resp, _ := send(t, c, base, request(t, http.MethodGet, home, nil))
				assert.Equal(t, 200, resp.StatusCode)
				want := i + 1
				if ahead.Abs() > 5*time.Minute {
					want++
				}
				assert.Len(t, base.Requests(), want, "%v", ahead)
			}
		})
	}
}

func TestRedirectIsSignedAnewOnItsOriginAlone(t *testing.T) {
	n := fakehttp.NewInternet(t)
	n.Redirect(307, fakehttp.Home+"/start", fakehttp.Home+"/next", fakehttp.Foreign+"/end")
	c := open(t, nil)
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: n.Transport}).Post(fakehttp.Home+"/start", "text/plain", strings.NewReader("hello"))
	require.NoError(t, err)
	resp.Body.Close()
	require.Len(t, n.Trail, 3)
	assert.NotEqual(t, n.Trail[0].Header.Get("Authorization"), n.Trail[1].Header.Get("Authorization"))
	assert.NotEmpty(t, n.Trail[1].Header.Get("Authorization"))
	for _, name := range []string{"Authorization", "X-Amz-Date"} {
		assert.Empty(t, n.Trail[2].Header.Get(name))
	}
}

func TestProcessesShareTheCredentialsOfAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, calls := new(tokenstore.Memory), 0
		source := func(context.Context) (awsauth.Credentials, error) {
			calls++
			return awsauth.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secretKey, SessionToken: sessionToken, Expiry: time.Now().Add(time.Hour)}, nil
		}
		use := func() {
			c := open(t, func(c *awsauth.Config) { c.Credentials, c.Store, c.Account = source, store, "role" })
			base := new(fakehttp.Base)
			send(t, c, base, request(t, http.MethodGet, home, nil))
			assert.Equal(t, sessionToken, base.Requests()[0].Header.Get("X-Amz-Security-Token"))
		}
		for range 8 {
			use()
		}
		assert.Equal(t, 1, calls)
		time.Sleep(2 * time.Hour)
		use()
		assert.Equal(t, 2, calls)
	})
}

func TestConfigIsChecked(t *testing.T) {
	_, err := awsauth.New(awsauth.Config{Service: "a b", Payload: "chunked", MaxBody: -1, SignedHeaders: []string{"x y"}, Store: new(tokenstore.Memory), RenewBefore: -1, Hosts: []string{"a b"}})
	require.Error(t, err)
	for _, want := range []string{"Service: ", "Region: ", "Credentials: is nil", "chunked is for S3", "MaxBody: ", "SignedHeaders: ", "Account: ", "RenewBefore: ", "Hosts"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = awsauth.New(awsauth.Config{Payload: "none"})
	assert.ErrorContains(t, err, `Payload: is "none"`)
	for _, c := range []awsauth.Credentials{{}, {AccessKeyID: "a"}, {AccessKeyID: "a", SecretAccessKey: "b\n"}, {AccessKeyID: "a b", SecretAccessKey: "b"}} {
		connector := open(t, func(config *awsauth.Config) {
			config.Credentials = func(context.Context) (awsauth.Credentials, error) { return c, nil }
		})
		_, err := connector.Wrap(new(fakehttp.Base)).RoundTrip(request(t, http.MethodGet, home, nil))
		assert.ErrorContains(t, err, "the source returned")
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	c := open(t, func(c *awsauth.Config) { c.Credentials = awsauth.Static("AKIDEXAMPLE", secretKey, sessionToken) })
	client := connectorauth.NewClient(c, &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("sending %v", req.Header)
	})})
	_, err := client.Get(home)
	require.Error(t, err)
	var all bytes.Buffer
	for _, value := range []any{c, client, err, awsauth.Credentials{AccessKeyID: "a", SecretAccessKey: secretKey, SessionToken: sessionToken}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&all, verb, value)
		}
	}
	assert.Empty(t, canary.Found(all.String(), secretKey, sessionToken))
}

func TestSignatureOfAJoinCoversTheOtherCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "a/b", In: dialect.InQuery, Name: "key"})
		require.NoError(t, err)
		var signatures []string
		for _, join := range []bool{true, false} {
			c, url := connectorauth.Connector(open(t, nil)), home+"/?a=1&key=a%2Fb"
			if join {
				c, err = connectorauth.Join(c, key)
				require.NoError(t, err)
				url = home + "/?a=1"
			}
			base := new(fakehttp.Base)
			send(t, c, base, request(t, http.MethodGet, url, nil))
			assert.Equal(t, "a=1&key=a%2Fb", base.Requests()[0].URL.RawQuery)
			signatures = append(signatures, base.Requests()[0].Header.Get("Authorization"))
		}
		assert.Equal(t, signatures[0], signatures[1])
		basic, err := connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u"})
		require.NoError(t, err)
		_, err = connectorauth.Join(open(t, nil), basic)
		require.ErrorContains(t, err, "two credentials for the header Authorization")
	})
}
