package zitadel_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
)

const (
	replicaJob = "replica"
	processes  = 8
	goroutines = 3
	pause      = 100 * time.Millisecond  // between two requests of a goroutine
	lifetime   = 4500 * time.Millisecond // of a token; expires_in is 4
	renewals   = 3                       // that a race waits for
)

var replicas = child.Jobs{replicaJob: replica}

// role is what a process is told.
type role struct {
	Kind, Issuer, Dir, Key string
	Revoked                bool // in the end
}

// tally is what a process has seen.
type tally struct {
	Accepted, Refused, Ended, Failed int
	Slow                             int    // refused after so long a time that the token of the second try may have ended
	Error                            string // the last of those that Refused and Failed count
}

// config returns the config of an account that all processes share.
func (r role) config() (connectorauth.OAuth2Config, error) {
	store, err := tokenstore.NewFile(r.Dir)
	if err != nil {
		return connectorauth.OAuth2Config{}, err
	}
	p := &provider{issuer: r.Issuer}
	var config connectorauth.OAuth2Config
	switch r.Kind {
	case "web":
		config = p.code(webClient)
	case "device":
		config = p.device()
	default:
		key, err := assertion.NewKey(assertion.KeyConfig{Private: connectorauth.Secret(r.Key), ID: "RS256"})
		if err != nil {
			return config, err
		}
		if config = p.bearer(key, r.Issuer); r.Kind == "private_key_jwt" {
			config = p.signed(key, p.code(signingClient))
		}
	}
	config.Store, config.Account = store, "account"
	return config, nil
}

// account is the account of the public client, which knows the issuer alone.
func (r role) account() (*discovery.Account, error) {
	store, err := tokenstore.NewFile(r.Dir)
	if err != nil {
		return nil, err
	}
	finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: http.DefaultTransport}})
	if err != nil {
		return nil, err
	}
	config := (&provider{issuer: r.Issuer}).code(nativeClient)
	config.Grant, config.TokenURL, config.RevokeURL, config.ClientAuth = nil, "", "", nil
	config.Store, config.Account = store, "account"
	return discovery.NewAccount(discovery.AccountConfig{Finder: finder, Issuer: r.Issuer, OAuth2: config})
}

// connector returns the connector of a connected account.
func (r role) connector(ctx context.Context) (*connectorauth.OAuth2, error) {
	if r.Kind == "by issuer" {
		account, err := r.account()
		if err != nil {
			return nil, err
		}
		return account.Connector(ctx)
	}
	config, err := r.config()
	if err != nil {
		return nil, err
	}
	return connectorauth.NewOAuth2(config)
}

// replica calls the API, and prints the tally. The end of the pause ends the calls. If the
// tokens are revoked, the calls end with the account: replica prints a line at the end of
// the pause, and counts no refusal from then on, for zitadel knows of the end first.
func replica(text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := r.connector(ctx)
	if err != nil {
		return err
	}
	var ending atomic.Bool
	go func() {
		child.Pause()
		if !r.Revoked {
			cancel()
			return
		}
		ending.Store(true)
		fmt.Println("ending")
	}()
	client := connectorauth.NewClient(c, &http.Client{Timeout: time.Minute})
	var seen tally
	var mu sync.Mutex
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				status, reason, err := get(client, r.Issuer+"userinfo")
				took := time.Since(began)
				mu.Lock()
				switch {
				case errors.Is(err, connectorauth.ErrReauthRequired):
					seen.Ended++
					mu.Unlock()
					return
				case err != nil:
					seen.Failed++
					seen.Error = err.Error()
				case status == http.StatusOK:
					seen.Accepted++
				case ending.Load():
				case took > lifetime/4:
					seen.Slow++
				default:
					seen.Refused++
					seen.Error = reason
				}
				mu.Unlock()
				time.Sleep(pause)
			}
		})
	}
	fmt.Println("ready")
	all.Wait()
	return json.NewEncoder(os.Stdout).Encode(seen)
}

