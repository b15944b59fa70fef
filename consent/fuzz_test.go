package consent

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzCallback(f *testing.F) {
	for _, query := range []string{"code=c&state=s", "state=", "state=a&state=b", "oauth_token=t&oauth_verifier=v", "denied=t", "a;b=%zz", "error=<script>&state=s", "error=access_denied", "connectorauth_form=AAAA"} {
		f.Add(query)
	}
	h := newFakeHandler(f, new(fakeFlow))
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/connect/callback/fake", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest && w.Code != http.StatusForbidden && w.Code != http.StatusBadGateway {
			t.Fatalf("status %d without a cookie", w.Code)
		}
		if body, _ := io.ReadAll(w.Body); len(body) > 8<<10 {
			t.Fatalf("the page has %d bytes", len(body))
		}
	})
}

// A form goes on to its own callback URL alone, as it came, or not at all.
func FuzzForm(f *testing.F) {
	for _, form := range []string{"code=c&state=s", "", "%zz", "state=a&state=b", "\xff", strings.Repeat("a", maxCallback+1)} {
		f.Add("fake", form)
	}
	f.Add("a%2Fb", "code=c")
	h := newFakeHandler(f, new(fakeFlow))
	f.Fuzz(func(t *testing.T, name, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.URL.Path = "/connect/callback/" + name
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusSeeOther {
			return
		}
		u, err := url.Parse(w.Header().Get("Location"))
		if err != nil || u.Scheme+"://"+u.Host != "https://app.example" || !strings.HasPrefix(u.Path, "/connect/callback") {
			t.Fatalf("the form goes to %q", w.Header().Get("Location"))
		}
		if query, err := h.opened(u.RawQuery, strings.TrimPrefix(strings.TrimPrefix(u.Path, "/connect/callback"), "/")); err != nil || query != body {
			t.Fatalf("%q became %q: %v", body, query, err)
		}
	})
}

func FuzzCookie(f *testing.F) {
	h := newFakeHandler(f, new(fakeFlow))
	name := h.cookies.name("the-state")
	sealed := record{Connector: "id", Began: 1, Pending: "p"}
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
