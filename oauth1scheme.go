package connectorauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/oauth1sig"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// maxSignedForm bounds a form body, which has to be in memory to be signed, in
// bytes.
const maxSignedForm = 16 << 20

// oauth1Token is the credentials of one account, and what the store holds.
type oauth1Token struct {
	Version int               `json:"v"`
	Token   string            `json:"oauth_token"`
	Secret  string            `json:"oauth_token_secret"`
	Extra   map[string]string `json:"extra,omitempty"` // what else the service answered

	signer *oauth1sig.Signer
}

// oauth1Scheme signs requests with the client's credentials and the token.
type oauth1Scheme struct {
	OAuth1Config
	fixed  *oauth1Token               // the token of the config; nil with an engine
	engine *renew.Engine[oauth1Token] // keeps the token of a consent
	used   usedOnce
}

// newToken prepares a token for signing.
func (s *oauth1Scheme) newToken(value, secret string) (*oauth1Token, error) {
	signer, err := oauth1sig.New(s.signing(value, secret))
	if err != nil {
		return nil, err
	}
	return &oauth1Token{Token: value, Secret: secret, signer: signer}, nil
}

func (s *oauth1Scheme) signing(token, secret string) oauth1sig.Config {
	return oauth1sig.Config{
		ConsumerKey: s.ClientID, ConsumerSecret: string(s.ClientSecret), Token: token, TokenSecret: secret,
		Method: oauth1sig.Method(s.SignatureMethod), PrivateKey: s.PrivateKey, Realm: s.Realm,
	}
}

func (s *oauth1Scheme) authenticate(req *http.Request) (sent any, err error) {
	return nil, s.sign(req, s.fixed)
}

// sign puts the Authorization header of RFC 5849 section 3.5.1 into req.
func (s *oauth1Scheme) sign(req *http.Request, t *oauth1Token) error {
	var form []byte
	if oauth1sig.IsForm(req.Header.Get("Content-Type")) {
		var err error
		if form, err = inject.ReadBody(req, maxSignedForm); err != nil {
			return err
		}
	}
	params, err := t.signer.Sign(req, form, oauth1sig.Stamp{Nonce: oauth1sig.Nonce(), Timestamp: time.Now().Unix()})
	if err != nil {
		return err
	}
	req.Header["Authorization"] = []string{params.Header()}
	return nil
}

// storedOAuth1 is an oauth1Scheme whose token comes from a consent.
type storedOAuth1 struct{ *oauth1Scheme }

func (s storedOAuth1) authenticate(req *http.Request) (sent any, err error) {
	g, err := s.engine.Get(req.Context())
	if err != nil {
		return nil, err
	}
	return g, s.sign(req, g.Value)
}

func (storedOAuth1) rejected(resp *http.Response) bool {
	return resp.StatusCode == http.StatusUnauthorized
}

func (s storedOAuth1) replace(ctx context.Context, sent any) error {
	_, err := s.engine.Replace(ctx, sent.(*renew.Generation[oauth1Token]))
	return err
}

func (s storedOAuth1) renewLater(ctx context.Context, sent any) {
	s.engine.Renew(ctx, sent.(*renew.Generation[oauth1Token]))
}

func (s storedOAuth1) contest(sent any) { s.engine.Contest(sent.(*renew.Generation[oauth1Token])) }

// The methods of renew.Scheme.

// errNotRenewable is temporary: a 401 has many reasons with OAuth1, and the
// store may yet get another token.
var errNotRenewable = errors.New("connectorauth: OAuth1 tokens are not renewed")

func (s *oauth1Scheme) Renew(_ context.Context, old *oauth1Token) (*oauth1Token, error) {
	if old == nil {
		return nil, fmt.Errorf("%w: there is no token yet; use Begin and Finish", ErrReauthRequired)
	}
	return nil, errNotRenewable
}

func (s *oauth1Scheme) Verdict(err error) renew.Verdict {
	if errors.Is(err, ErrReauthRequired) {
		return renew.Verdict{Kind: renew.Dead}
	}
	return renew.Verdict{}
}

func (*oauth1Scheme) Expiry(*oauth1Token) (issued, expiry time.Time) { return }

func (*oauth1Scheme) Encode(t *oauth1Token) ([]byte, error) {
	stored := *t
	stored.Version = tokenVersion
	return json.Marshal(&stored)
}

func (s *oauth1Scheme) Decode(stored []byte) (*oauth1Token, error) {
	var t oauth1Token
	if err := decodeStored(stored, &t, &t.Version); err != nil {
		return nil, err
	}
	ready, err := s.newToken(t.Token, t.Secret)
	if err != nil {
		return nil, err
	}
	ready.Extra = t.Extra
	return ready, nil
}

func (*oauth1Scheme) Observe(renew.Event[oauth1Token]) {}
