package connectorauth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachLongConsent runs a test with the connectors that have a consent, of processes
// with one store. OAuth1's service takes temporary credentials of any age.
func eachLongConsent(t *testing.T, lifetime time.Duration, test func(t *testing.T, p *authtest.Provider, start func() consenter)) {
	t.Run("OAuth2", func(t *testing.T) {
		bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
			store := new(tokenstore.Memory)
			p.Inject(p.TokenURL, authtest.Always, authtest.Answer(200, nil, `{"access_token":"a"}`))
			test(t, p, func() consenter {
				return connect(t, p, func(c *connectorauth.OAuth2Config) {
					c.Grant = connectorauth.AuthorizationCode{AuthURL: p.AuthURL, ConsentLifetime: lifetime}
					c.Store, c.Account = store, "alice"
				})
			})
		})
	})
	t.Run("OAuth1", func(t *testing.T) {
		bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
			store := new(tokenstore.Memory)
			p.Inject(p.AccessTokenURL, authtest.Always, authtest.Answer(200, http.Header{"Content-Type": {formType}}, "oauth_token=a&oauth_token_secret=b"))
			test(t, p, func() consenter {
				config := consenting(p)
				config.ConsentLifetime, config.HTTPClient = lifetime, p.Client()
				config.Store, config.Account, config.Shared = store, "alice", new(connectorauth.Shared)
				return must(connectorauth.NewOAuth1(config))
			})
		})
	})
}

// An administrator may have to approve first.
func TestConsentMayTakeAsLongAsTheConfigSays(t *testing.T) {
	for lifetime, ages := range map[time.Duration]map[time.Duration]bool{
		0:                      {9 * time.Minute: true, 11 * time.Minute: false},
		time.Minute:            {59 * time.Second: true, 61 * time.Second: false},
		24 * time.Hour:         {24*time.Hour - time.Second: true, 24*time.Hour + 2*time.Second: false},
		90*time.Second + 1e8*5: {90 * time.Second: true, 92 * time.Second: false},
	} {
		eachLongConsent(t, lifetime, func(t *testing.T, p *authtest.Provider, start func() consenter) {
			for age, fine := range ages {
				pending, callback := allowed(t, p, start())
				before := exchanged(p)
				time.Sleep(age)
				err := start().Finish(t.Context(), pending, callback)
				if fine {
					assert.NoError(t, err, "%v of %v", age, lifetime)
				} else {
					assert.ErrorContains(t, err, "begin again", "%v of %v", age, lifetime)
					assert.Equal(t, before, exchanged(p))
				}
			}
		})
	}
}

// The claim to a consent outlives the pending value, over all processes.
func TestLongConsentIsFinishedOnce(t *testing.T) {
	eachLongConsent(t, 24*time.Hour, func(t *testing.T, p *authtest.Provider, start func() consenter) {
		first := start()
		pending, callback := allowed(t, p, first)
		require.NoError(t, first.Finish(t.Context(), pending, callback))
		for hour := 1; hour <= 30; hour++ {
			time.Sleep(time.Hour - time.Second)
			other, granted := allowed(t, p, first) // whose claim removes old claims
			require.NoError(t, first.Finish(t.Context(), other, granted))
			want := "finished already"
			if hour > 24 {
				want = "begin again"
			}
			for _, c := range []consenter{first, start()} {
				require.ErrorContains(t, c.Finish(t.Context(), pending, callback), want, hour)
			}
		}
		assert.Equal(t, 31, exchanged(p))
	})
}

func TestConsentLifetimeIsChecked(t *testing.T) {
	p := authtest.NewProvider(t)
	for lifetime, fine := range map[time.Duration]bool{0: true, 1: true, 24 * time.Hour: true, -1: false, 24*time.Hour + 1: false} {
		config := connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: p.TokenURL, Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL, ConsentLifetime: lifetime},
		}
		_, err := connectorauth.NewOAuth2(config)
		config1 := consenting(p)
		config1.ConsentLifetime = lifetime
		_, err1 := connectorauth.NewOAuth1(config1)
		if fine {
			assert.NoError(t, err, lifetime)
			assert.NoError(t, err1, lifetime)
		} else {
			assert.ErrorContains(t, err, "Grant: ConsentLifetime: ", lifetime)
			assert.ErrorContains(t, err1, "OAuth1Config: ConsentLifetime: ", lifetime)
		}
	}
}
