//go:build unix

package httpd_test

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/digestauth"
)

// lighttpdDigest asks for Digest with several algorithms.
const lighttpdDigest = `
server.document-root = "{{.Dir}}"
server.bind = "127.0.0.1"
server.port = {{index .Ports 0}}
server.errorlog = "{{.Dir}}/error.log"
server.upload-dirs = ("{{.Dir}}")
server.modules = ("mod_auth", "mod_authn_file", "mod_staticfile")
auth.backend = "htdigest"
auth.backend.htdigest.userfile = "{{.Dir}}/users"
auth.require = (
	"/sha256" => ("method" => "digest", "algorithm" => "SHA-256", "realm" => "orders", "require" => "valid-user"),
	"/sha512256" => ("method" => "digest", "algorithm" => "SHA-512-256", "realm" => "orders", "require" => "valid-user"),
	"/md5" => ("method" => "digest", "algorithm" => "MD5", "realm" => "orders", "require" => "valid-user"),
	"/all" => ("method" => "digest", "algorithm" => "MD5|SHA-256", "realm" => "orders", "require" => "valid-user"),
	"/hash" => ("method" => "digest", "algorithm" => "SHA-256", "realm" => "orders", "require" => "valid-user", "userhash" => "enable"),
)
$HTTP["url"] =~ "^/sha512256" { auth.backend.htdigest.userfile = "{{.Dir}}/users512" }
`

// apacheDigest asks for Digest with MD5, which is all that Apache httpd has: at /md5,
// and with a nonce that lives for a second at /short.
const apacheDigest = `
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
AliasMatch "^/(md5|short)" {{.Dir}}/answer
<Location />
	AuthType Digest
	AuthName "orders"
	AuthDigestProvider file
	AuthUserFile {{.Dir}}/md5
	Require valid-user
</Location>
<Location /short>
	AuthDigestNonceLifetime 1
</Location>
`

// digestFile writes a password file with the hashes of algorithms, and, for lighttpd,
// of user names. Apache takes none of these.
func (p *place) digestFile(t *testing.T, name string, algorithms ...func() hash.Hash) {
	t.Helper()
	sum := func(h hash.Hash, text string) string {
		io.WriteString(h, text)
		return hex.EncodeToString(h.Sum(nil))
	}
	var file strings.Builder
	for _, u := range users {
		if u.password == "" {
			continue // Digest without a password is refused by New
		}
		for _, algorithm := range algorithms {
			file.WriteString(u.user + ":orders:" + sum(algorithm(), u.user+":orders:"+u.password))
			if name != "md5" {
				file.WriteString(":" + sum(algorithm(), u.user+":orders"))
			}
			file.WriteString("\n")
		}
	}
	p.write(t, name, "{{.}}", file.String())
}

func startLighttpd(t *testing.T) *place {
	lighttpd := program(t, "lighttpd")
	return start(t, 1, func(p *place) bool {
		p.digestFile(t, "users", md5.New, sha256.New) // which lighttpd tells apart by their length
		p.digestFile(t, "users512", sha512.New512_256)
		for _, name := range []string{"sha256", "sha512256", "md5", "all", "hash"} {
			p.write(t, name, "accepted\n", nil)
		}
		p.write(t, "lighttpd.conf", lighttpdDigest, p)
		return p.run(t, lighttpd, "-D", "-f", "lighttpd.conf")
	})
}

func startApacheDigest(t *testing.T) *place {
	apache := program(t, "apache2", "httpd")
	return start(t, 1, func(p *place) bool {
		p.digestFile(t, "md5", md5.New)
		p.write(t, "answer", "accepted\n", nil)
		p.write(t, "httpd.conf", apacheDigest, struct {
			*place
			ModuleDir string
			Modules   []string
		}{p, "/usr/lib/apache2/modules", []string{"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest", "alias"}})
		return p.run(t, apache, "-d", p.Dir, "-f", "httpd.conf", "-DFOREGROUND")
	})
}

func digestUser(user, password string) connectorauth.Connector {
	return must(digestauth.New(digestauth.Config{
		Username: user, Password: connectorauth.Secret(password), AllowMD5: true, Shared: new(connectorauth.Shared),
	}))
}

func TestDigest(t *testing.T) {
	for _, server := range []struct {
		name  string
		start func(*testing.T) *place
		paths []string
	}{
		{"lighttpd", startLighttpd, []string{"/sha256", "/sha512256", "/md5", "/all", "/hash"}},
		{"Apache httpd", startApacheDigest, []string{"/md5"}},
	} {
		t.Run(server.name, func(t *testing.T) {
			url := server.start(t).url("http", 0)
			for _, path := range server.paths {
				for _, u := range users {
					if u.password == "" {
						continue
					}
					t.Run(path[1:]+" "+u.name, func(t *testing.T) {
						c := digestUser(u.user, u.password)
						assert.Equal(t, http.StatusOK, get(t, c, url+path+"?a=%2Fb,c=%22&d").StatusCode)
						var all sync.WaitGroup
						for range 10 {
							all.Go(func() { assert.Equal(t, http.StatusOK, get(t, c, url+path).StatusCode) })
						}
						all.Wait()
					})
				}
				t.Run(path[1:]+" wrong password", func(t *testing.T) {
					c := digestUser("colon", "wrong")
					for range 3 {
						_, err := connectorauth.NewClient(c, nil).Get(url + path)
						require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
					}
				})
			}
		})
	}
}

func TestDigestNonceOfApacheEnds(t *testing.T) {
	url := startApacheDigest(t).url("http", 0) + "/short"
	c := digestUser("test", "123\u00a3")
	begin := time.Now()
	for after := 0; after < 10; time.Sleep(100 * time.Millisecond) { // requests after several nonces have ended
		require.Less(t, time.Since(begin), 5*time.Minute, "each request is slow")
		began := time.Now()
		status := get(t, c, url).StatusCode
		if time.Since(began) > 500*time.Millisecond {
			continue // the nonce of the second try may have ended
		}
		require.Equal(t, http.StatusOK, status)
		if time.Since(begin) > 3*time.Second {
			after++
		}
	}
}
