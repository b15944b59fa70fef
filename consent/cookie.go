package consent

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// maxConsents is how many consents can be under way in one browser.
	maxConsents = 8
	// maxCookie is what every browser keeps of a cookie's name and value.
	maxCookie = 4096
	// cookieAge is longer than lifetime, so that a person who took too long is
	// told just that.
	cookieAge = time.Hour
)

// A record is one consent under way. It travels sealed, in a cookie.
type record struct {
	ID        string `json:"id"`    // random; its mark
	Began     int64  `json:"began"` // Unix seconds
	Connector string `json:"connector,omitempty"`
	Popup     string `json:"popup,omitempty"` // connect.js's name for it
	ReturnTo  string `json:"return_to,omitempty"`
	Pending   string `json:"pending"`
}

// expired reports whether the account owner took too long, or this clock and
// that of the replica that sealed the record are too far apart.
func (r record) expired() bool {
	age := time.Since(time.Unix(r.Began, 0))
	return age > lifetime || age < -lifetime
}

// cookies keeps the records of one handler in browsers.
type cookies struct {
	prefix string // of the names of this handler's cookies
	secure bool
	keys   []cipher.AEAD
}

// newCookies makes the cookies of the handler with that callback. Handlers on
// one host leave each other's alone.
func newCookies(callbackURL string, secure bool, keys [][]byte) (cookies, error) {
	c := cookies{prefix: "connectorauth-" + condense(callbackURL)[:6] + "-", secure: secure}
	if secure {
		c.prefix = "__Host-" + c.prefix
	}
	if len(keys) == 0 {
		return c, errors.New("is empty; give 32 random bytes, the same on every replica")
	}
	for i, key := range keys {
		if len(key) != 32 {
			return c, fmt.Errorf("key %d has %d bytes; want 32 random ones", i, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return c, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return c, err
		}
		c.keys = append(c.keys, aead)
	}
	return c, nil
}

func condense(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// name returns the name of the cookie for the consent that a reference belongs to.
func (c cookies) name(reference string) string { return c.prefix + condense(reference)[:22] }

// seal returns the cookie's value. The name is sealed with it.
func (c cookies) seal(name string, rec record) (string, error) {
	text, err := json.Marshal(rec)
	if err != nil {
		return "", err
	}
	value := base64.RawURLEncoding.EncodeToString(c.keys[0].Seal(nil, nil, text, []byte(name)))
	if len(name)+len(value) > maxCookie {
		return "", errors.New("the consent does not fit into a cookie")
	}
	return value, nil
}

// open returns the record in the value of the cookie with that name.
func (c cookies) open(name, value string) (rec record, ok bool) {
	if len(name)+len(value) > maxCookie {
		return rec, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return rec, false
	}
	for _, key := range c.keys {
		if text, err := key.Open(nil, nil, sealed, []byte(name)); err == nil {
			return rec, json.Unmarshal(text, &rec) == nil
		}
	}
	return rec, false
}

// set keeps rec in the browser. To make room it deletes the cookies that no
// longer open, the expired ones and, if need be, the oldest.
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
			c.write(w, cookie.Name, "", -1)
			continue
		}
		if under++; oldest == "" || old.Began < began {
			oldest, began = cookie.Name, old.Began
		}
	}
	if under >= maxConsents {
		c.write(w, oldest, "", -1)
	}
	c.write(w, name, value, int(cookieAge.Seconds()))
	return nil
}

// take returns the record under name and deletes its cookie.
func (c cookies) take(w http.ResponseWriter, r *http.Request, name string) (rec record, ok bool) {
	for _, cookie := range r.CookiesNamed(name) {
		c.write(w, name, "", -1)
		if rec, ok = c.open(name, cookie.Value); ok {
			return rec, true
		}
	}
	return rec, false
}

func (c cookies) write(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, MaxAge: maxAge,
		Path: "/", HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	})
}
