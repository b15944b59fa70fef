package script_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// recipes returns the scripts of docs/scripts.md, by number. The second script of
// recipe 10 has the number 10.2.
func recipes(t *testing.T) map[string]string {
	page, err := os.ReadFile("../docs/scripts.md")
	require.NoError(t, err)
	found := make(map[string]string)
	for section := range strings.SplitSeq(string(page), "\n## ") {
		number, _, _ := strings.Cut(section, ".")
		for i, match := range regexp.MustCompile("(?s)```js\n(.*?)```").FindAllStringSubmatch(section, -1) {
			if i > 0 {
				found[fmt.Sprint(number, ".", i+1)] = match[1]
			} else {
				found[number] = match[1]
			}
		}
	}
	return found
}

func hexHMAC(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// Each recipe of docs/scripts.md does what the page says.
func TestRecipes(t *testing.T) {
	sources := recipes(t)
	k1 := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k1"}))
	// sent posts a body and returns what the server received.
	sent := func(t *testing.T, number, path, body string, o script.Options) seen {
		s := newServer(t, nil)
		resp, err := client(t, k1, sources[number], o).Post(s.URL+path, "application/json", strings.NewReader(body))
		read(t, resp, err)
		return s.last(t)
	}
	// received gets a response with this status and body, and returns what the caller gets.
	received := func(t *testing.T, number string, status int, body string) (int, string) {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
		resp, err := client(t, k1, sources[number], script.Options{}).Get(s.URL)
		return read(t, resp, err)
	}
	// signedBy sends a request with an API key and returns what the server received.
	signedBy := func(t *testing.T, number string, config connectorauth.APIKeyConfig, parameters map[string]any, method, path, body string, header http.Header) seen {
		s := newServer(t, nil)
		req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header = header
		resp, err := client(t, must(connectorauth.NewAPIKey(config)), sources[number], script.Options{Parameters: parameters}).Do(req)
		read(t, resp, err)
		return s.last(t)
	}
	tests := map[string]func(t *testing.T){
		"11": func(t *testing.T) {
			const published = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
			config, account := connectorauth.APIKeyConfig{Key: published}, map[string]any{"account": "devstoreaccount1"}
			got := signedBy(t, "11", config, account, "GET", "/devstoreaccount1/", "", http.Header{"X-Ms-Date": {"Wed, 29 Apr 2009 13:12:47 GMT"}})
			assert.Equal(t, "SharedKeyLite devstoreaccount1:ijwRTxfJgqvmfdWPSLCpgxfvHpl6Kbbo/qJTzlI7wUw=", got.Header.Get("Authorization"))

			got = signedBy(t, "11", config, account, "PUT", "/t/x?timeout=20&comp=metadata", "a text,\n{\"a\": 1}", http.Header{"Content-Type": {"text/plain"}, "X-Ms-Version": {"2009-09-19"}})
			assert.Equal(t, "a text,\n{\"a\": 1}", got.body, "the body goes out as it is")
			key, err := base64.StdEncoding.DecodeString(published)
			require.NoError(t, err)
			sum := md5.Sum([]byte(got.body))
			assert.Equal(t, base64.StdEncoding.EncodeToString(sum[:]), got.Header.Get("Content-Md5"))
			mac := hmac.New(sha256.New, key)
			io.WriteString(mac, "PUT\n"+got.Header.Get("Content-Md5")+"\ntext/plain\n\nx-ms-date:"+got.Header.Get("X-Ms-Date")+"\nx-ms-version:2009-09-19\n/devstoreaccount1/t/x?comp=metadata")
			assert.Equal(t, "SharedKeyLite devstoreaccount1:"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), got.Header.Get("Authorization"))

			got = signedBy(t, "11", config, account, "DELETE", "/t/x?compact=1", "", nil)
			assert.Empty(t, got.body, "no body for a request without a body")
			assert.Empty(t, got.Header.Get("Content-Md5"))
			got = signedBy(t, "11", config, account, "PUT", "/t/x", "\xff\x00", http.Header{"Content-Md5": {"of the caller"}})
			assert.Equal(t, "\xff\x00", got.body, "bytes, with a Content-MD5 of the caller")
		},
		"12": func(t *testing.T) {
			digest := func(nonce, created string) string {
				sum := sha1.Sum([]byte(nonce + created + "taadtaadpstcsm"))
				return base64.StdEncoding.EncodeToString(sum[:])
			}
			assert.Equal(t, "quR/EWLAV4xLf9Zqyw4pDmfV9OY=", digest("d36e316282959a9ed4c89851497a717f", "2003-12-15T14:43:07Z"), "the published example")
			nonces := map[string]bool{}
			for range 2 {
				got := signedBy(t, "12", connectorauth.APIKeyConfig{Key: "taadtaadpstcsm"}, map[string]any{"user": "bob"}, "GET", "/", "", http.Header{})
				assert.Equal(t, `WSSE profile="UsernameToken"`, got.Header.Get("Authorization"))
				match := regexp.MustCompile(`^UsernameToken Username="bob", PasswordDigest="(.*)", Nonce="(.*)", Created="(.*)"$`).FindStringSubmatch(got.Header.Get("X-WSSE"))
				require.NotNil(t, match, got.Header.Get("X-WSSE"))
				assert.Equal(t, digest(match[2], match[3]), match[1])
				created, err := time.Parse(time.RFC3339, match[3])
				require.NoError(t, err)
				assert.WithinDuration(t, time.Now(), created, time.Minute)
				nonces[match[2]] = true
			}
			assert.Len(t, nonces, 2)
		},
		"13": func(t *testing.T) {
			const secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
			config := connectorauth.APIKeyConfig{Name: "X-MBX-APIKEY", Key: "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"}
			sent := func(query string) string {
				got := signedBy(t, "13", config, map[string]any{"secret": secret}, "POST", "/api/v3/order"+query, "", http.Header{})
				assert.Equal(t, string(config.Key), got.Header.Get("X-MBX-APIKEY"))
				return got.URL.RawQuery
			}
			const query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
			assert.Equal(t, query+"&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71", sent("?"+query))
			for _, query := range []string{"", "?a=%20b"} {
				signed, signature, _ := strings.Cut(sent(query), "&signature=")
				assert.Equal(t, hexHMAC(secret, signed), signature)
				assert.Regexp(t, `(^|&)timestamp=\d{13}$`, signed)
			}
		},
		"1": func(t *testing.T) {
			assert.Equal(t, "Bearer k1", sent(t, "1", "/", "{}", script.Options{}).Header.Get("Authorization"))
		},
		"2": func(t *testing.T) {
			got := sent(t, "2", "/items?a=1", `{ "id": 1 }`, script.Options{})
			assert.Equal(t, hexHMAC("k1", "POST\n/items?a=1\n"+got.Header.Get("X-Time")+"\n"+got.body), got.Header.Get("X-Signature"))
			assert.Equal(t, `{ "id": 1 }`, got.body)
			assert.Empty(t, got.Header.Get("Authorization"))
			got = sent(t, "2", "/", "", script.Options{})
			assert.Equal(t, hexHMAC("k1", "POST\n/\n"+got.Header.Get("X-Time")+"\n"), got.Header.Get("X-Signature"))
			assert.Empty(t, got.body)
		},
		"3": func(t *testing.T) {
			h := sent(t, "3", "/", "{}", script.Options{}).Header
			date, err := http.ParseTime(h.Get("X-Date"))
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now(), date, time.Minute)
			_, err = time.Parse("20060102T150405Z", h.Get("X-Amz-Date"))
			assert.NoError(t, err)
		},
		"4": func(t *testing.T) {
			assert.Equal(t, `{"session":"k1","data":{"id":7615917337495251231}}`, sent(t, "4", "/", `{"id": 7615917337495251231}`, script.Options{}).body)
			s := newServer(t, nil)
			logins := must(connectorauth.NewCustom(connectorauth.CustomConfig{
				Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
					return connectorauth.CustomCredential{Value: "session-1"}, nil
				},
				Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
			}))
			resp, err := client(t, logins, sources["4"], script.Options{}).Post(s.URL, "application/json", strings.NewReader(`{"id": 1.0}`))
			read(t, resp, err)
			assert.Equal(t, `{"session":"session-1","data":{"id":1}}`, s.last(t).body)
		},
		"5": func(t *testing.T) {
			p := authtest.NewProvider(t)
			stale, refresh := p.IssueTokens("")
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "Bearer "+stale {
					io.WriteString(w, `{"error": "session_expired"}`)
				}
			})
			c, api := tokenClient(t, p, sources["5"])
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: stale, RefreshToken: refresh}))
			resp, err := api.Get(s.URL)
			_, body := read(t, resp, err)
			assert.Empty(t, body)
			assert.Len(t, s.seen, 2)
		},
		"6": func(t *testing.T) {
			_, body := received(t, "6", 200, `{"items": [{"id": 7615917337495251231, "price": 10.00}], "next": "a\/b=="}`)
			assert.Equal(t, `{"items": [{"id": 7615917337495251231, "price": 10.00}], "next": "a\/b==","count":1}`, body)
		},
		"7": func(t *testing.T) {
			status, body := received(t, "7", 404, `{"code": "no_results"}`)
			assert.Equal(t, 200, status)
			assert.Equal(t, `{"items": []}`, body)
			status, body = received(t, "7", 404, `{"code": "other"}`)
			assert.Equal(t, 404, status)
			assert.Equal(t, `{"code": "other"}`, body)
		},
		"8": func(t *testing.T) {
			assert.Equal(t, "q=a%20b&api_version=2&key=k1", sent(t, "8", "/?q=a%20b", "{}", script.Options{}).URL.RawQuery)
		},
		"9": func(t *testing.T) {
			h := sent(t, "9", "/", "{}", script.Options{
				MergeFields: map[string]any{"account": "acme"},
				Parameters:  map[string]any{"user": "Aladdin", "password": connectorauth.Secret("open sesame")},
			}).Header
			assert.Equal(t, "acme", h.Get("X-Account"))
			assert.Equal(t, "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", h.Get("X-Basic"))
		},
		"10": func(t *testing.T) {
			status := http.StatusOK
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				io.WriteString(w, `{"data": {"token": "t1", "ttl": 3600}}`)
			})
			fetch := func() (*oauth2.Token, error) {
				c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{ClientID: "c", ClientSecret: "client-secret", TokenURL: s.URL, Grant: connectorauth.ClientCredentials{}}))
				o := script.Options{Parameters: map[string]any{"tenant": "acme", "secret": connectorauth.Secret("hush-hush")}}
				return must(script.Wrap(c, must(script.Compile(sources["10"])), patient(o))).(*connectorauth.OAuth2).Token(t.Context())
			}
			token, err := fetch()
			require.NoError(t, err)
			assert.Equal(t, "t1", token.AccessToken)
			got := s.last(t)
			assert.Equal(t, `{"grant":"client_credentials","tenant":"acme"}`, got.body)
			assert.Equal(t, hexHMAC("hush-hush", got.body), got.Header.Get("X-Signature"))
			status = http.StatusForbidden
			_, err = fetch()
			assert.ErrorContains(t, err, "script: after_oauth2_token_error: line 14, column 2: the token endpoint has status 403 Forbidden")
		},
		"10.2": func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusServiceUnavailable)
				io.WriteString(w, `{"fault": "consent withdrawn"}`)
			})
			c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{ClientID: "c", ClientSecret: "client-secret", TokenURL: s.URL, Grant: connectorauth.AuthorizationCode{AuthURL: s.URL}}))
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "stale-token", RefreshToken: "refresh-token", Expiry: time.Now().Add(-time.Hour)}))
			_, err := client(t, c, sources["10.2"], script.Options{}).Get(s.URL)
			assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			assert.ErrorContains(t, err, "consent withdrawn")
		},
	}
	require.Len(t, sources, len(tests))
	for number, test := range tests {
		t.Run(number, test)
	}
}

