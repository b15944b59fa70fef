package assertion

import (
	"context"
	"errors"
	"sync"

	"github.com/connectorauth/connectorauth"
)

// FromConnector returns the tokens of another connector as assertions: as when a
// [TokenExchange] obtains the identity assertion (ID-JAG) that a [JWTBearer] sends to
// another provider. Each call renews the connector, because a provider may refuse an
// assertion that comes twice, and nobody remembers over a restart what was sent. So the
// connector should serve nothing else, and needs no Store. The function is safe for
// concurrent use.
func FromConnector(c *connectorauth.OAuth2) func(context.Context) (connectorauth.Secret, error) {
	var mu sync.Mutex
	var last string
	return func(ctx context.Context) (connectorauth.Secret, error) {
		if c == nil {
			return "", errors.New("assertion: FromConnector: the connector is nil")
		}
		for range 8 { // others may take the token between Renew and Token
			if err := c.Renew(ctx); err != nil {
				return "", err
			}
			token, err := c.Token(ctx)
			if err != nil {
				return "", err
			}
			mu.Lock()
			taken := token.AccessToken == last
			last = token.AccessToken
			mu.Unlock()
			if !taken {
				return connectorauth.Secret(token.AccessToken), nil
			}
		}
		return "", errors.New("assertion: FromConnector: the provider issues the same token again and again")
	}
}
