package connectorauth

import (
	"fmt"
	"net/http"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// APIKeyConfig says what the key is and where it goes.
type APIKeyConfig struct {
	// Key is the key itself. Required.
	Key Secret
	// In is where the key goes; empty means InHeader.
	In Location
	// Name of the header, query parameter, cookie or body field. Empty means
	// Authorization for a header; it is required elsewhere. A body field may be
	// nested: see [AuthField].Key.
	Name string
	// Prefix comes before the key, such as "Bearer " or "token=". Empty means none.
	Prefix string
	// Hosts are the places that may see the key: "api.example.com" (https),
	// "*.example.com", or an origin such as "http://10.0.0.5:8080". Empty means
	// the origin of each request you make, but none that it is redirected to.
	Hosts []string
}

// APIKey is the [Connector] of services that hand out a fixed key.
type APIKey struct{ *guarded }

// NewAPIKey returns a connector that adds a key to each request, in place of
// any value that the request already has there. InBody works as the one field of
// [NewAuthFields] does, in POST, PUT and PATCH requests.
func NewAPIKey(config APIKeyConfig) (*APIKey, error) {
	if config.Name == "" && config.In == InHeader {
		config.Name = "Authorization"
	}
	g, err := newAPIKey(config)
	if err := configError("APIKeyConfig", err); err != nil {
		return nil, err
	}
	return &APIKey{g}, nil
}

func newAPIKey(config APIKeyConfig) (*guarded, error) {
	if config.Key == "" {
		return nil, fmt.Errorf("Key: is empty")
	}
	value := config.Prefix + string(config.Key)
	if config.In == InBody {
		fields, err := inject.NewFields([]inject.Field{{Key: config.Name, Value: value}}, inject.Auto, 0)
		if err != nil {
			return nil, fmt.Errorf("Name: %w", err)
		}
		return newFixed(&bodyFields{fields, defaultBodyMethods}, "", config.Hosts, config.Key)
	}
	place, err := newPlacement(config.In, config.Name)
	if err != nil {
		return nil, err
	}
	if err := place.check(value); err != nil {
		return nil, fmt.Errorf("Prefix and Key: the value %w", err)
	}
	return newFixed(&fixedValue{place, []string{value}}, place.header(), config.Hosts, config.Key)
}

// AuthType returns AuthTypeAPIKey.
func (*APIKey) AuthType() AuthType { return AuthTypeAPIKey }

// fixedValue is the scheme of credentials that never change and go to one place.
type fixedValue struct {
	placement
	values []string // one element, ready to be a header's values
}

func (f *fixedValue) authenticate(req *http.Request) (sent any, err error) {
	f.put(req, f.values)
	return nil, nil
}
