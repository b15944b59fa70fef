package connectorauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
			return fakehttp.Respond(http.StatusUnauthorized, "not "+got), nil
		}
		return fakehttp.Respond(http.StatusOK, "welcome"), nil
	}
}

func TestRejectedRequestIsReplayedOnce(t *testing.T) {
	var sent fakehttp.Bodies
	var first *fakehttp.Body
	base := &fakehttp.Base{}
	base.Answer = func(req *http.Request) (*http.Response, error) {
		resp, err := wants("2")(req)
		if first == nil {
			first = &fakehttp.Body{Reader: resp.Body}
			resp.Body = first
		}
		return resp, err
	}
	var rejected *http.Request
	c := renewing(t, func(_ context.Context, req *http.Request) error {
		rejected = req
		return nil
	})
	req := sent.Request(t, http.MethodPut, home+"/path?a=1", "text/plain", "hello", true)
	resp, err := c.Wrap(base).RoundTrip(req)

	status, body := read(t, resp, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, "welcome", body)
	assert.Same(t, req, resp.Request)
	out := base.Requests()
	require.Len(t, out, 2)
	for i, number := range []string{"1", "2"} {
		assert.Equal(t, []string{number}, out[i].Header["X-Number"])
		assert.Equal(t, "hello", out[i].Body)
		assert.Equal(t, "a=1", out[i].URL.RawQuery)
	}
	assert.Equal(t, req.URL.String(), rejected.URL.String(), "Obtain is told which request was rejected")
	assert.NotSame(t, req, rejected, "and gets a copy")
	assert.Len(t, sent.Opened, 2)
	sent.RequireClosedOnce(t)
	assert.EqualValues(t, 1, first.Closed.Load(), "the first answer is closed")
}

func TestRejectedRequestWithoutBodyIsReplayed(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		base := &fakehttp.Base{Answer: wants("2")}
		req := must(http.NewRequest(http.MethodGet, home, nil))
		req.Body = body
		resp, err := renewing(t, nil).Wrap(base).RoundTrip(req)
		status, _ := read(t, resp, err)
		assert.Equal(t, 200, status)
		assert.Len(t, base.Requests(), 2)
	}
}

func TestRejectedRequestIsNotReplayedWithoutItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent fakehttp.Bodies
		base := &fakehttp.Base{Answer: wants("2")}
		client := renewing(t, nil).Wrap(base)
		resp, err := client.RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "once", false))
		status, body := read(t, resp, err)
		assert.Equal(t, 401, status)
		assert.Equal(t, "not 1", body, "the API's own answer")
		assert.Len(t, base.Requests(), 1)

		synctest.Wait() // for the renewal in the background
		resp, err = client.RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "again", false))
		status, _ = read(t, resp, err)
		assert.Equal(t, 200, status, "the next request has the new credential")
		sent.RequireClosedOnce(t)
	})
}

func TestRejectedRequestWhoseGetBodyFailsLeavesTheResponse(t *testing.T) {
	var sent fakehttp.Bodies
	base := &fakehttp.Base{Answer: wants("2")}
	req := sent.Request(t, http.MethodPost, home, "text/plain", "once", true)
	req.GetBody = func() (io.ReadCloser, error) { return nil, errBroken }
	resp, err := renewing(t, nil).Wrap(base).RoundTrip(req)
	status, body := read(t, resp, err)
	assert.Equal(t, 401, status)
	assert.Equal(t, "not 1", body)
	sent.RequireClosedOnce(t)
}

func TestManyRejectionsRenewOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 1000
		renewals := 0
		base := &fakehttp.Base{Answer: wants("2")}
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
		assert.Len(t, base.Requests(), 2*callers)
	})
}

func TestLateRejectionOfAnOlderCredentialDoesNotRenewAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewals := 0
		late := make(chan struct{})
		base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
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

func TestRenewalThatFailsForNowLeavesTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewals := 0
		base := &fakehttp.Base{Answer: wants("2")}
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

func TestRenewalThatPanicsLeavesTheResponse(t *testing.T) {
	transport := renewing(t, func(context.Context, *http.Request) error { panic(customSecret) }).Wrap(&fakehttp.Base{Answer: wants("2")})
	resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	status, _ := read(t, resp, err)
	assert.Equal(t, 401, status)
}

func TestRenewalThatFailsForGoodIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewals, dead := 0, true
		base := &fakehttp.Base{Answer: fakehttp.Statuses(401)}
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
		dead, base.Answer = false, wants("2")
		time.Sleep(2 * time.Minute)
		resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		status, _ := read(t, resp, err)
		assert.Equal(t, 200, status)
	})
}

func TestRejectedReplayIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewals := 0
		base := &fakehttp.Base{Answer: fakehttp.Statuses(401)}
		transport := renewing(t, func(context.Context, *http.Request) error { renewals++; return nil }).Wrap(base)
		send := func() string {
			resp, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			status, body := read(t, resp, err)
			require.Equal(t, 401, status)
			return body
		}
		assert.Equal(t, "answer 2", send(), "that of the replay")
		assert.Equal(t, 1, renewals)
		assert.Len(t, base.Requests(), 2)

		for range 5 { // a new credential would fare no better
			send()
		}
		assert.Equal(t, 1, renewals)
		assert.Len(t, base.Requests(), 7)

		time.Sleep(2 * time.Minute)
		send()
		assert.Equal(t, 2, renewals, "after a while it is tried again")
	})
}

func TestReplayOfAWaitingCallerEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewed := make(chan error, 1)
		base := &fakehttp.Base{Answer: wants("2")}
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
	base := &fakehttp.Base{Answer: fakehttp.Statuses(401)}
	for _, s := range subjects(tokenEndpoint()) {
		if s.name == "OAuth2" {
			continue
		}
		base.Forget()
		resp, err := connectorauth.NewClient(s.connector, &http.Client{Transport: base}).Post(home, "application/json", strings.NewReader(`{}`))
		status, _ := read(t, resp, err)
		assert.Equal(t, 401, status)
		assert.Len(t, base.Requests(), 1, s.name)
	}
}
