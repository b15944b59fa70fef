// Package session authenticates accounts that log in: one or several requests with the
// account owner's credentials give a session, and requests to the API carry the session.
// The whole login is data.
//
//	connector, err := session.New(session.Config{
//		Login: []session.Request{{
//			URL:     "https://api.example.com/session",
//			JSON:    map[string]any{"username": "{user}", "password": "{password}"},
//			Capture: map[string]string{"token": "session.id"},
//		}},
//		Values: map[string]connectorauth.Secret{"user": user, "password": password},
//		Places: []session.Place{{Placement: dialect.Placement{Name: "X-Session"}}},
//		Store:  store, Account: "alice",
//	})
//
// The account logs in for the first request, some time before the session expires, and
// when the API rejects the session: once, however many goroutines and processes with the
// same Store and Account want a session. Without a lifetime, a session lasts until the
// API rejects the session.
//
// # What a login is made of
//
// Texts of a [Request] are templates: {name} is a value of [Config].Values, or a capture of an
// earlier response. Capture reads a value out of a response. Several requests are one login, such
// as a form that needs a token of its page. [Config].Places says where the captures go in requests
// to the API: empty means "Authorization: Bearer {token}" (RFC 6750 section 2.1).
//
// [Config].Renew prolongs a session, and [Config].Logout ends a session at Revoke. Empty means
// another login, and no logout. A [Lifetime] comes from a response, from a JWT (RFC 7519), or is
// fixed.
//
// # Wrong credentials
//
// Many services lock an account after a few wrong passwords. A refused login is therefore
// an error that matches [connectorauth.ErrReauthRequired], and is remembered in the Store.
// No process logs in again by itself for about an hour, growing to a day, so a lock
// that ends is noticed. A connector with other [Config].Values tries at once, and so does
// Renew. A service that refuses a login by a response of success needs [Config].Refusals,
// unless the response lacks a capture: then the login counts as refused too. Whoever
// logs in by a form and captures a cookie should look at what the service responds to a
// wrong password: often a redirect, and a cookie that is of no use. Without Refusals, two
// such sessions in a row count as a refusal, once the API has rejected both.
//
// A wrong path in Capture looks like a refusal too, and the error names the capture. A
// correction of the config is no change of Values: call Renew once.
//
// A password in [Request].Auth is seen to change if Auth is a Basic or an APIKey. After
// a change in another connector, call Renew.
//
// # Requests
//
// A login request is sent once, whatever net/http would repeat by itself, follows no
// redirect, uses https except on loopback, and is limited to 30 seconds and a response of
// 1 MiB. Responses with other statuses than those of success and refusals, and lost
// responses, are failures for now: the next attempt comes after a pause that grows to a
// minute, or after the pause in Retry-After. No error has a value of the config, a
// captured value or a response's body in it.
package session
