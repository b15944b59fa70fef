// Package aws_test compares the signatures of awsauth with AWS's published suite, and
// with the signatures of three other programs: botocore, the npm package aws4 and
// smithy-go. Without Node.js or botocore the tests skip, or fail if
// CONNECTORAUTH_TEST_REQUIRE is set.
package aws_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4"
	v4 "github.com/aws/smithy-go/aws-http-auth/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/awsauth"
	"github.com/connectorauth/connectorauth/internal/interop/npm"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// missing skips the test, or fails where the programs are required.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// node returns a folder with the packages and oracle.js.
func node(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"package.json", "oracle.js"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	if err := npm.Install(dir); err != nil {
		missing(t, err)
	}
	return dir
}

// run runs a program with input, and returns its output.
func run(t *testing.T, dir, input, program string, args ...string) []byte {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir, command.Stdin, command.Stderr = dir, strings.NewReader(input), new(bytes.Buffer)
	output, err := command.Output()
	require.NoError(t, err, "%s", command.Stderr)
	return output
}

// signed sends req with the connector of config, and returns the request as it was sent.
func signed(t *testing.T, config awsauth.Config, req *http.Request) fakehttp.Request {
	t.Helper()
	config.Shared = new(connectorauth.Shared)
	c, err := awsauth.New(config)
	require.NoError(t, err)
	base := new(fakehttp.Base)
	resp, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	resp.Body.Close()
	return base.Requests()[0]
}

func TestPublishedSuite(t *testing.T) {
	dir := node(t)
	var suite struct {
		Region, Service string
		Credentials     struct{ AccessKeyID, SecretAccessKey string }
		Date            time.Time
		Requests        []struct {
			Name    string
			Request struct {
				Method, Hostname, Path, Body string
				Query                        map[string]any
				Headers                      map[string]string
			}
			Authorization string
		}
	}
	require.NoError(t, json.Unmarshal(run(t, dir, "", "node", "oracle.js", "suite"), &suite))
	require.GreaterOrEqual(t, len(suite.Requests), 24)
	for _, test := range suite.Requests {
		t.Run(test.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(suite.Date))
				r := test.Request
				if test.Name == "get-utf8" {
					return // its path is not encoded, as in no HTTP request: see awsauth.TestPathsThatAreNotEncoded
				}
				req, err := http.NewRequest(r.Method, "https://"+r.Hostname, strings.NewReader(r.Body))
				require.NoError(t, err)
				req.URL.Path = r.Path
				query := req.URL.Query()
				for name, value := range r.Query {
					list, ok := value.([]any)
					if !ok {
						list = []any{value}
					}
					for _, value := range list {
						query.Add(name, fmt.Sprint(value))
					}
				}
				req.URL.RawQuery = query.Encode()
				config := awsauth.Config{
					Service: suite.Service, Region: suite.Region,
					Credentials: awsauth.Static(suite.Credentials.AccessKeyID, connectorauth.Secret(suite.Credentials.SecretAccessKey), ""),
				}
				if token := r.Headers["x-amz-security-token"]; token != "" {
					config.Credentials = awsauth.Static(suite.Credentials.AccessKeyID, connectorauth.Secret(suite.Credentials.SecretAccessKey), connectorauth.Secret(token))
				}
				for name, value := range r.Headers {
					req.Header.Set(name, value)
					if strings.HasPrefix(strings.ToLower(name), "my-") || strings.EqualFold(name, "content-length") {
						config.SignedHeaders = append(config.SignedHeaders, name)
					}
				}
				assert.Equal(t, test.Authorization, signed(t, config, req).Header.Get("Authorization"))
			})
		})
	}
}

// sample is a request and its signature.
type sample struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	Service   string            `json:"service"`
	Region    string            `json:"region"`
	ID        string            `json:"id"`
	Secret    string            `json:"secret"`
	signature string
}

const count = 1000

