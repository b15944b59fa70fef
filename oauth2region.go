package connectorauth

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
	"golang.org/x/oauth2"
)

// regionOf returns the origin of the region that somebody has named: by the
// provider's word, by the origin, or by a URL with the origin. Empty means the region
// of the token URL. The result is always an origin of the config, and never a word of
// whoever named the region (I23).
func (s *oauth2Scheme) regionOf(named string) (string, error) {
	origins := s.dialect.Regions.Origins
	listed := slices.Sorted(maps.Values(origins))
	if byWord, ok := origins[named]; ok {
		named, listed = byWord, []string{byWord}
	}
	if named == "" {
		return "", nil
	}
	if u, err := origin.Endpoint(named); err == nil {
		for _, raw := range append([]string{s.tokenURL}, listed...) {
			switch own, _ := url.Parse(raw); { // cannot fail: NewOAuth2 has read the URL
			case !origin.Same(u, own):
			case raw == s.tokenURL:
				return "", nil
			default:
				return origin.ASCIIURL(own.Scheme + "://" + own.Host), nil // as net/http spells the host
			}
		}
	}
	return "", fmt.Errorf("the region %q is not one of the Regions of the dialect", scrub.Text(named, 100))
}

// callbackRegion returns the region that a callback names.
func (s *oauth2Scheme) callbackRegion(callback url.Values) (string, error) {
	name := s.dialect.Regions.Callback
	if name == "" {
		return "", nil
	}
	named, err := pending.AtMostOne(callback, name)
	if err != nil {
		return "", err
	}
	region, err := s.regionOf(named)
	if err != nil {
		return "", pending.NewMixUp("the callback cannot be followed: " + err.Error())
	}
	return region, nil
}

// moveTo sets the region of t, if the response that granted t names a region. An
// unknown region is noted, and t stays where t is: the response may have replaced the
// refresh token.
func (s *oauth2Scheme) moveTo(t *token, granted endpoint.Token) {
	named := wire.Lookup(granted.Extra, s.dialect.Regions.Response)
	if s.dialect.Regions.Response == "" || named == nil || named == "" {
		return
	}
	if region, err := s.regionOf(fmt.Sprint(named)); err != nil {
		t.astray = true
	} else {
		t.Region = region
	}
}

// notFollowed returns the event's error for a response with an unknown region, or nil.
func notFollowed(astray bool) error {
	if !astray {
		return nil
	}
	return errors.New("connectorauth: the token response names a region that is not one of the Regions of the dialect, so the account stays in its region")
}

// importedRegion returns the region of a token from elsewhere, as SetToken says.
func (s *oauth2Scheme) importedRegion(t *oauth2.Token) (string, error) {
	r := s.dialect.Regions
	response := t.Extra(r.Response)
	if first, rest, nested := strings.Cut(r.Response, "."); nested && response == nil {
		response = wire.Lookup(t.Extra(first), rest)
	}
	for _, v := range []any{response, t.Extra(r.Callback)} {
		if v != nil && v != "" {
			return s.regionOf(fmt.Sprint(v))
		}
	}
	return "", nil
}

// at returns an endpoint's URL for the account of t, which may be nil: what is at the
// origin of the token URL moves to the region of t. An error means that no request must
// be made; the URL is then that of the config.
func (s *oauth2Scheme) at(endpoint string, t *token) (string, error) {
	if t == nil || t.Region == "" {
		return endpoint, nil
	}
	region, err := s.regionOf(t.Region)
	if err != nil {
		return endpoint, fmt.Errorf("connectorauth: the account's record cannot be followed: %w", err)
	}
	u, _ := url.Parse(endpoint) // cannot fail: NewOAuth2 has read the URLs
	own, _ := url.Parse(s.tokenURL)
	if region == "" || !origin.Same(u, own) {
		return endpoint, nil
	}
	to, _ := url.Parse(region)
	u.Scheme, u.Host = to.Scheme, to.Host
	return u.String(), nil
}

// subjectOf returns what a request to the token URL of t is about.
func (s *oauth2Scheme) subjectOf(t *token) subject {
	tokenURL, _ := s.at(s.tokenURL, t) // the URL of the config after an error
	return s.subject(tokenURL)
}
