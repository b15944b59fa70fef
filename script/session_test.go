package script_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/script"
	"github.com/connectorauth/connectorauth/session"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A script moves the session of a login as data into the body, as recipe 4 does.
func TestValueOfASessionIsThatOfItsFirstPlace(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			io.WriteString(w, `{"token":"t1","csrf":"c1"}`)
		}
	})
	csrf := session.Place{Placement: dialect.Placement{Name: "X-Csrf"}, Value: "{csrf}"}
	for want, places := range map[string][]session.Place{"t1": nil, "c1 t1": {{Placement: dialect.Placement{Name: "X-A"}, Value: "{csrf} {token}"}, csrf}} {
		c, err := session.New(session.Config{
			Login:  []session.Request{{URL: s.URL + "/login", Form: map[string]string{}, Capture: map[string]string{"token": "token", "csrf": "csrf"}}},
			Places: places,
		})
		require.NoError(t, err)
		resp, err := client(t, c, `function before_action() { method_request_headers['X-Value'] = method_auth_value; }`, script.Options{}).Get(s.URL)
		read(t, resp, err)
		assert.Equal(t, want, s.seen[len(s.seen)-1].Header.Get("X-Value"))
	}
}
