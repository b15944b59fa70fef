package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/dbserver"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var postgres = dbserver.NewPostgres("")

func TestMain(m *testing.M) {
	child.Main(child.Jobs{"main": func(string) error { main(); return nil }})
	leaktest.Main(m, postgres.Stop)
}

// start runs the program until the test ends or calls stop, which waits for the end.
func start(t *testing.T, d *demo, database string) (home string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var program sync.WaitGroup
	program.Go(func() { assert.NoError(t, run(ctx, listener, database, d)) })
	stop = func() {
		cancel()
		program.Wait()
	}
	t.Cleanup(stop)
	return "http://" + listener.Addr().String(), stop
}

func newTestDemo(t *testing.T) *demo {
	d := newDemo()
	t.Cleanup(d.Close)
	return d
}

func TestStepsOnSQLite(t *testing.T) {
	d := newTestDemo(t)
	home, _ := start(t, d, "")
	require.NoError(t, d.check(home))
}

func TestStepsOnPostgreSQL(t *testing.T) {
	d := newTestDemo(t)
	home, stop := start(t, d, postgres.DSN(t))
	require.NoError(t, d.check(home))
	stop()
}

func TestStrangersAreNotSignedIn(t *testing.T) {
	home, _ := start(t, newTestDemo(t), "")
	for name, password := range map[string]string{"mallory": "", "ada": "", "": "", "bob": "ada"} {
		newPerson(home, name, password).want(http.StatusUnauthorized, "GET", "/accounts/", nil, nil)
	}
}

// What a service says is text for the browser, and no page of the platform.
func TestAServiceWritesNoPage(t *testing.T) {
	d := newTestDemo(t)
	home, _ := start(t, d, "")
	ada := newPerson(home, "ada", "ada")
	var a account
	ada.want(http.StatusCreated, "POST", "/accounts/api/accounts", connect{"shop", values{"apiKey": d.Owners[0].APIKey}}, &a)
	d.Inject(d.KeyHeaderURL, 1, authtest.Answer(http.StatusOK, http.Header{"Content-Type": {"text/html"}}, "<!DOCTYPE html><script>alert(1)</script>"))
	req, err := http.NewRequest("GET", home+"/use?id="+a.ID, nil)
	require.NoError(t, err)
	req.SetBasicAuth("ada", "ada")
	resp, err := ada.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), "<script>")
	assert.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
	assert.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
}

func TestEndDuringARenewalLosesNoToken(t *testing.T) {
	d := newTestDemo(t)
	home, stop := start(t, d, "")
	ada, owner := newPerson(home, "ada", "ada"), d.Owners[0]
	var a account
	ada.want(http.StatusCreated, "POST", "/accounts/api/accounts", connect{Service: "crm"}, &a)
	d.consent(ada, owner.Username, a.Consent)

	d.ExpireAccessTokens()
	d.Inject(d.TokenURL, 1, authtest.Delay(300*time.Millisecond)) // after the refresh token was spent
	used := make(chan string)
	go func() { used <- ada.want(http.StatusOK, "GET", "/use?id="+a.ID, nil, nil) }()
	require.Eventually(t, func() bool { return len(d.Requests(d.TokenURL)) == 2 }, time.Minute, time.Millisecond)
	stop()
	assert.Contains(t, <-used, owner.Label, "the request was answered")

	home, _ = start(t, d, "")
	ada = newPerson(home, "ada", "ada")
	ada.want(http.StatusOK, "GET", "/use?id="+a.ID, nil, nil)
	assert.Equal(t, []int{2, 0}, []int{d.Stats().TokenRequests, d.Stats().ReuseDetected}, "the token was in the database")
}

func TestSIGTERMEndsTheProgram(t *testing.T) {
	program := child.Start(t, "main", "")
	home, ok := strings.CutPrefix(program.Line(t), "Open ")
	require.True(t, ok)
	for range 3 {
		program.Line(t) // the advice
	}
	newPerson(home, "", "").want(http.StatusUnauthorized, "GET", "/", nil, nil) // which waits for the server
	require.NoError(t, program.Signal(syscall.SIGTERM))
	assert.NoError(t, program.Wait())
}

func TestDefinitionsLeadToTheProvider(t *testing.T) {
	d := newTestDemo(t)
	entries, err := os.ReadDir("services")
	require.NoError(t, err)
	assert.Len(t, entries, 5)
	for _, entry := range entries {
		f, err := d.services.Open(entry.Name())
		require.NoError(t, err)
		text := make([]byte, 1<<16)
		n, _ := f.Read(text)
		assert.NotContains(t, string(text[:n]), "example.com", entry.Name())
		assert.NoError(t, f.Close())
	}
}
