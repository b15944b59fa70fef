package awsauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/clock"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// Payload says how the signature covers a body.
type Payload string

// The kinds of payloads.
const (
	PayloadSigned   Payload = "signed"   // the hash of the whole body is signed; a body without GetBody is held in memory
	PayloadUnsigned Payload = "unsigned" // the body is not signed; AWS takes such a body by https alone
	PayloadChunked  Payload = "chunked"  // each 64 KiB of the body have a signature of their own; S3 alone
)

// Config is an account at a service of AWS, or at a service with the same signatures.
type Config struct {
	// Service is the signing name of the service, such as "s3" or "execute-api".
	// Required.
	Service string
	// Region is the region of the service, such as "us-east-1". Required.
	Region string
	// Credentials returns the credentials. Required.
	Credentials Source
	// Payload says how the signature covers a body. Empty means PayloadSigned.
	Payload Payload
	// MaxBody limits the bodies that must be held in memory, in bytes. 0 means 16 MiB.
	MaxBody int64
	// SignedHeaders are the names of further headers that the signature covers.
	SignedHeaders []string

	// Hosts are the places that may see signatures: see [connectorauth.APIKeyConfig].
	Hosts []string
	// Store keeps the credentials of Credentials. Empty means that the credentials live in
	// memory.
	Store connectorauth.TokenStore
	// Account is the key in Store, and the name in errors and events. Required with Store.
	Account string
	// Shared is what the connector has in common with others: see
	// [connectorauth.OAuth2Config].
	Shared *connectorauth.Shared
	// RenewBefore is how long before their expiry credentials are renewed: see
	// [connectorauth.CustomConfig].
	RenewBefore time.Duration
	// Observe is told what happens to the credentials: see [connectorauth.OAuth2Config].
	Observe func(connectorauth.Event)
}

// Credentials are what signs.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey connectorauth.Secret
	// SessionToken belongs to credentials that expire. Empty for others.
	SessionToken connectorauth.Secret
	// Expiry is when the credentials expire. Zero means that nobody knows.
	Expiry time.Time
}

// A Source returns credentials. ctx is bounded. Several goroutines may call a Source,
// if several connectors have the same Source.
type Source func(ctx context.Context) (Credentials, error)

// Static returns a Source of credentials that never change. sessionToken is empty for
// the keys of a user.
func Static(accessKeyID string, secretAccessKey, sessionToken connectorauth.Secret) Source {
	return func(context.Context) (Credentials, error) {
		return Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey, SessionToken: sessionToken}, nil
	}
}

// check reports what cannot be signed with.
func (c Credentials) check() error {
	switch {
	case c.AccessKeyID == "" || c.SecretAccessKey == "":
		return errors.New("awsauth: the source returned no access key ID, or no secret access key")
	case strings.ContainsFunc(c.AccessKeyID+string(c.SecretAccessKey+c.SessionToken), func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("awsauth: the source returned credentials with a space, a line break or another character that credentials do not have")
	}
	return nil
}

// expired are the error codes that new credentials may help against, as they stand in
// bodies and in the header X-Amzn-Errortype.
var expired = []string{"ExpiredToken", "TokenRefreshRequired", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}

// unsigned are the headers that no signature covers: the signature's own, and those that
// net/http writes by itself or that end at the next server.
var unsigned = []string{"authorization", "connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}

// New returns a connector that signs requests with AWS Signature Version 4. The
// connector is safe for concurrent use.
func New(config Config) (*connectorauth.Custom, error) {
	var problems check.List
	for _, field := range []struct{ name, value string }{{"Service", config.Service}, {"Region", config.Region}} {
		if field.value == "" || !wire.IsToken(field.value) {
			problems.Add("%s: is empty, or not a name such as %q", field.name, map[string]string{"Service": "execute-api", "Region": "us-east-1"}[field.name])
		}
	}
	if config.Credentials == nil {
		problems.Add("Credentials: is nil; Default() finds the credentials of the environment")
	}
	config.Payload = cmp.Or(config.Payload, PayloadSigned)
	if !slices.Contains([]Payload{PayloadSigned, PayloadUnsigned, PayloadChunked}, config.Payload) {
		problems.Add("Payload: is %q; use signed, unsigned or chunked", config.Payload)
	}
	if config.Payload == PayloadChunked && !isS3(config.Service) {
		problems.Add("Payload: chunked is for S3; the service %q does not take chunks", config.Service)
	}
	if config.MaxBody < 0 {
		problems.Add("MaxBody: is negative; 0 means 16 MiB")
	}
	var headers []string
	for _, name := range config.SignedHeaders {
		if !wire.IsToken(name) || slices.Contains(unsigned, strings.ToLower(name)) {
			problems.Add("SignedHeaders: %q is not the name of a header that can be signed", name)
		}
		headers = append(headers, strings.ToLower(name))
	}
	problems.Store(config.Store, config.Account, "credentials")
	if config.RenewBefore < 0 {
		problems.Add("RenewBefore: is negative; 0 means 5 minutes")
	}
	_, err := origin.Parse(config.Hosts)
	problems.Field("Hosts", err)
	if err := problems.Err("awsauth.Config"); err != nil {
		return nil, err
	}
	config.MaxBody = cmp.Or(config.MaxBody, 16<<20)
	config.SignedHeaders = headers
	a := &account{config: config}
	var rejections []dialect.Rejection
	for _, code := range expired {
		for _, status := range []int{http.StatusBadRequest, http.StatusForbidden} {
			rejections = append(rejections, dialect.Rejection{Status: status, Body: code})
		}
	}
	return connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: a.authenticate, Obtain: a.obtain, Rejected: a.rejected, Rejections: rejections, Header: "Authorization", Signs: true,
		Hosts: config.Hosts, Store: config.Store, Account: config.Account, Shared: config.Shared,
		RenewBefore: config.RenewBefore, Observe: config.Observe,
	})
}

