package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

// fakeFlow takes every callback.
type fakeFlow struct{ finished int }

func (*fakeFlow) Begin(context.Context, string) (string, connectorauth.Secret, error) {
	return "https://provider.example/authorize?state=the-state", "the pending value", nil
}

func (f *fakeFlow) Finish(context.Context, connectorauth.Secret, url.Values) error {
	f.finished++
	return nil
}

func newFakeHandler(t testing.TB, flow Flow) *Handler {
	t.Helper()
	h, err := New(Config{
		URL: "https://app.example/connect", Keys: [][]byte{make([]byte, 32)},
		Flow: func(*http.Request, string) (Flow, error) { return flow, nil },
	})
	require.NoError(t, err)
	return h
}

// roundTrip begins a consent and answers it after a pause.
func roundTrip(h *Handler, pause time.Duration) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/connect/start", nil))
	time.Sleep(pause) // in a bubble
	r := httptest.NewRequest("GET", "/connect/callback?code=c&state=the-state", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestA4ConsentExpiresAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := new(fakeFlow)
		h := newFakeHandler(t, flow)
		require.Equal(t, http.StatusOK, roundTrip(h, 9*time.Minute+59*time.Second).Code)
		require.Equal(t, 1, flow.finished)
		late := roundTrip(h, 10*time.Minute+2*time.Second)
		require.Equal(t, http.StatusGone, late.Code)
		require.Contains(t, late.Body.String(), "That took too long")
		require.Equal(t, 1, flow.finished)
	})
}

func TestMarksStayFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(connectorauth.MemoryStore)
		h := newFakeHandler(t, new(fakeFlow))
		h.marks.store = store
		const pause = 10 * time.Second
		for range 2000 {
			require.Equal(t, http.StatusOK, roundTrip(h, pause).Code)
		}
		kept := 0
		for i := range 256 {
			value, ok, err := store.Load(t.Context(), fmt.Sprintf("connectorauth-consent-%02x", i))
			require.NoError(t, err)
			if ok {
				var rec markRecord
				require.NoError(t, json.Unmarshal(value, &rec))
				kept += len(rec.Used)
			}
		}
		require.Less(t, kept, 256+2*int(2*lifetime/pause)) // of each record, those of the time before its last one
	})
}

func TestDamagedMarksFailClosed(t *testing.T) {
	h := newFakeHandler(t, new(fakeFlow))
	for i := range 256 {
		key := fmt.Sprintf("connectorauth-consent-%02x", i)
		require.NoError(t, h.marks.store.Save(t.Context(), key, []byte("not ours")))
	}
	require.Equal(t, http.StatusServiceUnavailable, roundTrip(h, 0).Code)
}

func TestFinishOutlivesTheRequest(t *testing.T) {
	h := newFakeHandler(t, nil)
	rec := record{ID: "id", Began: time.Now().Unix()}
	ctx, cancel := context.WithCancel(t.Context())
	h.config.Flow = func(*http.Request, string) (Flow, error) {
		return flowFunc(func(ctx context.Context) error { cancel(); return ctx.Err() }), nil
	}
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	require.Nil(t, h.complete(r, rec, nil))
}

// flowFunc is Finish.
type flowFunc func(context.Context) error

func (flowFunc) Begin(context.Context, string) (string, connectorauth.Secret, error) {
	return "https://provider.example/?state=s", "pending", nil
}

func (f flowFunc) Finish(ctx context.Context, _ connectorauth.Secret, _ url.Values) error {
	return f(ctx)
}

func TestFlowThatDoesNotFit(t *testing.T) {
	for name, authURL := range map[string]string{
		"no state": "https://provider.example/", "malformed": "https://provider.example/%zz",
		"long": "https://provider.example/?state=s",
	} {
		h := newFakeHandler(t, authURLFlow{authURL, name == "long"})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/connect/start", nil))
		require.Equal(t, http.StatusInternalServerError, w.Code, name)
		require.Empty(t, w.Result().Cookies())
	}
}

