package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// AccountConfig describes an [Account].
type AccountConfig struct {
	// Finder reads the metadata of the authorization server. Required.
	Finder *Finder
	// Issuer is the issuer identifier of the authorization server, an https URL, or an http
	// URL on loopback. Required.
	Issuer string
	// Registrar registers the client. Empty means that OAuth2 has a ClientID that the server
	// knows.
	Registrar *Registrar
	// Fallback takes the place of the metadata where the server has none: each place responds
	// with status 404. The Issuer of Fallback must be Issuer. Nil means none.
	Fallback *Server
	// OAuth2 is the config of the connector, for [Server.Fill] to complete. Store and Account
	// are required, and the grant must be AuthorizationCode or empty. A ClientID that is an
	// https URL names a [ClientDocument], and is used where the server reads such documents;
	// elsewhere, Registrar registers a client.
	OAuth2 connectorauth.OAuth2Config
}

// An Account is an account at an authorization server that is known by its issuer alone. An
// Account has the consent, and is a consent.Flow: Begin reads the metadata, and registers the
// client if need be. What was found is kept in the Store beside the token, so Connector
// returns a connector with the same endpoints and the same client, in every process, and no
// renewal reads metadata or registers a client. An Account is safe for concurrent use.
type Account struct {
	config *AccountConfig // a pointer, so that no print of an Account shows the client's secret
}

// NewAccount returns an Account. NewAccount makes no request.
func NewAccount(config AccountConfig) (*Account, error) {
	var problems check.List
	if config.Finder == nil {
		problems.Add("Finder: is nil; New makes a Finder")
	}
	_, err := serverPlaces(config.Issuer)
	problems.Join(err)
	c := &config.OAuth2
	if check.IsNil(c.Store) || c.Account == "" {
		problems.Add("OAuth2: Store and Account are required")
	}
	if c.ClientID == "" && config.Registrar == nil {
		problems.Add("Registrar: is nil, and OAuth2 has no ClientID; give either")
	}
	if isDocument(c.ClientID) {
		problems.Field("OAuth2: ClientID", checkClientID(c.ClientID))
	}
	if c.Grant == nil {
		c.Grant = connectorauth.AuthorizationCode{}
	}
	if _, ok := c.Grant.(connectorauth.AuthorizationCode); !ok {
		problems.Add("OAuth2: Grant is %T, not AuthorizationCode; for another grant, use Finder.Server and Server.Fill", c.Grant)
	}
	if config.Fallback != nil {
		problems.Field("Fallback", config.Fallback.check(config.Issuer))
	}
	if err := problems.Err("AccountConfig"); err != nil {
		return nil, err
	}
	if config.Fallback != nil {
		fallback := *config.Fallback
		fallback.client = config.Finder.client
		config.Fallback = &fallback
	}
	return &Account{&config}, nil
}

// Format writes the type alone, for every verb.
func (Account) Format(f fmt.State, _ rune) { io.WriteString(f, "discovery.Account") }

// Issuer returns "", because the server may not name itself in callbacks: see
// connectorauth.OAuth2.Issuer. So package consent gives each authorization server a callback
// URL of its own.
func (a *Account) Issuer() string { return "" }

// ConsentLifetime returns how long the account owner may take: see
// connectorauth.OAuth2.ConsentLifetime.
func (a *Account) ConsentLifetime() time.Duration {
	return a.config.OAuth2.Grant.(connectorauth.AuthorizationCode).ConsentLifetime
}

// Begin starts the account owner's consent: see connectorauth.OAuth2.Begin. Begin reads the
// metadata of the server unless they are in memory, and registers a client if the Registrar
// has none, or none that the server still knows. If Begin finds another client or other
// endpoints than an earlier Begin of the account, Finish refuses the earlier consent.
func (a *Account) Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error) {
	server, err := a.config.Finder.Server(ctx, a.config.Issuer)
	if failed := new(Error); a.config.Fallback != nil && errors.As(err, &failed) && failed.Missing() {
		server, err = a.config.Fallback, nil
	}
	if err != nil {
		return "", "", err
	}
	if text, _ := json.Marshal(server); len(text) > maxKept { // strings: cannot fail
		return "", "", fmt.Errorf("connectorauth: discovery: the metadata of %s are longer than 64 KiB, which is too much for the record of an account", a.config.Issuer)
	}
	l := link{Server: server, Redirect: redirectURL, Began: time.Now().Round(0)}
	var client *Registration
	if a.registers(server) {
		a.recall(ctx)
		if client, err = a.config.Registrar.Client(ctx, server, redirectURL); err != nil {
			return "", "", err
		}
		l.ClientID = client.ClientID
	}
	c, err := a.connector(l, client)
	if err != nil {
		return "", "", err
	}
	if err := a.edit(ctx, func(ls *links) { ls.Begun = &l }); err != nil {
		return "", "", err
	}
	return c.Begin(ctx, redirectURL)
}

