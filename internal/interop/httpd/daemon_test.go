//go:build unix

// Package httpd_test checks Basic, Digest, API keys and injected bodies against nginx,
// lighttpd and Apache httpd. The tests start servers of their own, on free loopback ports
// and below a temporary directory; without the binaries they skip, or fail if
// CONNECTORAUTH_TEST_REQUIRE is set.
package httpd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/internal/test/stores"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// program returns the path of a program by the first name under which it is
// installed.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		for _, candidate := range []string{name, "/usr/sbin/" + name} { // Debian keeps sbin from ordinary users' PATH
			if path, err := exec.LookPath(candidate); err == nil {
				return path
			}
		}
	}
	text := names[0] + " is not installed"
	if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") != "" {
		t.Fatal(text)
	}
	t.Skip(text)
	return ""
}

// A place is a directory for one server, which runs as nobody if the tests run
// as root.
type place struct {
	Dir   string
	Ports []int // free when they were chosen
	runAs *syscall.Credential
}

func newPlace(t *testing.T, ports int) *place {
	t.Helper()
	dir, err := os.MkdirTemp("", "connectorauth-httpd")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &place{Dir: dir, Ports: freePorts(t, ports)}
	if os.Geteuid() == 0 {
		nobody, err := user.Lookup("nobody")
		require.NoError(t, err)
		uid, err := strconv.Atoi(nobody.Uid)
		require.NoError(t, err)
		gid, err := strconv.Atoi(nobody.Gid)
		require.NoError(t, err)
		require.NoError(t, os.Chown(dir, uid, gid))
		p.runAs = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return p
}

// freePorts returns loopback ports that nobody listens on, and that no other test program
// gets.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		text, err := stores.FreePort()
		require.NoError(t, err)
		port, err := strconv.Atoi(text)
		require.NoError(t, err)
		ports = append(ports, port)
	}
	return ports
}

// write puts a file, a template that is executed with data, into the place.
func (p *place) write(t *testing.T, name, text string, data any) {
	t.Helper()
	parsed, err := template.New(name).Parse(text)
	require.NoError(t, err)
	f, err := os.OpenFile(filepath.Join(p.Dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	require.NoError(t, parsed.Execute(f, data))
	require.NoError(t, f.Close())
}

// run starts a program that stays in the foreground, waits until it listens on
// all ports, and stops it by its pid when the test ends. It returns false if the
// program ended because somebody else took a port meanwhile.
func (p *place) run(t *testing.T, path string, args ...string) bool {
	t.Helper()
	log, err := os.Create(filepath.Join(p.Dir, "output.log"))
	require.NoError(t, err)
	defer log.Close()
	server := exec.Command(path, args...)
	server.Dir, server.Stdout, server.Stderr = p.Dir, log, log
	server.SysProcAttr = &syscall.SysProcAttr{Credential: p.runAs}
	require.NoError(t, server.Start())
	ended := make(chan struct{})
	go func() {
		server.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		server.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			server.Process.Kill()
			<-ended
			t.Errorf("%s did not stop when told to", path)
		}
	})
	giveUp := time.After(2 * time.Minute)
	for _, port := range p.Ports {
		for !listens(port) {
			select {
			case <-ended:
				output := p.logs(t)
				if strings.Contains(output, "in use") {
					return false
				}
				t.Fatalf("%s ended:\n%s", path, output)
			case <-giveUp:
				t.Fatalf("%s does not listen:\n%s", path, p.logs(t))
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return true
}

func listens(port int) bool {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// logs returns what the server has written.
func (p *place) logs(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.Dir, "*.log"))
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

// start makes a place and has launch start a server in it, once more if its
// ports were taken.
func start(t *testing.T, ports int, launch func(*place) bool) *place {
	t.Helper()
	for range 3 {
		if p := newPlace(t, ports); launch(p) {
			return p
		}
	}
	t.Fatal("somebody else took the ports, three times")
	return nil
}

// url returns the URL of the server behind the n-th port.
func (p *place) url(scheme string, n int) string {
	return fmt.Sprintf("%s://127.0.0.1:%d", scheme, p.Ports[n])
}

// certificate writes a key and a certificate for 127.0.0.1 into the place and
// returns a pool that trusts it.
func (p *place) certificate(t *testing.T) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	made, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	p.write(t, "server.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})), nil)
	p.write(t, "server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), nil)
	parsed, err := x509.ParseCertificate(made)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return pool
}

// client returns a client that trusts pool and speaks HTTP/2 where asked to.
func client(t *testing.T, pool *x509.CertPool, http2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: http2, ExpectContinueTimeout: time.Minute,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * time.Minute}
}

// must returns v; it is for configs that are right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
