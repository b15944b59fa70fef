package doors_test

import (
	"bytes"
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// each runs a test for each door.
func each(t *testing.T, doors []door, test func(*testing.T, *world)) {
	for _, door := range doors {
		t.Run(door.name, func(t *testing.T) { test(t, door.open(t)) })
	}
}

func post(t *testing.T, client *http.Client, url, body string) int {
	t.Helper()
	resp, err := client.Post(url, "text/plain", bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	resp.Body.Close()
	return resp.StatusCode
}

func TestOnlyPublicPackagesAreImported(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	const ours = "github.com/connectorauth/connectorauth"
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			assert.False(t, strings.HasPrefix(path, ours) && strings.Contains(path, "/internal"), "%s imports %s", name, path)
			if !strings.HasSuffix(name, "_test.go") {
				assert.True(t, path == ours || !strings.Contains(path, "."), "%s imports %s, which is not of the standard library", name, path)
			}
		}
	}
}

func TestRequestIsSentAgainAfterARejection(t *testing.T) {
	each(t, allDoors(), func(t *testing.T, w *world) {
		client := newClient(w.open(t, nil))
		for round := range 3 {
			assert.Equal(t, 200, post(t, client, w.API+"/a%2Fb?x=y", fmt.Sprint("body ", round)))
			assert.Equal(t, round+1, w.obtained())
			w.revoke()
		}
		assert.Equal(t, []string{"body 0", "body 1", "body 2"}, w.bodies)
		assert.Empty(t, w.broken())
	})
}

func TestOneRenewalForManyGoroutines(t *testing.T) {
	each(t, allDoors(), func(t *testing.T, w *world) {
		client := newClient(w.open(t, nil))
		for round := range 2 {
			assert.Equal(t, 100, accepted(client, w.API, 100))
			assert.Equal(t, round+1, w.obtained())
			w.revoke()
		}
		assert.Empty(t, w.broken())
	})
}

func TestConnectorsShareOneCredentialThroughAStore(t *testing.T) {
	each(t, doorsWithStore(), func(t *testing.T, w *world) {
		store := new(tokenstore.Memory)
		for range 3 { // each with a Shared of its own, as in another process
			assert.Equal(t, 200, post(t, newClient(w.open(t, store)), w.API, ""))
		}
		assert.Equal(t, 1, w.obtained())
		assert.Empty(t, w.broken())
	})
}

func TestHooksSeeTheCredential(t *testing.T) {
	each(t, allDoors(), func(t *testing.T, w *world) {
		var mu sync.Mutex
		var tokenRequests, auths []string
		c := connectorauth.WithHooks(w.open(t, nil), connectorauth.Hooks{
			BeforeRequest: func(e *connectorauth.Exchange) error {
				mu.Lock()
				defer mu.Unlock()
				auths = append(auths, string(e.Auth))
				assert.True(t, e.Auth == "" || credentialIn(e), "Auth is the credential in the request")
				return nil
			},
			BeforeToken: func(e *connectorauth.Exchange) error {
				body, err := e.RequestBody(1 << 20)
				mu.Lock()
				defer mu.Unlock()
				tokenRequests = append(tokenRequests, string(body))
				return err
			},
		})
		client := newClient(c)
		require.Equal(t, 200, post(t, client, w.API, ""))
		w.revoke()
		require.Equal(t, 200, post(t, client, w.API, ""))
		assert.NotEmpty(t, auths[len(auths)-1])
		assert.NotEqual(t, auths[len(auths)-1], auths[0])
		if _, oauth := w.open(t, nil).(*connectorauth.OAuth2); oauth {
			assert.GreaterOrEqual(t, len(tokenRequests), 2)
			assert.Contains(t, tokenRequests[0], "assertion=")
			slices.Sort(tokenRequests)
			assert.Len(t, slices.Compact(tokenRequests), len(tokenRequests), "each has another assertion")
		} else {
			assert.Empty(t, tokenRequests)
		}
	})
}

// credentialIn reports whether a request carries its credential.
func credentialIn(e *connectorauth.Exchange) bool {
	auth, sent := string(e.Auth), e.Request.Header.Get("Authorization")+e.Request.Header.Get("X-Session")
	if nonce, digest := strings.CutPrefix(auth, `{"realm":"\"q\", r","nonce":"n\"`); digest {
		nonce, _, _ = strings.Cut(nonce, `"`)
		auth = nonce
	}
	return strings.Contains(sent, auth)
}

