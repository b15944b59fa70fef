package connectorauth

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/inject"
)

// APIKeyConfig says what the key is and where the key goes.
type APIKeyConfig struct {
	// Key is the key. Required. In a cookie, the key may be in double quotes, which
	// are sent.
	Key Secret
	// In is the part of the request where the key goes. Empty means
	// dialect.InHeader.
	In dialect.Location
	// Name is the name of the header, query parameter, cookie or body field, or of the
	// placeholder in the path: see [dialect.InPath]. Empty means Authorization for a
	// header; every other location requires a name. A body field may be nested: see
	// AuthField.Key.
	Name string
	// Exact sends the name of a header as Name spells it, such as "apiKey": see
	// [dialect.Placement]. Hooks see the canonical name, "Apikey".
	Exact bool
	// Prefix comes before the key, such as "Bearer " or "token=", with nothing added in
	// between. In a header, a Prefix that ends with a letter or digit is refused, such as
	// "Bearer" without its space. Empty means none.
	Prefix string
	// Hosts are the places that may see the key: "api.example.com" (https),
	// "*.example.com", or an origin such as "http://10.0.0.5:8080". A wildcard stands for
	// every name below example.com, "a.b.example.com" too, but not for example.com
	// itself, and means https at the default port. An international name may be written
	// in Unicode or in the xn-- form (RFC 5890): both are one host.
	// Empty means the origin of each request, but no other origin to which the request
	// is redirected.
	Hosts []string
}

// APIKey is the [Connector] of services that give out a fixed key.
type APIKey struct{ core hidden }

// NewAPIKey returns a connector for a key. The key replaces a value that a request
// has in the same place. dialect.InBody works like [NewAuthFields] with a single
// field: POST, PUT and PATCH requests carry the key, other requests are refused.
func NewAPIKey(config APIKeyConfig) (*APIKey, error) {
	var problems check.List
	if config.Key == "" {
		problems.Add("Key: is empty")
	}
	if config.Name == "" && (config.In == "" || config.In == dialect.InHeader) {
		config.Name = "Authorization"
	}
	value := config.Prefix + string(config.Key)
	sent := &fixed{config.Key}
	var s scheme
	if config.In == dialect.InBody {
		fields, err := inject.NewField(config.Name, strings.ToValidUTF8(value, "?"))
		problems.Field("Name", err)
		if !utf8.ValidString(value) {
			problems.Add("Prefix and Key: are not UTF-8; encode the key, for instance as base64")
		} else {
			problems.Field("Prefix and Key", check.Text(value))
		}
		s = &bodyFields{fields, []string{config.Name}, defaultBodyMethods, sent}
	} else {
		place, err := inject.NewPlace(config.In, config.Name)
		problems.Join(err)
		if config.Key != "" {
			problems.Field("Prefix and Key", place.Check(value))
		} else {
			problems.Field("Prefix", check.Text(config.Prefix))
		}
		problems.Join(inject.CheckPrefix(config.In, config.Prefix))
		if config.Exact {
			problems.Join(inject.CheckSpelling(config.In, config.Name))
		}
		s = &fixedValue{place, place.Encode(value), sent}
	}
	hosts := parseHosts(&problems, config.Hosts)
	if err := problems.Err("APIKeyConfig"); err != nil {
		return nil, err
	}
	return &APIKey{newCore(s, hosts).spelled(config.Name, config.Exact)}, nil
}

// AuthType returns AuthTypeAPIKey.
func (*APIKey) AuthType() AuthType { return AuthTypeAPIKey }

// String names the type. A connector prints nothing of its credentials.
func (*APIKey) String() string { return "connectorauth.APIKey" }

// Wrap returns a RoundTripper that adds the key and sends through base. A nil
// base means http.DefaultTransport.
func (c *APIKey) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *APIKey) inner() *core             { return c.core.get() }
func (*APIKey) with(inner *core) Connector { return &APIKey{inner.hide()} }

// fixedValue is the scheme of an unchanging value with a single place.
type fixedValue struct {
	place inject.Place
	value inject.Encoded
	sent  credential
}

func (f *fixedValue) authenticate(req *http.Request, room room) (credential, error) {
	return f.sent, f.place.Put(req, f.value, room.Room)
}

func (f *fixedValue) places() places { return placesOf(f.place) }

// placesOf returns the places of a value with the place p.
func placesOf(p inject.Place) places {
	if name := p.Header(); name != "" {
		return places{header: name}
	}
	return places{others: []string{p.String()}, alter: p.In() != dialect.InCookie}
}