// The names that authors know from the product exist, with the values that the
// documentation of the product names.
func TestNamesThatAuthorsKnow(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, `{"code": 7}`)
	})
	resp, err := client(t, apiKey(), `
		function before_action() { action_data.fields = method_request_mergefields; method_request_mergefields.more = 'kept' }
		function after_error() {
			method_response = [statusCode, reasonPhrase, method_error.statusCode, method_error.reasonPhrase, method_error.content, method_error.error.code,
				method_error.isError, method_error.isWarning, method_error.isSuccess, method_request_mergefields.account, action_data.fields.more,
				cyclr_sign('HMAC-SHA256', 'k', 'm') === sign('HMAC-SHA256', 'k', 'm'), btoa('é'), atob('w6k='), btoa('é', 'iso-8859-1'), atob('6Q==', 'ISO-8859-1')];
		}`, script.Options{MergeFields: map[string]any{"account": "acme"}}).Get(s.URL)
	status, body := read(t, resp, err)
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	assert.JSONEq(t, `[422, "Unprocessable Entity", 422, "Unprocessable Entity", "{\"code\": 7}", 7, true, false, false, "acme", "kept", true, "w6k=", "é", "6Q==", "é"]`, body)
}

func TestFailedRenewalsHaveAnEvent(t *testing.T) {
	p := authtest.NewProvider(t)
	c, api := tokenClient(t, p, `
		function after_oauth2_refresh() { throw 'not this one' }
		function after_oauth2_refresh_error() { throw 'refresh failed: ' + method_error.statusCode + ' ' + method_error.error.error }`)
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "stale-token", RefreshToken: "unknown-token", Expiry: time.Now().Add(-time.Hour)}))
	_, err := api.Get(p.BearerURL)
	assert.ErrorContains(t, err, "after_oauth2_refresh_error: line 3, column 43: refresh failed: 400 invalid_grant")
}

