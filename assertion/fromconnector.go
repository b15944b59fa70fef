package assertion

import (
	"context"
	"errors"
	"sync"

	"github.com/connectorauth/connectorauth"
)

// FromConnector returns the tokens of another connector as assertions, each token once:
// as when a [TokenExchange] obtains the identity assertion (ID-JAG) that a [JWTBearer]
// sends to another provider. The function is safe for concurrent use.
func FromConnector(c *connectorauth.OAuth2) func(context.Context) (connectorauth.Secret, error) {
	var mu sync.Mutex
	var last string
	return func(ctx context.Context) (connectorauth.Secret, error) {
		if c == nil {
			return "", errors.New("assertion: FromConnector: the connector is nil")
		}
		mu.Lock()
		defer mu.Unlock()
		token, err := c.Token(ctx)
		if err == nil && token.AccessToken == last {
			if err = c.Renew(ctx); err == nil {
				token, err = c.Token(ctx)
			}
		}
		if err != nil {
			return "", err
		}
		last = token.AccessToken
		return connectorauth.Secret(last), nil
	}
}
