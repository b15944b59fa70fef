package definition

import (
	"fmt"
	"reflect"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

// A Credential is what requests carry. In a document, the members of the Scheme stand
// beside the type.
type Credential struct {
	// Type is the kind of the credential. Required.
	Type connectorauth.AuthType
	// Scheme is the credential: one of *APIKey, *Basic, *AuthFields, *OAuth1, *OAuth2,
	// *Session, *JWT and *None, or a *Foreign of one of Options.Kinds.
	Scheme Scheme
}

// A Scheme is a kind of credential.
type Scheme interface {
	// check lists the mistakes of the document.
	check(c *checker, p *path)
	// connector returns the connector of an account.
	connector(b *builder) (connectorauth.Connector, error)
}

// TypeSession is the type of a [Session].
const TypeSession connectorauth.AuthType = "Session"

// schemeTypes are the kinds of credentials, in the order of schemeNames.
var (
	schemeNames = []string{
		string(connectorauth.AuthTypeAPIKey), string(connectorauth.AuthTypeBasic), string(connectorauth.AuthTypeAuthFields),
		string(connectorauth.AuthTypeOAuth1), string(connectorauth.AuthTypeOAuth2), string(TypeSession), string(TypeJWT), string(connectorauth.AuthTypeNone),
	}
	schemeTypes = []reflect.Type{
		reflect.TypeFor[APIKey](), reflect.TypeFor[Basic](), reflect.TypeFor[AuthFields](),
		reflect.TypeFor[OAuth1](), reflect.TypeFor[OAuth2](), reflect.TypeFor[Session](), reflect.TypeFor[JWT](), reflect.TypeFor[None](),
	}
)

// schemeOf returns the type of the Scheme with a name, or nil.
func schemeOf(name string) reflect.Type {
	for i, known := range schemeNames {
		if known == name {
			return schemeTypes[i]
		}
	}
	return nil
}

// An APIKey is a key with a place: see connectorauth.NewAPIKey.
type APIKey struct {
	Key       string            // template, in which captured values may stand; required
	Placement dialect.Placement // Empty means the header Authorization, without a prefix.
}

func (s *APIKey) check(c *checker, p *path) { c.lateText(p.member("key"), s.Key) }

func (s *APIKey) connector(b *builder) (connectorauth.Connector, error) {
	return b.placed(s.Key, s.Placement, false)
}

// Basic is a user name and password: see connectorauth.NewBasic.
type Basic struct {
	Username, Password string // templates; one may be empty
	Charset            dialect.Charset
}

func (s *Basic) check(c *checker, p *path) {
	c.text(p.member("username"), s.Username)
	c.text(p.member("password"), s.Password)
}

func (s *Basic) connector(b *builder) (connectorauth.Connector, error) {
	connector, err := connectorauth.NewBasic(connectorauth.BasicConfig{
		Username: b.text(s.Username), Password: b.secret(s.Password), Charset: s.Charset, Hosts: b.hosts,
	})
	return connector, b.owned(err, "Username", s.Username, "Password", s.Password)
}

// AuthFields are fields inside each message: see connectorauth.NewAuthFields.
type AuthFields struct {
	Fields  []connectorauth.AuthField // Value is a template. Required.
	Body    dialect.BodyFormat        // Empty means that the Content-Type of each request decides.
	Methods []string                  // Empty means POST, PUT and PATCH.
}

func (s *AuthFields) check(c *checker, p *path) {
	for i, f := range s.Fields {
		c.text(p.member("fields").element(i).member("value"), string(f.Value))
	}
}

func (s *AuthFields) connector(b *builder) (connectorauth.Connector, error) {
	fields := make([]connectorauth.AuthField, len(s.Fields))
	for i, f := range s.Fields {
		fields[i], fields[i].Value = f, b.secret(string(f.Value))
	}
	connector, err := connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: fields, Body: s.Body, Methods: s.Methods, Hosts: b.hosts})
	if err == nil {
		return connector, nil
	}
	var templates []string
	for _, f := range s.Fields {
		templates = append(templates, fmt.Sprintf("Fields: field %q", f.Key), string(f.Value))
	}
	return connector, b.owned(err, templates...)
}

// None is a service without credentials.
type None struct{}

func (*None) check(*checker, *path) {}

func (*None) connector(*builder) (connectorauth.Connector, error) { return connectorauth.None{}, nil }
