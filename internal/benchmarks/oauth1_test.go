package benchmarks

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	dghubble "github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
)

// signers sign with HMAC-SHA1 (RFC 5849, section 3.4.2).
var signers = []peer{
	{"ours", func(base http.RoundTripper) http.RoundTripper {
		return wrap[*connectorauth.OAuth1](base)(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "dpf43f3p2l4k3l03", ClientSecret: "kd94hf93k423kf44", Token: "nnch734d00sl2jdk", TokenSecret: "pfkkdhi9sl3r4s00",
		}))
	}},
	{"dghubble", func(base http.RoundTripper) http.RoundTripper {
		ctx := context.WithValue(context.Background(), dghubble.HTTPClient, &http.Client{Transport: base})
		return dghubble.NewConfig("dpf43f3p2l4k3l03", "kd94hf93k423kf44").Client(ctx, dghubble.NewToken("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")).Transport
	}},
}

// parameters returns n parameters, in the query of a GET or in the form of a POST.
func parameters(n int, form bool) message {
	values := url.Values{}
	for i := range n {
		values.Set(fmt.Sprintf("field_%d", i), fmt.Sprintf("Blue mountain mug & saucer %d", i))
	}
	if form {
		return message{"POST", "https://api.example.com/1.1/photos", "application/x-www-form-urlencoded", []byte(values.Encode())}
	}
	return message{method: "GET", url: "https://api.example.com/1.1/photos?" + values.Encode()}
}

// signed are the requests of BenchmarkOAuth1, by the name of the benchmark.
var signed = map[string]message{
	"0": parameters(0, false), "3": parameters(3, false), "30": parameters(30, false),
	"form_3": parameters(3, true), "form_30": parameters(30, true),
}

func TestSignersSign(t *testing.T) {
	for name, m := range signed {
		for _, s := range signers {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				var base kept
				require.NoError(t, m.by(s.name, s.over(&base)).do())
				assert.Contains(t, base.header.Get("Authorization"), `oauth_signature_method="HMAC-SHA1"`)
				assert.Equal(t, string(m.body), string(base.body))
			})
		}
	}
}

// BenchmarkOAuth1 sends a signed request with so many parameters.
func BenchmarkOAuth1(b *testing.B) {
	for name, m := range signed {
		b.Run(name, func(b *testing.B) {
			var all []contender
			for _, s := range signers {
				all = append(all, m.by(s.name, s.over(wire{})))
			}
			turns(b, 20, all...)
		})
	}
}