// Finish ends the consent that Begin started, in this process or in another: see
// connectorauth.OAuth2.Finish. From then on, Connector returns a connector of what Begin
// has found.
func (a *Account) Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error {
	ls, _, err := a.load(ctx)
	if err != nil {
		return err
	}
	begun := ls.Begun
	if begun == nil {
		begun = ls.Present // another consent of the account was finished first
	}
	c, err := a.open(ctx, begun)
	if err != nil {
		return err
	}
	if err := c.Finish(ctx, pending, callback); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saving)
	defer cancel()
	return a.edit(ctx, func(ls *links) {
		ls.Present = begun
		if ls.Begun != nil && ls.Begun.Began.Equal(begun.Began) { // else another consent has begun meanwhile
			ls.Begun = nil
		}
	})
}

// Connector returns the account's connector, with what the last consent has found.
// Connector reads the Store, and makes no request to the server. Before the first consent,
// the error matches connectorauth.ErrNotConnected. Where the server has forgotten the
// client of a Registrar, the errors of the connector match connectorauth.ErrReauthRequired.
// A connector may be kept until the next consent; another one afterwards may have other
// endpoints and another client.
func (a *Account) Connector(ctx context.Context) (*connectorauth.OAuth2, error) {
	ls, _, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	if ls.Begun != nil {
		// Finish may have saved the token, and died before it saved the link.
		if c, err := a.open(ctx, ls.Begun); err == nil {
			if status, err := c.Status(ctx); err == nil && status.State != connectorauth.StateNotConnected {
				return c, nil
			}
		}
	}
	return a.open(ctx, ls.Present)
}

// registers reports whether the Registrar makes the client at a server.
func (a *Account) registers(s *Server) bool {
	id := a.config.OAuth2.ClientID
	return id == "" || isDocument(id) && !s.ClientIDMetadataDocumentSupported && a.config.Registrar != nil
}

// open returns the connector of a link.
func (a *Account) open(ctx context.Context, l *link) (*connectorauth.OAuth2, error) {
	if l == nil {
		return nil, fmt.Errorf("%w; account %q", connectorauth.ErrNotConnected, a.config.OAuth2.Account)
	}
	var client *Registration
	if l.ClientID != "" {
		if a.config.Registrar == nil {
			return nil, errors.New("connectorauth: discovery: the account's client was registered by a Registrar, and the config has none")
		}
		var err error
		client, err = a.config.Registrar.Kept(ctx, l.Server.Issuer, l.Redirect, l.ClientID)
		if err != nil {
			return nil, err
		}
		if client == nil {
			return nil, fmt.Errorf("%w: the registration of the account's client is forgotten; account %q", connectorauth.ErrReauthRequired, a.config.OAuth2.Account)
		}
	}
	return a.connector(*l, client)
}

// connector returns the connector of a link. client is what was registered; nil: the config
// has the client.
func (a *Account) connector(l link, client *Registration) (*connectorauth.OAuth2, error) {
	config := a.config.OAuth2
	if client != nil {
		if err := client.Fill(&config); err != nil {
			return nil, err
		}
	}
	if err := l.Server.Fill(&config); err != nil {
		return nil, err
	}
	c, err := connectorauth.NewOAuth2(config)
	if err != nil || client == nil {
		return c, err
	}
	see := func(e *connectorauth.Exchange) error {
		if refusesClient(e) {
			// An error of the store is no error of the token request: recall tries again.
			a.config.Registrar.Refused(e.Request.Context(), l.Server.Issuer, l.Redirect, client.ClientID)
		}
		return nil
	}
	return connectorauth.WithHooks(c, connectorauth.Hooks{AfterToken: see, AfterRefresh: see}).(*connectorauth.OAuth2), nil
}

// refusesClient reports whether a token response says that the client is unknown.
func refusesClient(e *connectorauth.Exchange) bool {
	status := e.Response.StatusCode
	if status != http.StatusBadRequest && status != http.StatusUnauthorized {
		return false
	}
	body, err := e.ResponseBody(64 << 10)
	var refusal struct {
		Code string `json:"error"`
	}
	return err == nil && decode(body, &refusal) == nil && refusal.Code == invalidClient
}

// recall tells the Registrar what is known of the account's client, if the store failed when
// the server refused the client.
func (a *Account) recall(ctx context.Context) {
	ls, _, err := a.load(ctx)
	if err != nil || ls.Present == nil || ls.Present.ClientID == "" {
		return
	}
	c, err := a.open(ctx, ls.Present)
	if err != nil {
		return
	}
	status, err := c.Status(ctx)
	failed := new(connectorauth.TokenError)
	if err == nil && errors.As(status.LastError, &failed) && failed.Code == invalidClient {
		a.config.Registrar.Refused(ctx, ls.Present.Server.Issuer, ls.Present.Redirect, ls.Present.ClientID)
	}
}

// isDocument reports whether a client ID is the URL of a ClientDocument.
func isDocument(clientID string) bool { return strings.HasPrefix(clientID, "https://") }
