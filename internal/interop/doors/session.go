package doors

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
)

// SessionConfig is a user of a service that hands out session tokens.
type SessionConfig struct {
	// LoginURL takes user name and password as JSON. Required; https except on
	// loopback.
	LoginURL string
	Username string               // required
	Password connectorauth.Secret // required

	// Store keeps the session token. Empty means that the token lives in memory.
	Store connectorauth.TokenStore
	// Account is the key in Store. Required with Store.
	Account string
	// Shared is what this connector has in common with others: see
	// connectorauth.OAuth2Config.
	Shared *connectorauth.Shared
	// Hosts are the places that may see the token: see connectorauth.APIKeyConfig.
	Hosts []string
	// HTTPClient makes the logins. Empty means http.DefaultClient. Only its Transport
	// is used.
	HTTPClient *http.Client
	// Observe is told what happens to the token. Empty means nobody is told.
	Observe func(connectorauth.Event)
}

const (
	loginTimeout = 30 * time.Second
	maxLogin     = 1 << 20 // bytes of a response
)

// NewSession returns a connector that logs in, sends the token of the response in
// the header X-Session, and logs in again before the token expires or when the API
// answers 401.
func NewSession(config SessionConfig) (*connectorauth.Custom, error) {
	var problems []error
	if err := checkLoginURL(config.LoginURL); err != nil {
		problems = append(problems, err)
	}
	if config.Username == "" || config.Password == "" {
		problems = append(problems, errors.New("doors: SessionConfig: Username and Password are required"))
	}
	s := &session{loginURL: config.LoginURL, username: config.Username, password: config.Password}
	s.client = http.Client{Timeout: loginTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the password goes nowhere else
	}}
	if config.HTTPClient != nil {
		s.client.Transport = config.HTTPClient.Transport
	}
	c, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: authenticateSession, Obtain: s.login,
		Store: config.Store, Account: config.Account, Shared: config.Shared, Hosts: config.Hosts, Observe: config.Observe,
	})
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	return c, nil
}

// checkLoginURL refuses plain http, except on loopback.
func checkLoginURL(loginURL string) error {
	u, err := url.Parse(loginURL)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("doors: SessionConfig: LoginURL: is not an absolute URL without a user name")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" && (u.Scheme != "http" || ip == nil || !ip.IsLoopback()) {
		return errors.New("doors: SessionConfig: LoginURL: use https")
	}
	return nil
}

// authenticateSession adds the token to a request.
func authenticateSession(req *http.Request, value connectorauth.CustomCredential) error {
	req.Header.Set("X-Session", string(value.Value))
	return nil
}

// session logs one user in.
type session struct {
	loginURL string
	username string
	password connectorauth.Secret
	client   http.Client
}

// login returns a new session token. The old one is of no use.
func (s *session) login(ctx context.Context, _ connectorauth.CustomCredential, _ *http.Response) (none connectorauth.CustomCredential, err error) {
	body, err := json.Marshal(map[string]string{"user": s.username, "password": string(s.password)})
	if err != nil {
		return none, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.loginURL, bytes.NewReader(body))
	if err != nil {
		return none, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.GetBody = nil // a login that was lost may have counted; net/http must not send it again
	resp, err := s.client.Do(req)
	if err != nil {
		return none, fmt.Errorf("doors: the login failed: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return none, fmt.Errorf("%w: the service refuses user name or password", connectorauth.ErrReauthRequired)
	default: // with the pause that the service asks for
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return none, &connectorauth.TokenError{StatusCode: resp.StatusCode, RetryAfter: time.Duration(seconds) * time.Second}
	}
	var granted struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxLogin)).Decode(&granted); err != nil {
		return none, errors.New("doors: the response to the login is not the JSON that was expected") // err may quote the token
	}
	if granted.Token == "" || strings.ContainsFunc(granted.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return none, errors.New("doors: the response to the login has no token that a header can carry")
	}
	return connectorauth.CustomCredential{Value: connectorauth.Secret(granted.Token), Expiry: granted.Expires}, nil
}
