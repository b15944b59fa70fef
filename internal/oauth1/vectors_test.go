package oauth1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// RFC 5849 section 1.2: the three requests, header for header.
func TestRFC5849Walkthrough(t *testing.T) {
	type (
		config = oauth1.Config
		param  = oauth1.Param
	)
	for _, v := range []struct {
		name, method, url         string
		token, secret             string
		nonce                     string
		timestamp                 int64
		realm                     string
		extra                     []param
		wantSignature, wantHeader string
	}{{
		name: "initiate", method: "POST", url: "https://photos.example.net/initiate",
		nonce: "wIjqoS", timestamp: 137131200, realm: "Photos",
		extra:         []param{{Name: "oauth_callback", Value: "http://printer.example.com/ready"}},
		wantSignature: "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
		wantHeader: `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131200", ` +
			`oauth_nonce="wIjqoS", oauth_callback="http%3A%2F%2Fprinter.example.com%2Fready", oauth_signature="74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D"`,
	}, {
		name: "token", method: "POST", url: "https://photos.example.net/token",
		token: "hh5s93j4hdidpola", secret: "hdhd0244k9j7ao03", nonce: "walatlh", timestamp: 137131201, realm: "Photos",
		extra:         []param{{Name: "oauth_verifier", Value: "hfdp7dh39dks9884"}},
		wantSignature: "gKgrFCywp7rO0OXSjdot/IHF7IU=",
		wantHeader: `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="hh5s93j4hdidpola", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", ` +
			`oauth_nonce="walatlh", oauth_verifier="hfdp7dh39dks9884", oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"`,
	}, {
		name: "photos", method: "GET", url: "http://photos.example.net/photos?file=vacation.jpg&size=original",
		token: "nnch734d00sl2jdk", secret: "pfkkdhi9sl3r4s00", nonce: "chapoH", timestamp: 137131202, realm: "Photos",
		wantSignature: "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
		wantHeader: `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", ` +
			`oauth_nonce="chapoH", oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"`,
	}} {
		t.Run(v.name, func(t *testing.T) {
			signer := newSigner(t, config{ConsumerKey: "dpf43f3p2l4k3l03", ConsumerSecret: "kd94hf93k423kf44", Token: v.token, TokenSecret: v.secret, Realm: v.realm, NoVersion: true})
			req, _ := newRequest(t, v.method, v.url, "")
			params, err := signer.Sign(req, nil, oauth1.Stamp{Nonce: v.nonce, Timestamp: v.timestamp}, v.extra...)
			require.NoError(t, err)
			assert.Equal(t, v.wantHeader, params.Header())
			assert.Equal(t, v.wantSignature, headerParam(t, params.Header(), "oauth_signature"))
		})
	}
}

const rfcBaseString = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"

// RFC 5849 section 3.4.1.1. The RFC gives no secrets for it, and so no
// signature that could be checked.
func TestRFC5849BaseString(t *testing.T) {
	req, form := newRequest(t, "POST", "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", "c2&a3=2+q")
	base, err := oauth1.BaseString(req, form,
		oauth1.Param{Name: "oauth_consumer_key", Value: "9djdj82h48djs9d2"},
		oauth1.Param{Name: "oauth_token", Value: "kkk9d7dh3k39sjv7"},
		oauth1.Param{Name: "oauth_signature_method", Value: "HMAC-SHA1"},
		oauth1.Param{Name: "oauth_timestamp", Value: "137131201"},
		oauth1.Param{Name: "oauth_nonce", Value: "7d8f3e4a"})
	require.NoError(t, err)
	assert.Equal(t, rfcBaseString, base)
}

// The same request with secrets that are often quoted for it, signed as a
// whole; realm "Example" stays out of the signature.
func TestRFC5849BaseStringSigned(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "9djdj82h48djs9d2", ConsumerSecret: "j49sk3j29djd", Token: "kkk9d7dh3k39sjv7", TokenSecret: "dh893hdasih9", Realm: "Example", NoVersion: true})
	req, form := newRequest(t, "POST", "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", "c2&a3=2+q")
	params, err := signer.Sign(req, form, oauth1.Stamp{Nonce: "7d8f3e4a", Timestamp: 137131201})
	require.NoError(t, err)
	assert.Equal(t, "r6/TJjbCOr97/+UU0NsvSne7s5g=", headerParam(t, params.Header(), "oauth_signature"))
}

