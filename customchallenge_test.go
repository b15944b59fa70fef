package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChallengeIsCalledForEachRejection(t *testing.T) {
	for _, obtain := range []bool{false, true} {
		wanted, answer, failure := 1, 0, error(nil)
		var seen []string
		config := connectorauth.CustomConfig{
			Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
				req.Header.Set("X-Answer", fmt.Sprint(answer))
				return nil
			},
			Challenge: func(_ context.Context, resp *http.Response) error {
				seen = append(seen, resp.Request.Header.Get("X-Answer"))
				fmt.Sscan(resp.Header.Get("X-Wanted"), &answer)
				return failure
			},
			Header: "X-Answer", Shared: new(connectorauth.Shared),
		}
		if obtain {
			config.Obtain = func(_ context.Context, _ connectorauth.CustomCredential, rejection *http.Response) (connectorauth.CustomCredential, error) {
				assert.Nil(t, rejection)
				return connectorauth.CustomCredential{Value: "v"}, nil
			}
		}
		base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
			if req.Header.Get("X-Answer") == fmt.Sprint(wanted) {
				return fakehttp.Respond(200, ""), nil
			}
			resp := fakehttp.Respond(401, "")
			resp.Header.Set("X-Wanted", fmt.Sprint(wanted))
			return resp, nil
		}}
		client := connectorauth.NewClient(must(connectorauth.NewCustom(config)), &http.Client{Transport: base})
		do := func(body io.Reader) (*http.Response, error) {
			resp, err := client.Post(home, "text/plain", body)
			if err == nil {
				resp.Body.Close()
			}
			return resp, err
		}
		for wanted = 1; wanted <= 5; wanted++ {
			resp, err := do(strings.NewReader("body"))
			require.NoError(t, err)
			assert.Equal(t, 200, resp.StatusCode)
		}
		assert.Equal(t, []string{"0", "1", "2", "3", "4"}, seen)

		resp, err := do(io.MultiReader(strings.NewReader("a stream"))) // cannot be sent again
		require.NoError(t, err)
		assert.Equal(t, 401, resp.StatusCode)
		resp, err = do(io.MultiReader(strings.NewReader("a stream")))
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode, "the challenge was seen")

		for range 3 {
			wanted, failure = wanted+1, errors.New("not now")
			resp, err = do(nil)
			require.NoError(t, err)
			assert.Equal(t, 401, resp.StatusCode)
			assert.ErrorContains(t, connectorauth.RenewalError(resp), "not now")
			wanted, failure = wanted+1, nil
			resp, err = do(nil)
			require.NoError(t, err)
			assert.Equal(t, 200, resp.StatusCode, "a failure delays nothing")
		}
		wanted, failure = wanted+1, fmt.Errorf("no: %w", connectorauth.ErrReauthRequired)
		_, err = do(nil)
		assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	}
}
