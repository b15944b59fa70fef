//go:build unix

package httpd_test

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

// key has characters that mean something in a query.
const (
	key        = "k+1/2=&"
	encodedKey = "k%2B1%2F2%3D%26"
)

// users are those of the password files. The first has "é" as one character, as
// RFC 7617 section 2.1 has servers expect it.
var users = []struct{ name, user, password string }{
	{"UTF-8", "J\u00e9r\u00f4me", "p\u00e4ssw\u00f6rd \u20ac \u5bc6\u7801 \U0001f511"},
	{"colon in the password", "colon", "a:b::c"},
	{"empty password", "nopass", ""},
	{"all of printable ASCII", "ascii", ` !"#$%&'()*+,-./0189:;<=>?@AZ[\]^_` + "`az{|}~"},
	{"user name with spaces", "a b c", "d e f"},
	{"RFC 7617", "test", "123\u00a3"},
}

// nginxAuth asks for Basic at /basic/ and for a key at /header, /query and
// /cookie. The charset is smuggled in behind the realm, as is usual with nginx;
// its $arg_ variables are not decoded.
const nginxAuth = `
daemon off; pid nginx.pid; error_log error.log; worker_processes 1;
events {}
http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	map $http_x_api_key $header_key { default 0; "` + key + `" 1; }
	map $arg_api_key $query_key { default 0; "` + encodedKey + `" 1; }
	map $cookie_api_key $cookie_key { default 0; "` + key + `" 1; }
	server {
		listen 127.0.0.1:{{index .Ports 0}};
		root {{.Dir}};
		add_header X-User $remote_user;
		add_header X-Args $args;
		location /basic/ {
			auth_basic 'orders", charset="UTF-8';
			auth_basic_user_file {{.Dir}}/users;
			try_files /answer =404;
		}
		location /header { if ($header_key = 0) { return 401; } try_files /answer =404; }
		location /query { if ($query_key = 0) { return 401; } try_files /answer =404; }
		location /cookie { if ($cookie_key = 0) { return 401; } try_files /answer =404; }
	}
}`

// apacheAuth is the same for Apache httpd.
const apacheAuth = `
ServerRoot {{.Dir}}
ServerName 127.0.0.1
DefaultRuntimeDir {{.Dir}}
PidFile httpd.pid
ErrorLog error.log
Listen 127.0.0.1:{{index .Ports 0}}
{{range .Modules}}LoadModule {{.}}_module {{$.ModuleDir}}/mod_{{.}}.so
{{end}}
StartServers 1
DocumentRoot {{.Dir}}
AliasMatch "^/(basic|header|query|cookie)" {{.Dir}}/answer
Header always set X-Args "expr=%{QUERY_STRING}"
<Location /basic/>
	Header always set X-User "expr=%{REMOTE_USER}"
	AuthType Basic
	AuthName "orders"
	AuthUserFile {{.Dir}}/users
	Require valid-user
</Location>
<Location /header>
	Require expr %{HTTP:X-Api-Key} == '` + key + `'
</Location>
<Location /query>
	Require expr %{QUERY_STRING} =~ m#(^|&)api_key=` + encodedKey + `(&|$)#
</Location>
<Location /cookie>
	Require expr %{HTTP_COOKIE} =~ m#(^|; )api_key=k\+1/2=&(;|$)#
</Location>
`

// servers start nginx and Apache httpd with the users and the key.
var servers = []struct {
	name      string
	challenge string
	start     func(*testing.T) *place
}{
	{"nginx", `Basic realm="orders", charset="UTF-8"`, func(t *testing.T) *place {
		nginx := program(t, "nginx")
		return start(t, 1, func(p *place) bool {
			p.writeUsers(t)
			p.write(t, "nginx.conf", nginxAuth, p)
			return p.run(t, nginx, "-p", p.Dir, "-c", "nginx.conf", "-e", "error.log")
		})
	}},
	{"Apache httpd", `Basic realm="orders"`, func(t *testing.T) *place {
		apache := program(t, "apache2", "httpd")
		return start(t, 1, func(p *place) bool {
			p.writeUsers(t)
			p.write(t, "httpd.conf", apacheAuth, struct {
				*place
				ModuleDir string
				Modules   []string
			}{p, "/usr/lib/apache2/modules", []string{"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "headers", "alias"}})
			return p.run(t, apache, "-d", p.Dir, "-f", "httpd.conf", "-DFOREGROUND")
		})
	}},
}

// writeUsers writes the password file, with hashes by Apache's htpasswd.
func (p *place) writeUsers(t *testing.T) {
	t.Helper()
	htpasswd := program(t, "htpasswd")
	var file strings.Builder
	add := func(user, password string) {
		make := exec.Command(htpasswd, "-niB", "-C", "4", user)
		make.Stdin = strings.NewReader(password)
		line, err := make.Output()
		require.NoError(t, err)
		file.WriteString(strings.TrimSpace(string(line)) + "\n")
	}
	for _, u := range users {
		add(u.user, u.password)
	}
	add("", "only a password")
	p.write(t, "users", "{{.}}", file.String())
	p.write(t, "answer", "accepted\n", nil)
}

// get makes a request and returns the response, whose body it has read.
func get(t *testing.T, c connectorauth.Connector, url string) *http.Response {
	t.Helper()
	resp, err := connectorauth.NewClient(c, nil).Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	return resp
}

func basic(user, password string) connectorauth.Connector {
	return must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: user, Password: connectorauth.Secret(password)}))
}