// oauthlib's tests sign the base string above by every HMAC method.
func TestOAuthlibHMACVectors(t *testing.T) {
	for method, want := range map[string]string{
		oauth1.HMACSHA1:   "wsdNmjGB7lvis0UJuPAmjvX/PXw=",
		oauth1.HMACSHA256: "wdfdHUKXHbOnOGZP8WFAWMSAmWzN3EVBWWgXGlC/Eo4=",
		oauth1.HMACSHA512: "u/vlyZFDxOWOZ9UUXwRBJHvq8/T4jCA74ocRmn2ECnjUBTAeJiZIRU8hDTjS88Tz1fGONffMpdZxUkUTW3k1kg==",
	} {
		t.Run(string(method), func(t *testing.T) {
			signer := newSigner(t, oauth1.Config{ConsumerKey: "9djdj82h48djs9d2", ConsumerSecret: "ECrDNoq1VYzzzzzzzzzyAK7TwZNtPnkqatqZZZZ", Token: "kkk9d7dh3k39sjv7", TokenSecret: "just-a-string    asdasd", Method: method})
			signature, err := oauth1.SignBase(signer, rfcBaseString)
			require.NoError(t, err)
			assert.Equal(t, want, signature)
		})
	}
}

// RFC 5849 section 3.4.1.2 and oauthlib's tests of it.
func TestBaseStringURIVectors(t *testing.T) {
	for _, v := range []struct{ name, url, host, want string }{
		{"RFC, port 80", "http://proxy.invalid/r%20v/X?id=123", "EXAMPLE.COM:80", "http://example.com/r%20v/X"},
		{"RFC, port 8080", "https://proxy.invalid/?q=1", "www.example.net:8080", "https://www.example.net:8080/"},
		{"oauthlib, http on 443", "http://www.example.com:443/", "", "http://www.example.com:443/"},
		{"oauthlib, https on 443", "https://www.example.com:443/", "", "https://www.example.com/"},
		{"oauthlib, IPv6", "https://[123:db8:fd00:1000::5]:13000", "", "https://[123:db8:fd00:1000::5]:13000/"},
		{"oauthlib, no path", "http://www.example.com", "", "http://www.example.com/"},
	} {
		t.Run(v.name, func(t *testing.T) {
			req, _ := newRequest(t, "GET", v.url, "")
			req.Host = v.host
			base, err := oauth1.BaseString(req, nil)
			require.NoError(t, err)
			assert.Equal(t, v.want, baseURI(t, base))
		})
	}
}

// OAuth Core 1.0a, Appendix A.5.
func TestOAuthCoreAppendixA(t *testing.T) {
	req, _ := newRequest(t, "GET", "http://photos.example.net/photos?size=original&file=vacation.jpg", "")
	base, err := oauth1.BaseString(req, nil,
		oauth1.Param{Name: "oauth_consumer_key", Value: "dpf43f3p2l4k3l03"},
		oauth1.Param{Name: "oauth_token", Value: "nnch734d00sl2jdk"},
		oauth1.Param{Name: "oauth_signature_method", Value: "HMAC-SHA1"},
		oauth1.Param{Name: "oauth_timestamp", Value: "1191242096"},
		oauth1.Param{Name: "oauth_nonce", Value: "kllo9940pd9333jh"},
		oauth1.Param{Name: "oauth_version", Value: "1.0"})
	require.NoError(t, err)
	assert.Equal(t, "GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26oauth_nonce%3Dkllo9940pd9333jh%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D1191242096%26oauth_token%3Dnnch734d00sl2jdk%26oauth_version%3D1.0%26size%3Doriginal", base)

	signer := newSigner(t, oauth1.Config{ConsumerKey: "dpf43f3p2l4k3l03", ConsumerSecret: "kd94hf93k423kf44", Token: "nnch734d00sl2jdk", TokenSecret: "pfkkdhi9sl3r4s00"})
	params, err := signer.Sign(req, nil, oauth1.Stamp{Nonce: "kllo9940pd9333jh", Timestamp: 1191242096})
	require.NoError(t, err)
	assert.Equal(t, "tR3+Ty81lMeYAr/Fid0kMTYa/WM=", headerParam(t, params.Header(), "oauth_signature"))
}

