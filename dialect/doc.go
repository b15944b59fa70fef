// Package dialect describes, as data, how a service spells what the standards
// leave open or what the service does differently: where a credential goes in a
// request, how a body is written, and how an OAuth2 provider departs from RFC
// 6749 and RFC 6750.
//
//	config.Dialect = dialect.OAuth2{ // config is a connectorauth.OAuth2Config
//		ScopeSeparator: ",", // RFC 6749 section 3.3 has a space
//		Response:       dialect.Response{AccessToken: "data.token"}, // of {"data": {"token": "..."}}
//		Placement:      dialect.Placement{Name: "X-Access-Token"}, // RFC 6750 section 2.1 has Authorization
//	}
//
// The zero value of [OAuth2] is a provider that follows the standards, and an empty field is
// what the standards say.
//
// # Words and JSON
//
// Every enumeration is a string, so Go code, JSON, logs and documents use the
// same words. Each type has JSON names: the Go names in lower camel case. In
// Go, an empty enumeration means its documented default. JSON must leave a
// default out; JSON decoding refuses an empty or unknown word, and an unknown member.
//
// # Where the API is
//
// Some providers name the origin of an account's API in the token response, such as
// api_domain or instance_url, or in the callback. A program reads such a member by
// Extra of the token that connectorauth.OAuth2.Token returns: the members of token responses are
// kept there, and those parameters of the callback that CallbackValues names. The
// program makes its requests to that origin after a check that the origin is one of the
// provider's, because the member is a word of a response, and a callback is a word of
// a browser. Hosts of the connector must allow the origin, or be empty. Where the
// token endpoint moves along with the account, see [Regions].
package dialect