// samples returns random requests that awsauth has signed.
func samples(t *testing.T) (list []sample) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 11))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	text := func(most int) string {
		var b strings.Builder
		for range random.IntN(most) {
			b.WriteString(pick("a", "B", "7", "-", "_", ".", "~", "%20", "%2F", "%25", "%C3%A9", "%2B", "%3D", "%E2%82%AC", "%21"))
		}
		return b.String()
	}
	for range count {
		s := sample{
			Method: pick("GET", "PUT", "POST", "DELETE", "PATCH"), Service: pick("s3", "execute-api", "dynamodb", "iam"),
			Region: pick("us-east-1", "eu-central-1"), ID: "AKIDEXAMPLE" + text(2)[:0], Secret: "secret/+" + strings.ReplaceAll(text(20), "%", "x"),
		}
		path := ""
		for range random.IntN(5) {
			path += "/" + text(8)
			if s.Service != "s3" && random.IntN(5) == 0 {
				path += pick("/.", "/..", "/", "/./x")
			}
		}
		query := ""
		for i := range random.IntN(5) {
			if s.Service != "s3" { // of two parameters of one name, aws4 signs the first for S3
				i %= 2
			}
			query += fmt.Sprintf("&%s%d=%s", text(4), i, text(8))
		}
		s.URL = "https://" + pick("api.example.test", "api.example.test:8443") + "/" + strings.TrimPrefix(path, "/")
		if query != "" {
			s.URL += "?" + query[1:]
		}
		var body io.Reader
		raw := []byte(text(50))
		if s.Method != "GET" && len(raw) > 0 {
			body = bytes.NewReader(raw)
			s.Body = base64.StdEncoding.EncodeToString(raw)
		}
		req, err := http.NewRequest(s.Method, s.URL, body)
		require.NoError(t, err)
		if random.IntN(2) == 0 {
			req.Header.Set("Content-Type", pick("application/json", "text/plain;  charset=utf-8"))
		}
		for _, name := range []string{"X-Amz-Target", "X-Amz-Meta-A", "X-Amz-Meta-Other-Name"} {
			if random.IntN(3) == 0 {
				req.Header.Set(name, pick("value", "two words", "DynamoDB_20120810.ListTables", "a,b", `"quoted"`))
			}
		}
		sent := signed(t, awsauth.Config{
			Service: s.Service, Region: s.Region, Credentials: awsauth.Static(s.ID, connectorauth.Secret(s.Secret), ""),
		}, req)
		s.URL = sent.URL.String()
		_, s.signature, _ = strings.Cut(sent.Header.Get("Authorization"), "Signature=")
		require.Len(t, s.signature, 64)
		s.Headers = map[string]string{}
		for name := range sent.Header {
			if name != "Authorization" {
				s.Headers[name] = sent.Header.Get(name)
			}
		}
		list = append(list, s)
	}
	return list
}

// lines returns the samples as lines of JSON.
func lines(t *testing.T, list []sample) string {
	t.Helper()
	var b strings.Builder
	for _, s := range list {
		line, err := json.Marshal(s)
		require.NoError(t, err)
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// compare requires that output has the signatures of the samples.
func compare(t *testing.T, list []sample, output []byte) {
	t.Helper()
	scanner, equal := bufio.NewScanner(bytes.NewReader(output)), 0
	for _, s := range list {
		require.True(t, scanner.Scan())
		if assert.Equal(t, scanner.Text(), s.signature, "%s %s %s %v", s.Service, s.Method, s.URL, s.Headers) {
			equal++
		}
	}
	t.Logf("%d of %d signatures are equal", equal, len(list))
}

func TestBotocoreSignsTheSame(t *testing.T) {
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import botocore.auth").Run() == nil {
			list := samples(t)
			compare(t, list, run(t, ".", lines(t, list), python, "oracle.py"))
			return
		}
	}
	missing(t, fmt.Errorf("botocore is not installed"))
}

func TestAws4SignsTheSame(t *testing.T) {
	dir := node(t)
	list := samples(t)
	compare(t, list, run(t, dir, lines(t, list), "node", "oracle.js"))
}

// smithy-go neither normalizes a path nor joins the spaces in a header, so such samples
// are left out.
func TestSmithySignsTheSame(t *testing.T) {
	compared := 0
	for _, s := range samples(t) {
		body, err := base64.StdEncoding.DecodeString(s.Body)
		require.NoError(t, err)
		req, err := http.NewRequest(s.Method, s.URL, bytes.NewReader(body))
		require.NoError(t, err)
		path := strings.TrimPrefix(req.URL.EscapedPath(), "/")
		if s.Service != "s3" && (strings.Contains("/"+path+"/", "/./") || strings.Contains("/"+path+"/", "/../") || strings.Contains("/"+path, "//")) || strings.Contains(s.Headers["Content-Type"], "  ") {
			continue
		}
		for name, value := range s.Headers {
			req.Header.Set(name, value)
		}
		date, err := time.Parse("20060102T150405Z", s.Headers["X-Amz-Date"])
		require.NoError(t, err)
		hash := sum(body)
		require.NoError(t, sigv4.New(func(o *v4.SignerOptions) {
			o.HeaderRules, o.DisableDoublePathEscape, o.AddPayloadHashHeader = rules{}, s.Service == "s3", s.Service == "s3"
		}).SignRequest(&sigv4.SignRequestInput{
			Request: req, PayloadHash: hash, Service: s.Service, Region: s.Region, Time: date,
			Credentials: credentials.Credentials{AccessKeyID: s.ID, SecretAccessKey: s.Secret},
		}))
		assert.Contains(t, req.Header.Get("Authorization"), s.signature, s.URL)
		compared++
	}
	t.Logf("%d of %d signatures were compared", compared, count)
	assert.Greater(t, compared, count/2)
}

// rules are the headers that awsauth signs.
type rules struct{}

func (rules) IsSigned(name string) bool {
	return name == "host" || name == "content-type" || strings.HasPrefix(name, "x-amz-")
}

func sum(body []byte) []byte {
	s := sha256.Sum256(body)
	return s[:]
}