// isS3 reports whether the rules of S3 hold for a service.
func isS3(service string) bool {
	switch service {
	case "s3", "s3-object-lambda", "s3-outposts", "s3express":
		return true
	}
	return false
}

// account signs the requests of a connector.
type account struct {
	config Config
	clock  clock.Clock

	mu        sync.Mutex // guards corrected, and corrections of clock
	corrected time.Time  // when clock last changed
}

// The names of the further values of a connector's credential.
const (
	idName    = "access_key_id"
	tokenName = "session_token"
)

// obtain returns the credentials of the source.
func (a *account) obtain(ctx context.Context, _ connectorauth.CustomCredential, _ *http.Response) (connectorauth.CustomCredential, error) {
	c, err := a.config.Credentials(ctx)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return connectorauth.CustomCredential{}, err
	}
	more := map[string]connectorauth.Secret{idName: connectorauth.Secret(c.AccessKeyID)}
	if c.SessionToken != "" {
		more[tokenName] = c.SessionToken
	}
	return connectorauth.CustomCredential{Value: c.SecretAccessKey, More: more, Expiry: c.Expiry}, nil
}

// authenticate signs req.
func (a *account) authenticate(req *http.Request, value connectorauth.CustomCredential) error {
	if isPresigned(req.URL.RawQuery) {
		return nil
	}
	s := signer{
		service: a.config.Service, region: a.config.Region, headers: a.config.SignedHeaders,
		time:        time.Now().Add(time.Duration(a.clock.Ahead()) * time.Second).UTC(),
		credentials: Credentials{AccessKeyID: string(value.More[idName]), SecretAccessKey: value.Value, SessionToken: value.More[tokenName]},
	}
	return s.sign(req, a.config.Payload, a.config.MaxBody)
}

// isPresigned reports whether a query has a signature.
func isPresigned(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); strings.EqualFold(name, "X-Amz-Signature") {
			return true
		}
	}
	return false
}

// rejected reports whether another try may help: with other credentials, or with the
// time of the service.
func (a *account) rejected(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest:
	default:
		return false
	}
	kind := resp.Header.Get(textproto.CanonicalMIMEHeaderKey("X-Amzn-Errortype"))
	if slices.ContainsFunc(expired, func(code string) bool { return strings.HasPrefix(kind, code) }) {
		return true
	}
	signed, err := time.Parse(timeFormat, resp.Request.Header.Get("X-Amz-Date"))
	theirs, ok := clock.Date(resp.Header)
	if err != nil || !ok {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now, ahead := time.Now(), a.clock.Ahead()
	sent := ahead
	if at := signed.Add(-time.Duration(ahead) * time.Second); at.After(now) || at.Before(a.corrected) { // signed before the last correction
		sent = int64(signed.Sub(now).Round(time.Second) / time.Second)
	}
	a.clock.Correct(theirs, sent, false)
	if a.clock.Ahead() != ahead {
		a.corrected = now.Truncate(time.Second)
	}
	off := a.clock.Ahead() - sent
	return max(off, -off) > 60
}
