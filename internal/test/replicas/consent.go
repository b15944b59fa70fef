package replicas

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/child"
)

// consentJob is the job of a replica that finishes a consent.
const consentJob = "replica finishes a consent"

// callbacks is how many replicas get the one callback.
const callbacks = 8

// finishing is the argument of a replica that finishes a consent.
type finishing struct {
	Role     role
	Pending  plain
	Callback url.Values
}

// finish finishes the consent as soon as the test says so, and prints what became
// of the consent.
func (f finishing) finish(open Open) error {
	store, err := open.sealed(f.Role.Place, f.Role.Lease)
	if err != nil {
		return err
	}
	c, err := f.Role.connector(store, new(connectorauth.Shared), http.DefaultTransport, 0)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	child.Pause()
	switch err := c.Finish(context.Background(), connectorauth.Secret(f.Pending), f.Callback); {
	case err == nil:
		fmt.Println("finished")
	case strings.Contains(err.Error(), "finished already"):
		fmt.Println("used")
	default:
		return err
	}
	return nil
}

// finishOnce brings one callback to many replicas at the same time. One replica
// must finish the consent.
func finishOnce(t *testing.T, s Store, z size) {
	st := prepare(t, s, z, "one callback", s.New(t), authtest.Config{}, 1, 0)
	c, err := st.role.connector(st.store, new(connectorauth.Shared), st.Client().Transport, 0)
	check(t, err)
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	check(t, err)
	callback, err := st.Authorize(authURL)
	check(t, err)
	argument, err := json.Marshal(finishing{st.role, plain(pending), callback.Query()})
	check(t, err)
	var running []*child.Process
	for range callbacks {
		running = append(running, child.Start(t, consentJob, string(argument)))
	}
	for _, r := range running {
		r.Line(t)
	}
	for _, r := range running {
		r.EndPause(t)
	}
	outcomes := map[string]int{}
	for _, r := range running {
		outcomes[r.Line(t)]++
		check(t, r.Wait())
	}
	requests := st.received()
	t.Logf("one callback at %d processes: %v, %d token requests", callbacks, outcomes, requests)
	if outcomes["finished"] != 1 || outcomes["used"] != callbacks-1 || requests != 1 {
		t.Error("the consent was not finished once")
	}
}
