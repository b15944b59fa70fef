package oauth1

import (
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"strings"

	dghubble "github.com/dghubble/oauth1"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// Config says who signs requests, and how.
type Config struct {
	// ConsumerKey is the name of the client at the service. Required.
	ConsumerKey string
	// ConsumerSecret is the secret of the client. Empty means an empty secret. The
	// RSA methods and Custom do not use ConsumerSecret.
	ConsumerSecret string
	// Token is the token of the account. Empty means that requests carry no
	// oauth_token (two-legged OAuth).
	Token string
	// TokenSecret is the secret of the token. Empty means an empty secret. The RSA
	// methods do not use TokenSecret.
	TokenSecret string

	// Method is the signature method, such as RSASHA256. Empty means HMACSHA1.
	Method string
	// PrivateKey is an RSA key. The RSA methods require a key, and the other methods
	// refuse a key.
	PrivateKey crypto.Signer
	// Custom signs in place of Method, which must then be empty. Custom must be safe
	// for concurrent use. Empty means Method.
	Custom dghubble.Signer

	// Realm is the realm of the Authorization header. The realm is not signed. Empty
	// means no realm.
	Realm string
	// NoVersion leaves out the optional parameter oauth_version=1.0.
	NoVersion bool
}

// New returns the Signer of a config. The error joins all problems of the config.
// Each problem begins with the field of the library's OAuth1Config, says what to
// change and quotes no secret. Problems have no package name, unlike the errors of a
// Signer.
func New(config Config) (*Signer, error) {
	problems := config.problems()
	if config.Custom != nil {
		if err := guarded(func() error { config.Method = config.Custom.Name(); return nil }); err != nil {
			problems = append(problems, fmt.Errorf("Signer: %w", err))
		}
	}
	config.Method = cmp.Or(config.Method, HMACSHA1)
	if wire.HasControl(config.Method) {
		problems = append(problems, controlProblem("Signer: Name"))
	}
	sign, err := newSignFunc(config)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	s := &Signer{method: config.Method, sign: sign}
	fixed := config.fixedParams()
	s.form = string(fixed.text)
	s.header = string(fixed.appendHeader([]byte(config.headerStart())))
	fixed.appendTo(&s.signed)
	s.signed.sort()
	return s, nil
}

// problems lists what is wrong with the config, apart from the signature method.
func (c *Config) problems() (list []error) {
	if c.ConsumerKey == "" {
		list = append(list, errors.New("ClientID: is empty"))
	}
	if c.Token == "" && c.TokenSecret != "" {
		list = append(list, errors.New("TokenSecret: is given without a Token; give both, or neither"))
	}
	if c.Custom != nil && (c.Method != "" || c.PrivateKey != nil) {
		list = append(list, errors.New("Signer: replaces SignatureMethod and PrivateKey; remove them, or Signer"))
	}
	for _, field := range []Param{
		{"ClientID", c.ConsumerKey}, {"ClientSecret", c.ConsumerSecret},
		{"Token", c.Token}, {"TokenSecret", c.TokenSecret}, {"Realm", c.Realm},
	} {
		if wire.HasControl(field.Value) {
			list = append(list, controlProblem(field.Name))
		}
	}
	return list
}

func controlProblem(field string) error {
	return fmt.Errorf("%s: has a control character; look for a line break at its end", field)
}

// fixedParams returns the parameters that all requests share.
func (c *Config) fixedParams() (fixed encoded) {
	fixed.add("oauth_consumer_key", c.ConsumerKey)
	if c.Token != "" {
		fixed.add("oauth_token", c.Token)
	}
	fixed.add("oauth_signature_method", c.Method)
	if !c.NoVersion {
		fixed.add("oauth_version", "1.0")
	}
	return fixed
}

// headerStart returns what stands before the parameters in the Authorization
// header: the scheme and the realm.
func (c *Config) headerStart() string {
	if c.Realm == "" {
		return "OAuth "
	}
	return `OAuth realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(c.Realm) + `", `
}