// get returns the status of a response, and why a refused token was not renewed.
func get(client *http.Client, url string) (status int, reason string, err error) {
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, fmt.Sprint(connectorauth.RenewalError(resp)), err
}

// connect connects the account of r at p.
func (r role) connect(t *testing.T, p *provider) {
	t.Helper()
	switch r.Kind {
	case "by issuer":
		account, err := r.account()
		require.NoError(t, err)
		authURL, pending, err := account.Begin(t.Context(), redirectURL)
		require.NoError(t, err)
		require.NoError(t, account.Finish(t.Context(), pending, consent(t, authURL)))
	case "device":
		config, err := r.config()
		require.NoError(t, err)
		c := newOAuth2(t, config)
		prompt, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		decide(t, prompt, "allowed")
		require.NoError(t, c.FinishDevice(t.Context(), pending))
	case "JWT bearer": // needs nobody
	default:
		config, err := r.config()
		require.NoError(t, err)
		p.connect(t, config)
	}
}

// Eight processes share an account. Each renewal is one token request over all of them, and
// what is single-use is sent once. In the end, one process revokes the tokens, and all
// processes learn of the end, at the cost of no further token request.
func TestEightProcessesRenewOnce(t *testing.T) {
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	require.NoError(t, err)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for _, race := range []struct {
		kind   string
		newer  bool   // of zitadel's interfaces
		grant  string // of the renewals
		single string // the parameter that is single-use
	}{
		{"by issuer", false, "refresh_token", "refresh_token"},
		{"web", true, "refresh_token", "refresh_token"},
		{"device", true, "refresh_token", "refresh_token"},
		{"private_key_jwt", false, "refresh_token", "client_assertion"},
		{"JWT bearer", true, jwtBearer, "assertion"},
	} {
		t.Run(race.kind, func(t *testing.T) {
			p := start(t, race.newer)
			p.storage.ends.after(lifetime)
			r := role{Kind: race.kind, Issuer: p.issuer, Dir: filepath.Join(t.TempDir(), "tokens"), Key: key, Revoked: race.grant == "refresh_token"}
			r.connect(t, p)
			text, err := json.Marshal(r)
			require.NoError(t, err)
			began := time.Now()
			var running []*child.Process
			for range processes {
				running = append(running, child.Start(t, replicaJob, string(text)))
			}
			for _, process := range running {
				require.Equal(t, "ready", process.Line(t))
			}
			for len(p.sent(race.grant, race.single)) < renewals {
				require.Less(t, time.Since(began), 5*time.Minute, "%v", p.sent(race.grant, race.single))
				wait(t, pause)
			}
			for _, process := range running {
				process.EndPause(t)
			}
			if r.Revoked {
				for _, process := range running {
					require.Equal(t, "ending", process.Line(t))
				}
				c, err := r.connector(t.Context())
				require.NoError(t, err)
				require.NoError(t, c.Revoke(t.Context()))
			}
			sent := p.sent(race.grant, race.single)
			took := time.Since(began)
			for i, process := range running {
				var seen tally
				require.NoError(t, json.Unmarshal([]byte(process.Line(t)), &seen))
				require.NoError(t, process.Wait())
				t.Logf("process %d: %+v", i, seen)
				assert.Positive(t, seen.Accepted)
				assert.Zero(t, seen.Refused, seen.Error)
				assert.Zero(t, seen.Failed, seen.Error)
				assert.Equal(t, r.Revoked, seen.Ended == goroutines, "all or none learn of the end")
			}
			if r.Revoked {
				assert.Len(t, p.sent(race.grant, race.single), len(sent), "a token request after the end")
			}
			requireNew(t, p.sent(race.grant, race.single), len(p.sent(race.grant, race.single)))
			if r.Revoked {
				requireNew(t, p.sent(race.grant, "refresh_token"), len(sent))
			}
			// A token lives for four seconds as far as processes know, and is renewed when
			// at most two fifths of the lifetime are left, with jitter.
			assert.LessOrEqual(t, len(sent), int(took/(2400*time.Millisecond))+1)
			t.Logf("%d renewals in %v", len(sent), took)
		})
	}
}
