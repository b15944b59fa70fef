//go:build unix

package sqltest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/child"
)

const providerJob = "provider"

// A providing is the argument of a provider: a process of its own, which replaces each refresh
// token by its use, revokes the grant when a refresh token comes twice, and counts.
type providing struct {
	Accounts int
	Token    time.Duration // of a token request
	Lifetime time.Duration // of an access token
	Apart    time.Duration // two grants of an account that are less apart are one too many
}

// An entry is what the provider knows of an account.
type entry struct {
	Generation int       // of the refresh token that the account has
	Last       time.Time // of the last grant
	By         int       // the replica of the last grant
	Reused     bool      // an old refresh token has come, so the account is dead
	Early      bool      // two grants were not apart
}

// A book is what the provider has counted.
type book struct {
	Granted int
	CPU     time.Duration
	Entries []entry
}

// provide prints the URL of the provider, and serves until the end of the pause.
func provide(argument string) error {
	var p providing
	if err := json.Unmarshal([]byte(argument), &p); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var mu sync.Mutex
	b := book{Entries: make([]entry, p.Accounts)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		var n, generation int
		w.Header().Set("Content-Type", "application/json")
		if _, err := fmt.Sscanf(r.FormValue("refresh_token"), "r.%d.%d", &n, &generation); err != nil || n >= p.Accounts {
			http.Error(w, `{"error": "invalid_request"}`, http.StatusBadRequest)
			return
		}
		time.Sleep(p.Token / 2)
		mu.Lock()
		e, now := &b.Entries[n], time.Now()
		e.Reused = e.Reused || generation != e.Generation
		dead := e.Reused
		if !dead {
			e.Early = e.Early || now.Sub(e.Last) < p.Apart
			e.Generation++
			e.Last = now
			e.By, _ = strconv.Atoi(r.Header.Get("Replica"))
			b.Granted++
		}
		mu.Unlock()
		time.Sleep(p.Token - p.Token/2)
		if dead {
			http.Error(w, `{"error": "invalid_grant"}`, http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"access_token": "a.%d.%d", "token_type": "Bearer", "expires_in": %d, "refresh_token": "r.%d.%d"}`,
			n, generation+1, int(p.Lifetime.Seconds()), n, generation+1)
	})
	mux.HandleFunc("GET /granted", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprint(w, b.Granted)
	})
	mux.HandleFunc("GET /book", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		b.CPU = cpu(syscall.RUSAGE_SELF)
		json.NewEncoder(w).Encode(b)
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	fmt.Println("http://" + listener.Addr().String())
	child.Pause()
	return server.Close()
}

// cpu returns how much time of the processor this process has used.
func cpu(who int) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// ask gets what the provider says of something.
func ask(t testing.TB, url string, into any) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(into))
}