// A function that looks like a handler and is none is an error that helps.
func TestMisspelledHandlersAreRefused(t *testing.T) {
	for source, want := range map[string]string{
		`function before_acton() {}`:             "the function before_acton looks like a handler, but there is no event of this name; did you mean before_action?",
		`function beforeAction() {}`:             "did you mean before_action?",
		`var after_errors = function() {}`:       "did you mean after_error?",
		`const Before_Action = () => true`:       "did you mean before_action?",
		`let afterError = async () => {}`:        "did you mean after_error?",
		`function before_oauth2_authorize() {}`:  "did you mean before_oauth2_authorise?",
		`function after_oauth2_refresh_err() {}`: "did you mean after_oauth2_refresh_error?",
		`function after_webhook() {}`:            "did you mean",
		`async function befor_action() {}`:       "did you mean before_action?",
	} {
		_, err := script.Compile(source)
		var failed *script.Error
		require.ErrorAs(t, err, &failed, source)
		assert.ErrorContains(t, err, want, source)
	}
	for _, source := range []string{
		`function before_action() { function after_all() {} }`, `var before_count = 0`, `function helper() {}`, `function on_action() {}`,
		`function action() {}`, `var after = {before_x: function() {}}`, `// function before_acton() {}`, `var s = 'function before_acton() {}'`,
	} {
		_, err := script.Compile(source)
		assert.NoError(t, err, source)
	}
}