// wiki.oauth.net TestCases, section 5.1.
func TestWikiParameterEncoding(t *testing.T) {
	for plain, want := range map[string]string{
		"abcABC123": "abcABC123", "-._~": "-._~", "%": "%25", "+": "%2B", "&=*": "%26%3D%2A",
		"\u000a": "%0A", "\u0020": "%20", "\u007f": "%7F", "\u0080": "%C2%80", "\u3001": "%E3%80%81",
	} {
		assert.Equal(t, want, encode(plain))
	}
}

// wiki.oauth.net TestCases, section 9.1.1.
func TestWikiParameterNormalisation(t *testing.T) {
	for query, want := range map[string]string{
		"name":        "name=",
		"a=b":         "a=b",
		"a=b&c=d":     "a=b&c=d",
		"a=x!y&a=x+y": "a=x%20y&a=x%21y",
		"x!y=a&x=a":   "x=a&x%21y=a",
	} {
		req, _ := newRequest(t, "GET", "http://example.com/?"+query, "")
		base, err := oauth1.BaseString(req, nil)
		require.NoError(t, err)
		assert.Equal(t, want, normalised(t, base))
	}
}

// wiki.oauth.net TestCases, section 9.2.
func TestWikiHMACSHA1(t *testing.T) {
	for _, v := range []struct{ token, secret, want string }{
		{"", "", "egQqG5AJep5sJ7anhXju1unge2I="},
		{"t", "ts", "VZVjXceV7JgPq/dOTnNmEfO0Fv8="},
	} {
		signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "cs", Token: v.token, TokenSecret: v.secret})
		signature, err := oauth1.SignBase(signer, "bs")
		require.NoError(t, err)
		assert.Equal(t, v.want, signature)
	}
}

// wiki.oauth.net TestCases, section 9.3 ("vacaction" is theirs); the SHA-256
// value was computed from the same inputs elsewhere.
func TestWikiRSA(t *testing.T) {
	const base = "GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacaction.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26oauth_nonce%3D13917289812797014437%26oauth_signature_method%3DRSA-SHA1%26oauth_timestamp%3D1196666512%26oauth_version%3D1.0%26size%3Doriginal"
	req, _ := newRequest(t, "GET", "http://photos.example.net/photos?file=vacaction.jpg&size=original", "")
	got, err := oauth1.BaseString(req, nil,
		oauth1.Param{Name: "oauth_consumer_key", Value: "dpf43f3p2l4k3l03"},
		oauth1.Param{Name: "oauth_signature_method", Value: "RSA-SHA1"},
		oauth1.Param{Name: "oauth_timestamp", Value: "1196666512"},
		oauth1.Param{Name: "oauth_nonce", Value: "13917289812797014437"},
		oauth1.Param{Name: "oauth_version", Value: "1.0"})
	require.NoError(t, err)
	assert.Equal(t, base, got)

	for method, want := range map[string]string{
		oauth1.RSASHA1:   "jvTp/wX1TYtByB1m+Pbyo0lnCOLIsyGCH7wke8AUs3BpnwZJtAuEJkvQL2/9n4s5wUmUl4aCI4BwpraNx4RtEXMe5qg5T1LVTGliMRpKasKsW//e+RinhejgCuzoH26dyF8iY2ZZ/5D1ilgeijhV/vBka5twt399mXwaYdCwFYE=",
		oauth1.RSASHA256: "kd2wjpiASoDx6BqAMHy/k8CqNdyZv4opl1U4bBN1EBi8vmSHRVfw4h72BDerCp7M8pNEZEAUtvTOhgGNPh04cMmTeB/89Ok8GxYqIqVeYfKK5buzrNoOOAhjRUFpTvNOChNbRnlE04/d3hAITJjjykQtIZ2FWxJ4JO0gOdfKY0c=",
	} {
		signer := newSigner(t, oauth1.Config{ConsumerKey: "dpf43f3p2l4k3l03", Method: method, PrivateKey: testKey(t)})
		params, err := signer.Sign(req, nil, oauth1.Stamp{Nonce: "13917289812797014437", Timestamp: 1196666512})
		require.NoError(t, err)
		assert.Equal(t, want, headerParam(t, params.Header(), "oauth_signature"), method)
	}
}

