package digestauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/digestauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCountOfEachNonceStartsAtOne(t *testing.T) {
	for _, next := range []bool{false, true} {
		s := &service{qop: "auth", uses: 2, next: next}
		bubble(t, s, func(t *testing.T, client *http.Client, _ *connectorauth.Custom) {
			for range 6 {
				require.Equal(t, 200, status(t, client, api, ""))
			}
		})
		used := 0
		for value, n := range s.nonces {
			if len(n.counts) > 0 {
				used++
				assert.Equal(t, map[int]bool{1: true, 2: true}, n.counts, value)
			}
		}
		assert.Equal(t, 3, used)
	}
}

func TestStatusThatSaysNothingOfThePassword(t *testing.T) {
	for _, status := range []int{407, 408, 429, 500, 503} {
		tried, first := 0, true
		hostile(t, func(n int, _ *http.Request) (int, string) {
			switch {
			case n == 0:
				return 401, offered("r", "n", "")
			case first:
				first = false
				return status, ""
			}
			time.Sleep(time.Second)
			tried++
			return 401, offered("r", fmt.Sprint("n", n), "")
		}, func(t *testing.T, client *http.Client, _ *int) {
			require.Equal(t, status, get(t, client, api))
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() { assert.Zero(t, get(t, client, api)) })
			}
			all.Wait()
			assert.Equal(t, 1, tried, "after the status %d, one request tries the password", status)
		})
	}
}

func TestFirstOfTwoChallengesOfOneStrengthIsAnswered(t *testing.T) {
	s := &service{respond: func(w http.ResponseWriter, r *http.Request) bool {
		if sent := r.Header.Get("Authorization"); sent != "" {
			assert.Contains(t, sent, `nonce="first"`)
			return true
		}
		for _, nonce := range []string{"first", "second"} {
			w.Header().Add("WWW-Authenticate", offered("r", nonce, ""))
		}
		w.WriteHeader(401)
		return true
	}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client, _ := open(t, nil)
	assert.Equal(t, 200, get(t, client, server.URL))
}

func TestSessionWithoutAQualityOfProtectionIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
			resp := fakehttp.Respond(401, "")
			resp.Header.Set("WWW-Authenticate", strings.ReplaceAll(offered("r", "n", "-sess"), `qop="auth", `, ""))
			return resp, nil
		}}
		c, err := digestauth.New(digestauth.Config{Username: user, Password: password, AllowMD5: true, Shared: new(connectorauth.Shared)})
		require.NoError(t, err)
		resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Get(api)
		require.NoError(t, err)
		resp.Body.Close()
		assert.ErrorContains(t, connectorauth.RenewalError(resp), "neither auth nor auth-int")
		assert.Len(t, base.Requests(), 1)
	})
}
