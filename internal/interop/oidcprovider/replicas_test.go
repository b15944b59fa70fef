package oidcprovider_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/child"
)

const (
	processes  = 8
	rounds     = 3
	goroutines = 2 // of a process, for each account
)

// A tally is what a process has seen in a round.
type tally struct {
	Accepted int
	Problems []string
}

// renewals is a process that has all accounts of a site. For each line of its input, the
// process uses each account, and prints a tally.
func renewals(argument string) error {
	var where site
	if err := json.Unmarshal([]byte(argument), &where); err != nil {
		return err
	}
	clients := map[string]*http.Client{}
	for _, f := range flows {
		c, err := where.open(context.Background(), f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		clients[where.Issuer+f.API+"#"+f.Name] = connectorauth.NewClient(c, nil)
	}
	fmt.Println("ready")
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		if err := json.NewEncoder(os.Stdout).Encode(useAll(clients)); err != nil {
			return err
		}
	}
	return nil
}

// useAll uses all accounts at the same time, by the URLs of their APIs.
func useAll(clients map[string]*http.Client) (seen tally) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for url, client := range clients {
		for range goroutines {
			all.Go(func() {
				status, _, err := get(client, url)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					seen.Problems = append(seen.Problems, url+": "+err.Error())
				case status != http.StatusOK:
					seen.Problems = append(seen.Problems, fmt.Sprintf("%s: status %d", url, status))
				default:
					seen.Accepted++
				}
			})
		}
	}
	all.Wait()
	return seen
}

// Eight processes share the account of each flow by a store. All of them find at the same
// time that the API takes the token no longer. One of them renews, nobody notices, and the
// provider, which revokes a grant whose refresh token comes twice, sees each of them once.
func TestEightProcessesRenewOnce(t *testing.T) {
	s := start(t)
	where := s.site(t)
	t.Run("connect", func(t *testing.T) {
		for _, f := range flows {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel() // devices wait
				s.connect(t, where, f)
			})
		}
	})
	argument, err := json.Marshal(where)
	require.NoError(t, err)
	var running []*child.Process
	for range processes {
		running = append(running, child.Start(t, "renew", string(argument)))
	}
	for _, p := range running {
		require.Equal(t, "ready", p.Line(t))
	}
	used := map[string]bool{}
	for range rounds {
		for _, f := range flows {
			c, err := where.open(t.Context(), f)
			require.NoError(t, err)
			s.expire(t, c)
		}
		s.take()
		for _, p := range running {
			p.Say(t, "use")
		}
		for _, p := range running {
			var seen tally
			require.NoError(t, json.Unmarshal([]byte(p.Line(t)), &seen))
			assert.Equal(t, len(flows)*goroutines, seen.Accepted)
			assert.Empty(t, seen.Problems)
		}
		refreshes := 0
		for _, m := range s.take() {
			if m.params.Get("grant_type") != "refresh_token" || m.status == http.StatusBadRequest && m.response["error"] == "use_dpop_nonce" {
				continue
			}
			refreshes++
			assert.Equal(t, http.StatusOK, m.status, "%v", m.response)
			refresh := m.params.Get("refresh_token")
			assert.False(t, used[refresh], "a refresh token came twice")
			used[refresh] = true
			assert.NotEqual(t, refresh, m.response["refresh_token"], "the provider rotates")
		}
		assert.Equal(t, len(flows), refreshes)
	}
	for _, p := range running {
		p.EndPause(t)
		require.NoError(t, p.Wait())
	}
	for _, f := range flows { // in a store that eight processes have written
		c, err := where.open(t.Context(), f)
		require.NoError(t, err)
		require.NoError(t, c.Revoke(t.Context()), f.Name)
	}
}