func TestJoinedWithAnAPIKey(t *testing.T) {
	for _, doorFirst := range []bool{false, true} {
		each(t, allDoors(), func(t *testing.T, w *world) {
			w.apiKey = "the api key"
			key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
				Key: "the api key", In: dialect.InQuery, Name: "api_key",
			})
			require.NoError(t, err)
			parts := []connectorauth.Connector{key, w.open(t, nil)}
			if doorFirst {
				slices.Reverse(parts)
			}
			c, err := connectorauth.Join(parts...)
			require.NoError(t, err)
			client := newClient(c)
			assert.Equal(t, 100, accepted(client, w.API, 100))
			w.revoke()
			assert.Equal(t, 200, post(t, client, w.API, ""))
			assert.Equal(t, 2, w.obtained())
			assert.Empty(t, w.broken())
		})
	}
}

func TestTokenRequestIsNotRepeatedByNetHTTP(t *testing.T) {
	each(t, doorsWithStore(), func(t *testing.T, w *world) {
		client := newClient(w.open(t, nil))
		require.Equal(t, 200, post(t, client, w.API, "")) // now there are connections to use again
		w.revoke()
		before := w.arrived()
		w.loseAt("/obtain")
		assert.Equal(t, 401, post(t, client, w.API, ""), "the caller gets the API's response")
		assert.Equal(t, before+2, w.arrived(), "the API's rejection, and one token request")
		assert.Empty(t, w.broken())
	})
}

func TestValuesAreMadeAnewAfterALostResponse(t *testing.T) {
	for _, door := range doorsWithStore() {
		t.Run(door.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := door.openInMemory(t)
				client := connectorauth.NewClient(w.open(t, nil), &http.Client{Transport: w.transport})
				lost := 0
				for range 3 {
					w.lose(1)
					_, err := client.Get(w.API)
					require.Error(t, err)
					assertNoSecret(t, w, err)
					lost++
					time.Sleep(10 * time.Second)
				}
				require.Equal(t, 200, post(t, client, w.API, ""))
				assert.Empty(t, w.broken(), "no assertion and no proof arrived twice")
				assert.Greater(t, w.arrived(), lost+1)
			})
		})
	}
}

func TestCredentialIsRenewedBeforeItExpires(t *testing.T) {
	for _, door := range doorsWithStore() {
		t.Run(door.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := door.openInMemory(t)
				client := connectorauth.NewClient(w.open(t, nil), &http.Client{Transport: w.transport})
				for range 24 * 6 {
					require.Equal(t, 200, post(t, client, w.API, ""))
					time.Sleep(10 * time.Minute)
				}
				synctest.Wait()
				assert.InDelta(t, 28, w.obtained(), 4, "once an hour or so")
				assert.Empty(t, w.broken())
				assert.Len(t, w.bodies, 24*6)
			})
		})
	}
}

// assertNoSecret fails the test if err shows a secret of w, whatever the verb.
func assertNoSecret(t *testing.T, w *world, err error) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		text := fmt.Sprintf(verb, err)
		for _, secret := range w.secrets {
			assert.NotContains(t, text, secret)
		}
		assert.NotContains(t, text, "eyJ", "no JWT")
	}
}

func TestErrorsShowNoSecret(t *testing.T) {
	for _, status := range []int{200, 400, 401, 500} {
		each(t, doorsWithStore(), func(t *testing.T, w *world) {
			w.echo = status
			_, err := newClient(w.open(t, nil)).Get(w.API)
			require.Error(t, err)
			assertNoSecret(t, w, err)
			assert.NotContains(t, fmt.Sprintf("%+v %#v", w.open(t, nil), w.open(t, nil)), w.Password)
		})
	}
}

func TestTraceOfTheAPIRequestSeesNoLogin(t *testing.T) {
	each(t, doorsWithStore(), func(t *testing.T, w *world) {
		var mu sync.Mutex
		var headers []string
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			WroteHeaderField: func(name string, _ []string) {
				mu.Lock()
				defer mu.Unlock()
				headers = append(headers, name)
			},
		})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.API, nil)
		require.NoError(t, err)
		resp, err := newClient(w.open(t, nil)).Do(req)
		require.NoError(t, err)
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		mu.Lock()
		defer mu.Unlock()
		assert.NotEmpty(t, headers)
		assert.NotContains(t, headers, "Content-Type", "of the token request or login")
	})
}
