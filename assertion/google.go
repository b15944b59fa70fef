package assertion

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/jws"
	"github.com/connectorauth/connectorauth/internal/origin"
)

// GoogleConfig describes an account of Google Cloud by the file that Google gives for it.
type GoogleConfig struct {
	// File is the JSON of a service account key (type service_account), or of a workload
	// identity federation (type external_account) whose credential_source is a file or a
	// URL: the content and not the name. The JSON may be in base64. Required. An
	// external_account names a file or a URL to read, so File must come from whoever runs
	// the program, and never from an account owner.
	File connectorauth.Secret
	// Scopes are the scopes to ask for, such as
	// https://www.googleapis.com/auth/devstorage.read_only. At least one.
	Scopes []string
	// Subject is the user whom a service account stands for (domain-wide delegation).
	// Empty means the service account itself. An external_account takes no Subject.
	Subject string
	// Hosts are the places that may see the access token: see connectorauth.APIKeyConfig.
	// Empty means *.googleapis.com.
	Hosts []string
	// Store, Account, Shared, HTTPClient and Observe are those of
	// connectorauth.OAuth2Config. Without a Store, each process obtains its own tokens,
	// which Google allows.
	Store      connectorauth.TokenStore
	Account    string
	Shared     *connectorauth.Shared
	HTTPClient *http.Client
	Observe    func(connectorauth.Event)
}

// googleFile is the JSON that Google gives.
type googleFile struct {
	Type             string `json:"type"`
	ClientEmail      string `json:"client_email"`
	PrivateKey       string `json:"private_key"`
	PrivateKeyID     string `json:"private_key_id"`
	TokenURI         string `json:"token_uri"`
	Audience         string `json:"audience"`
	SubjectTokenType string `json:"subject_token_type"`
	TokenURL         string `json:"token_url"`
	Impersonation    string `json:"service_account_impersonation_url"`

	Universe         string `json:"universe_domain"`
	ClientID         string `json:"client_id"` // of a service account, where it is for people
	WorkforceProject string `json:"workforce_pool_user_project"`

	Source   googleSource `json:"credential_source"`
	Lifetime struct {
		Seconds int `json:"token_lifetime_seconds"`
	} `json:"service_account_impersonation"`
}

// NewGoogle returns a connector for an account of Google Cloud, without anything of
// Google's SDK. A service account signs an assertion with its key. A federated workload
// exchanges the token of its platform, which is read anew each time, and then obtains a
// token of the service account that the file names, if the file names one.
//
// The connector is a *connectorauth.OAuth2, or a *connectorauth.Custom where a federated
// workload stands for a service account. Both have Status, Renew and Forget.
func NewGoogle(config GoogleConfig) (connectorauth.Connector, error) {
	var problems check.List
	var file googleFile
	text := jws.Plain(string(config.File))
	unread := json.Unmarshal([]byte(text), &file) != nil
	switch {
	case text == "":
		problems.Add("File: is empty")
	case unread:
		problems.Add("File: is not the JSON of a Google account; give the content of the file, and not its name")
	}
	if file.Universe != "" && file.Universe != "googleapis.com" {
		problems.Add("File: universe_domain is %.50q; only googleapis.com is known", file.Universe)
	}
	if len(config.Scopes) == 0 {
		problems.Add("Scopes: is empty; name what the program needs, such as https://www.googleapis.com/auth/devstorage.read_only")
	}
	if len(config.Hosts) == 0 {
		config.Hosts = []string{"*.googleapis.com"}
	}
	var c connectorauth.Connector
	var err error
	switch {
	case unread:
	case file.Type == "service_account":
		c, err = newServiceAccount(&problems, config, file)
	case file.Type == "external_account":
		c, err = newExternalAccount(&problems, config, file)
	default:
		problems.Add("File: the type is %.30q; use service_account or external_account", file.Type)
	}
	if err := problems.Err("GoogleConfig"); err != nil {
		return nil, err
	}
	return c, err
}

// checkGoogleURL lists what is wrong with a URL in the file. Tokens go nowhere but to
// Google, or to loopback in tests.
func checkGoogleURL(problems *check.List, member, raw string) {
	u, err := origin.Endpoint(raw)
	switch {
	case err != nil:
		problems.Add("File: %s: %w", member, err)
	case u.Hostname() != "accounts.google.com" && !strings.HasSuffix(u.Hostname(), ".googleapis.com") && !origin.Loopback(u.Hostname()):
		problems.Add("File: %s: is not a URL of googleapis.com", member)
	}
}

// oauth2 returns the config that both kinds of accounts share.
func (c *GoogleConfig) oauth2(tokenURL, clientID string, grant connectorauth.Grant) connectorauth.OAuth2Config {
	return connectorauth.OAuth2Config{
		ClientID: clientID, TokenURL: tokenURL, Grant: grant, ClientAuth: NoClientAuth{},
		Store: c.Store, Account: c.Account, Shared: c.Shared, Hosts: c.Hosts, HTTPClient: c.HTTPClient, Observe: c.Observe,
	}
}

