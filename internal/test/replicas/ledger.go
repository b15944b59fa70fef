package replicas

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
)

// A ledger is the provider's view of a cell: which refresh tokens came, and from
// whom. The ledger can hold responses back.
type ledger struct {
	*authtest.Provider
	token time.Duration // the time of a token request

	mu       sync.Mutex     // guards the fields below
	tokens   map[string]int // how often each refresh token came; nil if the provider takes a token again
	requests int
	held     []arrival
	gate     chan struct{} // nil unless responses are held back; closed when they go out
}

// arrival is a token request whose response is held back.
type arrival struct {
	replica int
	account string
}

// keep starts to write the ledger of a provider.
func keep(p *authtest.Provider, token time.Duration, rotates bool) *ledger {
	l := &ledger{Provider: p, token: token}
	if rotates {
		l.tokens = map[string]int{}
	}
	p.Inject(p.TokenURL, authtest.Always, l.serve)
	return l
}

// serve is the token endpoint. A client that is gone changes nothing for the
// provider: the refresh token is replaced all the same.
func (l *ledger) serve(endpoint http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		l.mu.Lock()
		l.requests++
		if l.tokens != nil {
			l.tokens[form.Get("refresh_token")]++
		}
		l.mu.Unlock()
		time.Sleep(l.token / 2)
		response := httptest.NewRecorder()
		endpoint.ServeHTTP(response, r)
		if gate := l.hold(r, response.Body.Bytes()); gate != nil {
			<-gate
		}
		time.Sleep(l.token - l.token/2)
		maps.Copy(w.Header(), response.Header())
		w.WriteHeader(response.Code)
		w.Write(response.Body.Bytes())
	})
}

// hold notes the response to r, if responses are held back.
func (l *ledger) hold(r *http.Request, body []byte) (gate <-chan struct{}) {
	var response struct{ Scope string }
	json.Unmarshal(body, &response)
	replica, _ := strconv.Atoi(r.URL.Query().Get("replica"))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate != nil {
		l.held = append(l.held, arrival{replica, response.Scope})
	}
	return l.gate
}

// holdBack keeps all responses from now on, and returns when n responses are kept.
func (l *ledger) holdBack(t *testing.T, n int) {
	t.Helper()
	l.mu.Lock()
	l.gate = make(chan struct{})
	l.mu.Unlock()
	t.Cleanup(l.letGo) // the provider waits for its handlers
	if !eventually(t.Context(), func() bool { return len(l.heldBack()) >= n }) {
		t.Fatal("there were too few token requests")
	}
}

// heldBack returns the requests whose responses are held back.
func (l *ledger) heldBack() []arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.held)
}

// letGo sends the responses that were held back.
func (l *ledger) letGo() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate != nil {
		close(l.gate)
		l.gate, l.held = nil, nil
	}
}

// received returns the number of token requests.
func (l *ledger) received() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests
}

// twice returns how many refresh tokens came more than once.
func (l *ledger) twice() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for token, times := range l.tokens {
		if token != "" && times > 1 {
			n++
		}
	}
	return n
}