func TestBasic(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			url := server.start(t).url("http", 0) + "/basic/"
			for _, u := range users {
				t.Run(u.name, func(t *testing.T) {
					resp := get(t, basic(u.user, u.password), url)
					assert.Equal(t, http.StatusOK, resp.StatusCode)
					if server.name == "nginx" { // Apache escapes what is not ASCII
						assert.Equal(t, u.user, resp.Header.Get("X-User"))
					}
				})
			}
			t.Run("wrong password", func(t *testing.T) {
				resp := get(t, basic("colon", "a:b::d"), url)
				assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
				assert.Equal(t, server.challenge, resp.Header.Get("WWW-Authenticate"), "the caller sees the challenge")
			})
			t.Run("only a password", func(t *testing.T) {
				resp := get(t, basic("", "only a password"), url)
				if server.name == "nginx" { // takes an empty user name for no credentials
					assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
				} else {
					assert.Equal(t, http.StatusOK, resp.StatusCode)
				}
			})
			t.Run("another normalization form", func(t *testing.T) {
				decomposed := strings.ReplaceAll(users[0].user, "\u00e9", "e\u0301")
				resp := get(t, basic(decomposed, users[0].password), url)
				assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "bytes are sent as given, and servers compare bytes")
			})
			t.Run("a prefix of the user name is another user", func(t *testing.T) {
				assert.Equal(t, http.StatusUnauthorized, get(t, basic("col", "on:a:b::c"), url).StatusCode)
			})
		})
	}
}

func TestAPIKey(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			url := server.start(t).url("http", 0)
			for path, in := range map[string]dialect.Location{
				"/header": dialect.InHeader, "/query": dialect.InQuery, "/cookie": dialect.InCookie,
			} {
				name := "api_key"
				if in == dialect.InHeader {
					name = "X-Api-Key"
				}
				apiKey := func(value connectorauth.Secret) connectorauth.Connector {
					return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: value, In: in, Name: name}))
				}
				t.Run(path[1:], func(t *testing.T) {
					assert.Equal(t, http.StatusOK, get(t, apiKey(key), url+path).StatusCode)
					assert.GreaterOrEqual(t, get(t, apiKey("wrong"), url+path).StatusCode, 400)
					assert.GreaterOrEqual(t, get(t, connectorauth.None{}, url+path).StatusCode, 400)

					const query = "?a=%zz;b&api_key2=x&&c" // a query that many parsers refuse
					resp := get(t, apiKey(key), url+path+query)
					assert.Equal(t, http.StatusOK, resp.StatusCode)
					assert.Contains(t, resp.Header.Get("X-Args"), query[1:], "the caller's query arrives byte for byte")
				})
			}
			t.Run("the caller's own key is replaced", func(t *testing.T) {
				c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InQuery, Name: "api_key"}))
				resp := get(t, c, url+"/query?api_key=theirs&x=1")
				assert.Equal(t, http.StatusOK, resp.StatusCode)
				assert.NotContains(t, resp.Header.Get("X-Args"), "theirs")
			})
			t.Run("beside the caller's cookies", func(t *testing.T) {
				c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InCookie, Name: "api_key"}))
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/cookie", nil)
				require.NoError(t, err)
				req.Header.Set("Cookie", "session=1; api_key=theirs; other=2")
				resp, err := connectorauth.NewClient(c, nil).Do(req)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, http.StatusOK, resp.StatusCode)
			})
		})
	}
}
