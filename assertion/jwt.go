package assertion

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/clock"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// JWTConfig describes a service whose API takes assertions themselves.
type JWTConfig struct {
	// Key signs the assertions. Required.
	Key *Key
	// Claims are what the assertions say. A Lifetime of 0 means 10 minutes. An assertion
	// is sent with many requests, and has no jti.
	Claims Claims
	// Placement is where an assertion goes. Empty means the Authorization header with the
	// prefix "Bearer ". A Placement that is not empty has its own Prefix alone, such as
	// "Ghost ".
	Placement dialect.Placement
	// Further are headers that go along with each request, such as one that says what
	// kind of token this is. Empty means none.
	Further http.Header
	// Hosts are the places that may see the assertions: see connectorauth.APIKeyConfig.
	Hosts []string
	// Shared is what this connector has in common with others: see
	// connectorauth.OAuth2Config.
	Shared *connectorauth.Shared
	// Observe is told when an assertion is made: see connectorauth.OAuth2Config.
	Observe func(connectorauth.Event)
}

// NewJWT returns a connector for a service whose API takes assertions themselves,
// without a token endpoint: App Store Connect, Ghost, Snowflake, GitHub Apps. An
// assertion is signed once for its lifetime, and not for each request. When the API
// rejects an assertion with status 401, and the Date of the response shows that the clock
// of this machine is wrong, the next assertion has the API's time.
func NewJWT(config JWTConfig) (*connectorauth.Custom, error) {
	var problems check.List
	checkKey(&problems, config.Key)
	config.Claims.check(&problems)
	_, _, err := check.TokenPlace(config.Placement)
	problems.Field("Placement", err)
	further := make(http.Header, len(config.Further))
	for _, name := range slices.Sorted(maps.Keys(config.Further)) {
		header := http.CanonicalHeaderKey(name)
		problems.Field("Further", inject.CheckHeaderName(header))
		for _, value := range config.Further[name] {
			if wire.HasControl(value) {
				problems.Add("Further: the value of %q contains a control character", header)
			}
			further.Add(header, value)
		}
	}
	if err := problems.Err("JWTConfig"); err != nil {
		return nil, err
	}
	claims := config.Claims.clone()
	claims.Lifetime = cmp.Or(claims.Lifetime, 10*time.Minute)
	var follows clock.Clock
	var sent atomic.Int64 // how far the present assertion is ahead
	return connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{Placement: config.Placement}},
		Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
			for header, values := range further {
				req.Header[header] = slices.Clone(values)
			}
			return nil
		},
		Obtain: func(_ context.Context, _ connectorauth.CustomCredential, rejection *http.Response) (connectorauth.CustomCredential, error) {
			if rejection != nil {
				if theirs, ok := clock.Date(rejection.Header); ok {
					was := sent.Load()
					if follows.Correct(theirs, was, true); follows.Ahead() == was {
						follows.Reset(was) // the correction did not help: the Date may be that of a cache
					}
				}
			}
			now, ahead := time.Now(), follows.Ahead()
			sent.Store(ahead)
			signed, err := config.Key.sign(&claims, now.Add(time.Duration(ahead)*time.Second), false)
			if err != nil {
				return connectorauth.CustomCredential{}, err
			}
			return connectorauth.CustomCredential{Value: connectorauth.Secret(signed), Expiry: now.Add(claims.Lifetime - backdated)}, nil
		},
		Hosts: config.Hosts, Shared: config.Shared, Observe: config.Observe,
	})
}
