package connectorauth

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"

	"github.com/connectorauth/connectorauth/internal/tokenhttp"
)

// first returns the request that obtains a token by the grant itself.
func (s *oauth2Scheme) first(form url.Values) tokenhttp.Request {
	d := s.dialect
	form.Set("grant_type", cmp.Or(d.GrantType, s.grant.grantType()))
	r := s.tokenRequest(s.tokenURL, form)
	r.Params = d.TokenParams
	return r
}

// refresh returns the request of RFC 6749 section 6.
func (s *oauth2Scheme) refresh(old *token) tokenhttp.Request {
	d := s.dialect
	r := s.tokenRequest(cmp.Or(d.RefreshURL, s.tokenURL), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.Refresh}})
	r.Params = d.RefreshParams
	r.Paths = append(r.Paths, tokenhttp.Paths{Error: d.Answer.Error, Format: r.Paths[0].Format})
	return r
}

// swap returns the request that trades the access token of old for another.
func (s *oauth2Scheme) swap(by Swap, old *token) tokenhttp.Request {
	r := s.tokenRequest(cmp.Or(by.URL, s.tokenURL), url.Values{"grant_type": {by.GrantType}, "access_token": {old.Access}})
	r.Encoding = tokenhttp.Get
	r.Names = map[string]string{"access_token": cmp.Or(by.Name, "access_token")}
	maps.Copy(r.Names, s.dialect.TokenNames)
	return r
}

// tokenRequest returns what all token requests have in common.
func (s *oauth2Scheme) tokenRequest(to string, form url.Values) tokenhttp.Request {
	d, a := s.dialect, s.dialect.Answer
	r := tokenhttp.Request{
		URL: to, Form: form,
		ClientID: s.clientID, ClientSecret: string(s.clientSecret), InBody: s.clientAuth == ClientAuthBody,
		Encoding: tokenhttp.Encoding(d.TokenEncoding), Names: d.TokenNames, Header: d.TokenHeader,
		Paths: []tokenhttp.Paths{{
			AccessToken: a.AccessToken, RefreshToken: a.RefreshToken, Expiry: a.Expiry, Scope: a.Scope,
			Error: a.Error, Description: a.ErrorDescription, Format: tokenhttp.ExpiryFormat(a.ExpiryFormat),
		}},
	}
	user := ""
	switch s.clientAuth {
	case ClientAuthRawBasic:
		user = s.clientID + ":" + string(s.clientSecret)
	case ClientAuthSecretUser:
		user = string(s.clientSecret) + ":"
	default:
		return r
	}
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user)))
	return r
}