// X (Twitter), "Creating a signature", in its three published generations.
func TestTwitterSignatures(t *testing.T) {
	const (
		body       = "status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21"
		wantParams = "include_entities=true&oauth_consumer_key=xvz1evFS4wEEPTGEFPHBog&oauth_nonce=kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1318622958&oauth_token=370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb&oauth_version=1.0&status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21"
		wantBase   = "POST&https%3A%2F%2Fapi.twitter.com%2F1.1%2Fstatuses%2Fupdate.json&include_entities%3Dtrue%26oauth_consumer_key%3Dxvz1evFS4wEEPTGEFPHBog%26oauth_nonce%3DkYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D1318622958%26oauth_token%3D370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb%26oauth_version%3D1.0%26status%3DHello%2520Ladies%2520%252B%2520Gentlemen%252C%2520a%2520signed%2520OAuth%2520request%2521"
	)
	protocol := []oauth1.Param{
		{Name: "oauth_consumer_key", Value: "xvz1evFS4wEEPTGEFPHBog"},
		{Name: "oauth_nonce", Value: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"},
		{Name: "oauth_signature_method", Value: "HMAC-SHA1"},
		{Name: "oauth_timestamp", Value: "1318622958"},
		{Name: "oauth_token", Value: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"},
		{Name: "oauth_version", Value: "1.0"},
	}
	for _, v := range []struct {
		url    string
		method string
		want   string
	}{
		{"https://api.twitter.com/1/statuses/update.json", oauth1.HMACSHA1, "tnnArxj06cWHq44gCs1OSKk/jLY="},
		{"https://api.twitter.com/1.1/statuses/update.json", oauth1.HMACSHA1, "hCtSmYh+iHYCEqBWrE7C7hYmtUk="},
		{"https://api.x.com/1.1/statuses/update.json", oauth1.HMACSHA1, "Ls93hJiZbQ3akF3HF3x1Bz8/zU4="},
		{"https://api.twitter.com/1.1/statuses/update.json", oauth1.HMACSHA256, "PLbq+OWUE2vwiOZeZBSR06GFvymUHoaBdCIHyD66IcM="}, // computed, not published
	} {
		signer := newSigner(t, oauth1.Config{
			ConsumerKey: "xvz1evFS4wEEPTGEFPHBog", ConsumerSecret: "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
			Token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", TokenSecret: "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
			Method: v.method,
		})
		req, form := newRequest(t, "POST", v.url+"?include_entities=true", body)
		params, err := signer.Sign(req, form, oauth1.Stamp{Nonce: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", Timestamp: 1318622958})
		require.NoError(t, err)
		assert.Equal(t, v.want, headerParam(t, params.Header(), "oauth_signature"), "%s by %s", v.url, v.method)

		base, err := oauth1.BaseString(req, form, protocol...)
		require.NoError(t, err)
		assert.Equal(t, wantParams, normalised(t, base))
		if v.url == "https://api.twitter.com/1.1/statuses/update.json" {
			assert.Equal(t, wantBase, base)
		}
	}
}

// RFC 5849 section 2.1 and OAuth Core 1.0 section 9.4.1 show PLAINTEXT
// signatures; in a header they are encoded once more.
func TestPlaintextVectors(t *testing.T) {
	for _, v := range []struct{ secret, token, tokenSecret, want string }{
		{"ja893SD9", "", "", "ja893SD9&"},
		{"djr9rjt0jd78jf88", "t", "jjd999tj88uiths3", "djr9rjt0jd78jf88&jjd999tj88uiths3"},
		{"djr9rjt0jd78jf88", "t", "jjd99$tj88uiths3", "djr9rjt0jd78jf88&jjd99%24tj88uiths3"},
		{"djr9rjt0jd78jf88", "", "", "djr9rjt0jd78jf88&"},
	} {
		signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: v.secret, Token: v.token, TokenSecret: v.tokenSecret, Method: oauth1.Plaintext})
		req, _ := newRequest(t, "GET", "https://example.com/", "")
		params, err := signer.Sign(req, nil, oauth1.Stamp{Nonce: "n", Timestamp: 1})
		require.NoError(t, err)
		assert.Equal(t, v.want, headerParam(t, params.Header(), "oauth_signature"))
		assert.Contains(t, params.Header(), `oauth_signature="`+encode(v.want)+`"`)
	}
}
