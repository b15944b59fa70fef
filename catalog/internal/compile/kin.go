package main

import (
	"cmp"
	"maps"
	"slices"
)

// renewal are the parameters of an authorization request without which an authorization
// server issues no refresh token, whatever API the token is for.
var renewal = []string{"access_type", "token_access_type", "prompt"}

// kin completes what one source says of a service by what others say of the same
// authorization server: how clients authenticate, what a refresh token takes, and where
// tokens are revoked. What a service has of its own stays, but for the URL of revocation,
// which is that of the service with most witnesses.
func kin(providers []provider) {
	families := map[[2]string][]*method{}
	for i := range providers {
		for j := range providers[i].Methods {
			if m := &providers[i].Methods[j]; m.Type == "OAuth2" && m.grant() == "authorization_code" && m.Token != nil && m.Authorize != nil {
				server := [2]string{m.Token.V, hostOf(m.Authorize.V)}
				families[server] = append(families[server], m)
			}
		}
	}
	for _, family := range families {
		slices.SortStableFunc(family, func(a, b *method) int { return len(b.Token.By) - len(a.Token.By) })
		best := shared(family)
		for _, m := range family {
			m.take(best)
		}
	}
}

// shared returns what the best known services of a family say.
func shared(family []*method) (best method) {
	for _, m := range family {
		if best.ClientAuth == nil && len(best.Seen) == 0 {
			best.ClientAuth, best.Seen = m.ClientAuth, m.Seen
		}
		best.Revoke = cmp.Or(best.Revoke, m.Revoke)
		best.addParams(m.AuthParams)
	}
	return best
}

// take adds to a method what the method does not say.
func (m *method) take(best method) {
	if m.ClientAuth == nil && len(m.Seen) == 0 {
		m.ClientAuth, m.Seen = best.ClientAuth, best.Seen
	}
	if best.Revoke != nil && (m.Revoke == nil || m.Revoke.V != best.Revoke.V) {
		revoke := *best.Revoke
		if m.Revoke != nil {
			revoke.Was = m.Revoke.V
		}
		m.Revoke = &revoke
	}
	m.addParams(best.AuthParams)
}

// addParams adds the parameters of renewal that the method does not have.
func (m *method) addParams(params map[string]fact[string]) {
	for _, name := range renewal {
		f, ok := params[name]
		if _, has := m.AuthParams[name]; !ok || has {
			continue
		}
		if m.AuthParams == nil {
			m.AuthParams = map[string]fact[string]{}
		}
		m.AuthParams[name] = f
	}
}

// silent notes how a source authenticates clients that says nothing of it: Activepieces
// sends ID and secret in the body, unless a piece says another way.
func silent(m *method) {
	const source = "activepieces"
	if m.Type != "OAuth2" || m.Token == nil || !slices.Contains(m.Token.By, source) {
		return
	}
	says := m.ClientAuth != nil && slices.Contains(m.ClientAuth.By, source)
	for _, by := range m.Seen {
		says = says || slices.Contains(by, source)
	}
	if !says {
		m.Seen = maps.Clone(m.Seen)
		if m.Seen == nil {
			m.Seen = map[string][]string{}
		}
		m.Seen["body"] = append(slices.Clone(m.Seen["body"]), source)
	}
}
