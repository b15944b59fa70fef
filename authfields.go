package connectorauth

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// An AuthField is one credential that an API wants inside its messages.
type AuthField struct {
	// Name is the label of the field for the account owner, such as "Account
	// number". Name is not sent. Empty means Key.
	Name string
	// Key is where the value goes. Required. In forms and multipart, Key is the name
	// of the field. In JSON and XML, "token" is a member of the top-level object or
	// element, "auth.token" a member of auth (created if absent), and a key that
	// begins with a slash is a JSON Pointer (RFC 6901): "/auth.token" is a member
	// with a dot in its name.
	//
	// In a JSON array, a step of a JSON Pointer is an index: "/params/0" replaces the
	// first element of params, and "/params/-" appends an element. Nothing is inserted: a
	// caller whose own parameters begin at 1 sends a place for the field, such as
	// {"params": ["", 7]}. An index equal to the length of the array appends too; a larger
	// index is refused with ErrBodyNotInjectable. Where the body has an object instead,
	// "0" is the name of a member. A missing params becomes an array if all keys have an
	// index there.
	//
	// In XML, a last step that begins with an @ is an attribute: "@token" of the root
	// element, "auth.@token" of auth. In other formats, the @ is part of the name.
	Key string
	// Type says how Value is spelled. Empty means dialect.FieldText.
	Type dialect.FieldType
	// Value is the value to send. Value may be empty for FieldText and
	// FieldPassword. Value must not begin or end with a line break or another control
	// character; with FieldPassword, Value must have no control character.
	Value Secret
}

// AuthFieldsConfig holds the fields and says which bodies carry them.
type AuthFieldsConfig struct {
	// Fields are the fields to add; at least one.
	Fields []AuthField
	// Body is the format of the bodies. Empty means that the Content-Type of each
	// request decides. A request in another format is refused.
	Body dialect.BodyFormat
	// Methods are the HTTP methods whose requests carry the fields. Empty means
	// POST, PUT and PATCH. A request with another method is refused, unless a
	// redirect changed the method and removed the body (RFC 9110 section 15.4.4).
	Methods []string
	// MaxBody limits the bodies that must be held in memory, in bytes. 0 means
	// 16 MiB.
	MaxBody int64
	// Hosts are the places that may see the fields: see [APIKeyConfig].
	Hosts []string
}

// AuthFields is the [Connector] of services that want credentials inside the
// body of each message.
type AuthFields struct {
	core   hidden
	fields []AuthField // without values
}

// NewAuthFields returns a connector that puts fields into the body of each
// request. A field replaces a field of the same name; all other bytes stay the
// same.
//
//   - JSON must be an object, or an array if all keys begin with an index. A field
//     is replaced in place, or comes last.
//   - In a form, the fields come last.
//   - Multipart is streamed and never held in memory. Each field is a part of its
//     own, before the other parts. A later part with the name of a field makes the
//     request fail: the announced length leaves no room for removing the part.
//   - In XML, a field is an element below the root, or at the path in Key, or an
//     attribute. Elements are found by local name, attributes have no prefix. The
//     bytes must be UTF-8, whatever the XML declaration says.
//   - A request without a body gets a body in the format of Body, or a form.
//
// A body that cannot carry the fields is refused with [ErrBodyNotInjectable]: a
// body in another format, without a Content-Type, with a Content-Encoding, or
// with a digest that would no longer match. Nothing is sent then, but for the
// beginning of a multipart body.
func NewAuthFields(config AuthFieldsConfig) (*AuthFields, error) {
	var problems check.List
	form := slices.Clone(config.Fields)
	fields := make([]inject.Field, len(form))
	keys, values := make([]string, len(form)), make([]string, len(form))
	for i, f := range config.Fields {
		fields[i] = inject.Field{Key: f.Key, Value: string(f.Value), Type: f.Type}
		keys[i], values[i] = f.Key, string(f.Value)
		form[i].Name, form[i].Value = cmp.Or(f.Name, f.Key), ""
	}
	body, err := inject.NewFields(fields, config.Body, config.MaxBody)
	problems.Join(err)
	for _, f := range fields {
		pasted := check.Lines
		if f.Type == dialect.FieldPassword {
			pasted = check.Text
		}
		problems.Field(fmt.Sprintf("Fields: field %q", f.Key), pasted(f.Value))
	}
	methods := defaultBodyMethods
	if len(config.Methods) > 0 {
		methods = slices.Clone(config.Methods)
	}
	for _, method := range methods {
		if !wire.IsToken(method) || method == http.MethodHead || method == http.MethodTrace || method == http.MethodConnect {
			problems.Add("Methods: %q is not a method whose requests have bodies", method)
		}
	}
	hosts := parseHosts(&problems, config.Hosts)
	if err := problems.Err("AuthFieldsConfig"); err != nil {
		return nil, err
	}
	return &AuthFields{newCore(&bodyFields{body, keys, methods, &composed{parts: values}}, hosts), form}, nil
}

// AuthType returns AuthTypeAuthFields.
func (*AuthFields) AuthType() AuthType { return AuthTypeAuthFields }

// String names the type. A connector prints nothing of its credentials.
func (*AuthFields) String() string { return "connectorauth.AuthFields" }

// Wrap returns a RoundTripper that adds the fields and sends through base. A nil
// base means http.DefaultTransport.
func (c *AuthFields) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *AuthFields) inner() *core               { return c.core.get() }
func (c *AuthFields) with(inner *core) Connector { return &AuthFields{inner.hide(), c.fields} }

// Fields returns the connector's fields without their values, as for a form that
// asks the account owner for the values again.
func (c *AuthFields) Fields() []AuthField { return slices.Clone(c.fields) }

// defaultBodyMethods are the methods whose requests usually have a body.
var defaultBodyMethods = []string{http.MethodPost, http.MethodPut, http.MethodPatch}

// bodyFields is the scheme of credentials that go into bodies.
type bodyFields struct {
	fields  *inject.Fields
	keys    []string
	methods []string
	sent    credential
}

func (b *bodyFields) authenticate(req *http.Request, room room) (credential, error) {
	if slices.Contains(b.methods, req.Method) {
		return b.sent, b.fields.Apply(req, room.Room)
	}
	if hasBody := req.Body != nil && req.Body != http.NoBody; !hasBody && req.Response != nil {
		return b.sent, nil // a redirect has turned a message into a GET without a body
	}
	return nil, fmt.Errorf("%w: the method of the request is %s, but only %s requests have bodies that carry the credentials",
		ErrBodyNotInjectable, cmp.Or(req.Method, http.MethodGet), strings.Join(b.methods, ", "))
}

// bodyPlace names a place in a body, as a JSON Pointer.
func bodyPlace(key string) string {
	if !strings.HasPrefix(key, "/") {
		key = "/" + strings.ReplaceAll(key, ".", "/")
	}
	return "body field " + key
}

func (b *bodyFields) places() (p places) {
	p.alter = true
	for _, key := range b.keys {
		p.others = append(p.others, bodyPlace(key))
	}
	return p
}
