package consent

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/pending"
)

const (
	// maxConsents is the number of consents that a browser can have under way.
	maxConsents = 8
	// maxCookie is the maximum length of a cookie's name and value together, in
	// bytes. Browsers drop longer cookies.
	maxCookie = 4096
	// cookieRest is how long a browser keeps a cookie after the consent has expired.
	// A late callback still finds the record, and the page can say that the consent
	// took too long.
	cookieRest = 50 * time.Minute
)

// A record is one consent under way. The browser keeps the record, encrypted, in a
// cookie.
type record struct {
	Began     int64  `json:"began"`               // time of the start, in Unix seconds
	Lifetime  int64  `json:"lifetime"`            // how long the consent may take, in seconds
	Connector string `json:"connector,omitempty"` // query parameter of the start
	Popup     string `json:"popup,omitempty"`     // the popup's ID from connect.js; empty without a popup
	ReturnTo  string `json:"return_to,omitempty"` // query parameter of the start
	Language  string `json:"language,omitempty"`  // query parameter of the start
	Callback  string `json:"callback,omitempty"`  // name in the callback URL; empty for the shared URL
	Service   string `json:"service,omitempty"`   // ServiceName of the Flow
	Pending   string `json:"pending"`             // from Flow.Begin, for Flow.Finish

	prompt // of a consent on another device
}

// lifetime is how long the consent may take. An older version of the handler wrote no
// Lifetime.
func (r record) lifetime() time.Duration {
	return cmp.Or(time.Duration(r.Lifetime)*time.Second, pending.Lifetime)
}

// expired reports whether the consent has taken longer than its lifetime.
func (r record) expired() bool { return pending.Ended(r.Began, r.lifetime()) }

// cookies reads and writes the cookies of one handler.
type cookies struct {
	prefix string // prefix of the cookie names
	secure bool   // the handler is on https
	sealer sealer
}

// newCookies returns the cookies of the handler with this callback URL. Handlers on
// one host have different callback URLs and therefore different cookie names.
func newCookies(callbackURL string, secure bool, seal sealer) cookies {
	c := cookies{prefix: "connectorauth-" + digest(callbackURL)[:6] + "-", secure: secure, sealer: seal}
	if secure {
		c.prefix = "__Host-" + c.prefix
	}
	return c
}

// digest returns the SHA-256 hash of text in base64url.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// name returns the name of the cookie for the consent with this reference.
func (c cookies) name(reference string) string { return c.prefix + digest(reference)[:22] }

// seal encrypts rec into the value of the cookie with this name. The value does
// not decrypt under another name.
func (c cookies) seal(name string, rec record) (string, error) {
	value, err := c.sealer.seal(name, rec)
	if err == nil && len(name)+len(value) > maxCookie {
		err = fmt.Errorf("the consent's cookie would be longer than %d bytes", maxCookie)
	}
	return value, err
}

// open decrypts the value of the cookie with this name.
func (c cookies) open(name, value string) (rec record, ok bool) {
	ok = len(name)+len(value) <= maxCookie && c.sealer.open(name, value, &rec)
	return rec, ok
}

// set stores rec in the browser. To make room, set deletes every cookie that is
// expired or does not decrypt. If maxConsents cookies are left, set deletes the
// oldest.
func (c cookies) set(w http.ResponseWriter, r *http.Request, name string, rec record) error {
	value, err := c.seal(name, rec)
	if err != nil {
		return err
	}
	under, oldest, began := 0, "", int64(0)
	for _, cookie := range r.Cookies() {
		if !strings.HasPrefix(cookie.Name, c.prefix) || cookie.Name == name {
			continue
		}
		old, ok := c.open(cookie.Name, cookie.Value)
		if !ok || old.expired() {
			c.delete(w, cookie.Name)
			continue
		}
		if under++; oldest == "" || old.Began < began {
			oldest, began = cookie.Name, old.Began
		}
	}
	if under >= maxConsents {
		c.delete(w, oldest)
	}
	c.write(w, name, value, int((rec.lifetime() + cookieRest).Seconds()))
	return nil
}

// read returns the record in the cookie with this name.
func (c cookies) read(r *http.Request, name string) (rec record, ok bool) {
	for _, cookie := range r.CookiesNamed(name) {
		if rec, ok = c.open(name, cookie.Value); ok {
			return rec, true
		}
	}
	return rec, false
}

// delete deletes the cookie with this name.
func (c cookies) delete(w http.ResponseWriter, name string) { c.write(w, name, "", -1) }

func (c cookies) write(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, MaxAge: maxAge,
		Path: "/", HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	})
}
