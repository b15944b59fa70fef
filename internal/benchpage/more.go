package main

import "fmt"

// more are goals beside the design's.
var more = []goal{
	ratio("OAuth2 beside x/oauth2's Transport with a ReuseTokenSource", "Ratio/bearer_to_x.oauth2", 1, "x/oauth2"),
	ratio("API key in a header", "Ratio/apikey_to_floor", 1.4, "the floor").allocating("RoundTrip/apikey", "RoundTrip/floor"),
	ratio("Basic", "Ratio/basic_to_floor", 1.4, "the floor").allocating("RoundTrip/basic", "RoundTrip/floor"),
	unsigned("a JWT bearer grant", "JWTBearer"),
	unsigned("private_key_jwt", "ClientAuth"),
	unsigned("a self-signed JWT", "JWT"),
	ratio("reading 1,000 definitions", "definition.Load", 4, "json.Unmarshal of the same documents"),
	ratio("a connector of a definition, API key", "definition.Connect/APIKey", 3, "the constructor"),
	ratio("a connector of a definition, Basic", "definition.Connect/Basic", 3, "the constructor"),
	ratio("a connector of a definition, OAuth2", "definition.Connect/OAuth2", 3, "the constructor"),
	ratio("a connector of a definition, Session", "definition.Connect/Session", 3, "the constructor"),
	{"a message with a script, beside seven hostile tenants", "p99 at most 5 ms", func(v *values) (string, bool) {
		alone, beside := v.least("script.Tenants/alone", "ms-p99"), v.least("script.Tenants/beside_seven", "ms-p99")
		return fmt.Sprintf("%.3g ms, alone %.3g ms", beside, alone), beside <= 5 // about 8 x the 0.6 ms of a message when the goal was set
	}},
	{"a hostile script", "at most 100 ms longer than its time limit", func(v *values) (string, bool) {
		over := v.least("script.Hostile", "ms-over-limit")
		return fmt.Sprintf("%.0f ms longer", over), over <= 100
	}},
}

// unsigned is the goal of a request with a live token: no signature.
func unsigned(what, name string) goal {
	return goal{"a live token of " + what, "no signature", func(v *values) (string, bool) {
		signatures, r := v.most("assertion.Assertion/"+name, "signatures/op"), v.median("assertion.Assertion/"+name, "ratio")
		return fmt.Sprintf("%g signatures, %.2f x plain OAuth2", signatures, r), signatures == 0
	}}
}