// newServiceAccount returns the connector of a service account key.
func newServiceAccount(problems *check.List, config GoogleConfig, file googleFile) (connectorauth.Connector, error) {
	key, err := NewKey(KeyConfig{Private: connectorauth.Secret(file.PrivateKey), ID: file.PrivateKeyID})
	if err != nil {
		problems.Add("File: private_key: %w", errors.Unwrap(err))
	}
	if file.ClientEmail == "" {
		problems.Add("File: has no client_email")
	}
	checkGoogleURL(problems, "token_uri", file.TokenURI)
	if problems.Joined() != nil {
		return nil, nil
	}
	grant, err := NewJWTBearer(JWTBearerConfig{Key: key, Claims: Claims{
		Issuer: file.ClientEmail, Subject: config.Subject, Audience: file.TokenURI, Lifetime: time.Hour,
		More: map[string]any{"scope": strings.Join(config.Scopes, " ")},
	}})
	if err != nil {
		return nil, err
	}
	return connectorauth.NewOAuth2(config.oauth2(file.TokenURI, file.ClientEmail, grant))
}

// newExternalAccount returns the connector of a federated workload.
func newExternalAccount(problems *check.List, config GoogleConfig, file googleFile) (connectorauth.Connector, error) {
	checkGoogleURL(problems, "token_url", file.TokenURL)
	if file.Impersonation != "" {
		checkGoogleURL(problems, "service_account_impersonation_url", file.Impersonation)
	}
	if file.Audience == "" || file.SubjectTokenType == "" {
		problems.Add("File: has no audience, or no subject_token_type")
	}
	if file.ClientID != "" || file.WorkforceProject != "" {
		problems.Add("File: client_id and workforce_pool_user_project are not heeded; use NewTokenExchange for a workforce pool")
	}
	if seconds := file.Lifetime.Seconds; seconds != 0 && (seconds < 600 || seconds > 12*3600) {
		problems.Add("File: token_lifetime_seconds is %d; Google takes 600 to 43200", seconds)
	}
	if config.Subject != "" {
		problems.Add("Subject: is for service accounts")
	}
	file.Source.check(problems)
	if problems.Joined() != nil {
		return nil, nil
	}
	client := config.HTTPClient
	grant, err := NewTokenExchange(TokenExchangeConfig{
		Subject: func(ctx context.Context) (Token, error) {
			value, err := file.Source.read(ctx, client)
			return Token{connectorauth.Secret(value), file.SubjectTokenType}, err
		},
		RequestedType: TypeAccessToken, Audiences: []string{file.Audience},
	})
	if err != nil {
		return nil, err
	}
	exchange := config.oauth2(file.TokenURL, file.Audience, grant)
	if file.Impersonation == "" {
		exchange.Scopes = config.Scopes
		return connectorauth.NewOAuth2(exchange)
	}
	exchange.Scopes = []string{"https://www.googleapis.com/auth/cloud-platform"}
	exchange.Store, exchange.Account, exchange.Observe = nil, "", nil // what is kept is the service account's token
	federated, err := connectorauth.NewOAuth2(exchange)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"scope": config.Scopes, "lifetime": fmt.Sprintf("%ds", cmp.Or(file.Lifetime.Seconds, 3600))})
	if err != nil {
		return nil, err
	}
	return connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, value connectorauth.CustomCredential) error {
			req.Header.Set("Authorization", "Bearer "+string(value.Value))
			return nil
		},
		Obtain: func(ctx context.Context, _ connectorauth.CustomCredential, _ *http.Response) (connectorauth.CustomCredential, error) {
			return impersonate(ctx, federated, file.Impersonation, body, client)
		},
		Store: config.Store, Account: config.Account, Identity: file.Impersonation + " by " + file.Audience,
		Shared: config.Shared, Hosts: config.Hosts, Observe: config.Observe,
	})
}

// impersonate obtains a token of a service account with the token of federated. A token
// that Google no longer takes is replaced once.
func impersonate(ctx context.Context, federated *connectorauth.OAuth2, to string, body []byte, client *http.Client) (connectorauth.CustomCredential, error) {
	var none connectorauth.CustomCredential
	resp, err := askForAccount(ctx, federated, to, body, client)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		if err = federated.Renew(ctx); err == nil {
			resp, err = askForAccount(ctx, federated, to, body, client)
		}
	}
	if err != nil {
		return none, fmt.Errorf("assertion: the service account's token: %w", err)
	}
	var granted struct {
		AccessToken string    `json:"accessToken"`
		ExpireTime  time.Time `json:"expireTime"`
	}
	if err := json.Unmarshal(resp.Text(), &granted); !resp.Granted() || err != nil || granted.AccessToken == "" {
		return none, fmt.Errorf("assertion: the service account's token: Google responded with status %d and no token", resp.StatusCode)
	}
	return connectorauth.CustomCredential{Value: connectorauth.Secret(granted.AccessToken), Expiry: granted.ExpireTime}, nil
}

// askForAccount sends one request with the token of federated.
func askForAccount(ctx context.Context, federated *connectorauth.OAuth2, to string, body []byte, client *http.Client) (*endpoint.Response, error) {
	token, err := federated.Token(ctx)
	if err != nil {
		return nil, err
	}
	call := endpoint.Call{Base: endpoint.TransportOf(client), Build: func(ctx context.Context) (*http.Request, []string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
		if err == nil {
			req.Header = http.Header{"Authorization": {"Bearer " + token.AccessToken}, "Content-Type": {"application/json"}}
		}
		return req, []string{token.AccessToken}, err
	}}
	return call.Do(ctx)
}