// The methods of the product's documentation, with any RSA key.
func TestSignMethods(t *testing.T) {
	private := must(rsa.GenerateKey(rand.Reader, 2048))
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	api := client(t, apiKey(), `function before_action() {
		['SHA1', 'SHA224', 'SHA256', 'SHA384', 'SHA512'].forEach(function(hash) {
			method_request_headers['X-' + hash] = [sign('HMAC-' + hash, 'k', 'm'), sign('RSA-' + hash, script_parameters.key, 'm')].join();
		});
	}`, script.Options{TimeLimit: time.Minute, Parameters: map[string]any{"key": connectorauth.Secret(key)}})
	s := newServer(t, nil)
	resp, err := api.Get(s.URL)
	read(t, resp, err)
	for name, hash := range map[string]crypto.Hash{"SHA1": crypto.SHA1, "SHA224": crypto.SHA224, "SHA256": crypto.SHA256, "SHA384": crypto.SHA384, "SHA512": crypto.SHA512} {
		code, signature, _ := strings.Cut(s.last(t).Header.Get("X-"+name), ",")
		mac := hmac.New(hash.New, []byte("k"))
		mac.Write([]byte("m"))
		assert.Equal(t, hex.EncodeToString(mac.Sum(nil)), code, name)
		digest := hash.New()
		digest.Write([]byte("m"))
		assert.NoError(t, rsa.VerifyPKCS1v15(&private.PublicKey, hash, digest.Sum(nil), must(base64.StdEncoding.DecodeString(signature))), name)
	}
}