type authURLFlow struct {
	authURL string
	long    bool
}

func (f authURLFlow) Begin(context.Context, string) (string, connectorauth.Secret, error) {
	if f.long {
		return f.authURL, connectorauth.Secret(strings.Repeat("x", 4000)), nil
	}
	return f.authURL, "pending", nil
}

func (authURLFlow) Finish(context.Context, connectorauth.Secret, url.Values) error { return nil }

func TestEveryReasonHasAText(t *testing.T) {
	for _, reason := range []Reason{ReasonDenied, ReasonInvalid, ReasonUnknown, ReasonExpired, ReasonUsed, ReasonMixUp,
		ReasonNotAllowed, ReasonRefused, ReasonProvider, ReasonStore, ReasonInternal} {
		require.NotEmpty(t, failurePage(reason).Title)
		require.NotEmpty(t, failurePage(reason).Message)
		require.Equal(t, "consent: "+string(reason), fail(reason, nil).Error())
	}
}

func TestBrowserCommand(t *testing.T) {
	env := func(set string) func(string) string {
		return func(name string) string {
			if name == set {
				return "x"
			}
			return ""
		}
	}
	for _, test := range []struct{ system, env, want string }{
		{"windows", "", "rundll32 [url.dll,FileProtocolHandler]"},
		{"darwin", "", "open []"},
		{"linux", "DISPLAY", "xdg-open []"},
		{"freebsd", "WAYLAND_DISPLAY", "xdg-open []"},
	} {
		name, args, err := browserCommand(test.system, env(test.env))
		require.NoError(t, err)
		require.Equal(t, test.want, fmt.Sprint(name, " ", args))
	}
	_, _, err := browserCommand("linux", env("SSH_CONNECTION"))
	require.Error(t, err)
	for _, address := range []string{"file:///etc/passwd", "--help", "javascript:alert(1)", ""} {
		require.Error(t, openBrowser(address), address)
	}
}

func FuzzCallback(f *testing.F) {
	for _, query := range []string{"code=c&state=s", "state=", "state=a&state=b", "oauth_token=t&oauth_verifier=v", "denied=t", "a;b=%zz", "error=<script>&state=s"} {
		f.Add(query)
	}
	h := newFakeHandler(f, new(fakeFlow))
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/connect/callback", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest && w.Code != http.StatusForbidden {
			t.Fatalf("status %d without a cookie", w.Code)
		}
		if body, _ := io.ReadAll(w.Body); len(body) > 8<<10 {
			t.Fatalf("the page has %d bytes", len(body))
		}
	})
}

func FuzzCookie(f *testing.F) {
	h := newFakeHandler(f, new(fakeFlow))
	name := h.cookies.name("the-state")
	sealed := record{ID: "id", Began: 1, Pending: "p"}
	good, err := h.cookies.seal(name, sealed)
	require.NoError(f, err)
	for _, value := range []string{good, good[1:], "", "AAAA", "%%%", strings.Repeat("A", 5000)} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if rec, ok := h.cookies.open(name, value); ok && rec != sealed {
			t.Fatalf("%q opened as %+v", value, rec)
		}
	})
}

func FuzzStart(f *testing.F) {
	for _, query := range []string{"connector=a&return_to=/x", "return_to=//evil.example", `return_to=/\evil.example`, "popup=0a", "return_to=/%09/evil.example"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		rec, err := readStart(query)
		if err != nil || rec.ReturnTo == "" {
			return
		}
		u, err := url.Parse("https://app.example" + rec.ReturnTo)
		if err != nil || u.Host != "app.example" || u.User != nil || strings.HasPrefix(rec.ReturnTo, "//") || strings.Contains(rec.ReturnTo, `\`) {
			t.Fatalf("return_to %q goes elsewhere", rec.ReturnTo)
		}
	})
}
