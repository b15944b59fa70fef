//go:build unix

package httpd_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

const fieldValue = `a"b\c&<d>=é+1%`

// nginxWire passes requests on to a recorder, after having read them or while it
// does, and redirects some within its origin and some to the second server, which
// is another. All three speak to the recorder by HTTP/1.1.
const nginxWire = `
daemon off; pid nginx.pid; error_log error.log; worker_processes 1;
events {}
http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	client_max_body_size 0;
	ssl_certificate server.crt; ssl_certificate_key server.key;
	proxy_http_version 1.1;
	proxy_set_header Host $http_host;
	proxy_set_header X-Seen-Proto $server_protocol;
	proxy_set_header X-Seen-Length $content_length;
	server {
		listen 127.0.0.1:{{index .Ports 0}};
		listen 127.0.0.1:{{index .Ports 1}} ssl http2;
		location /buffered { proxy_pass {{.Recorder}}; proxy_request_buffering on; }
		location /streamed { proxy_pass {{.Recorder}}; proxy_request_buffering off; }
		location /moved { return 307 /buffered/new; }
		location /moved-for-good { return 308 /streamed/new; }
		location /away { return 307 $scheme://127.0.0.1:$away/buffered/away; }
		set $away {{index .Ports 2}};
		if ($scheme = https) { set $away {{index .Ports 3}}; }
	}
	server {
		listen 127.0.0.1:{{index .Ports 2}};
		listen 127.0.0.1:{{index .Ports 3}} ssl http2;
		location / { proxy_pass {{.Recorder}}; }
	}
}`

// An arrival is a request as it came through nginx.
type arrival struct {
	*http.Request
	body []byte
}

// wire is a running nginx with a recorder behind it.
type wire struct {
	*place
	trusted  *x509.CertPool
	arrivals chan arrival
}

func newWire(t *testing.T) *wire {
	t.Helper()
	nginx := program(t, "nginx")
	w := &wire{arrivals: make(chan arrival, 4)}
	recorder := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.arrivals <- arrival{r, body}
	}))
	t.Cleanup(recorder.Close)
	w.place = start(t, 4, func(p *place) bool {
		w.trusted = p.certificate(t)
		p.write(t, "nginx.conf", nginxWire, struct {
			*place
			Recorder string
		}{p, recorder.URL})
		return p.run(t, nginx, "-p", p.Dir, "-c", "nginx.conf", "-e", "error.log")
	})
	return w
}

// ways are those in which a client can talk to nginx.
var ways = []struct {
	name, scheme string
	port         int
	http2        bool
	proto        string
}{
	{"plain", "http", 0, false, "HTTP/1.1"},
	{"TLS", "https", 1, false, "HTTP/1.1"},
	{"HTTP2", "https", 1, true, "HTTP/2.0"},
}

// A message is a body and what must have become of it.
type message struct {
	name, contentType, body string
	check                   func(t *testing.T, got arrival)
}

const boundary = "the-callers-boundary"

// messages are bodies of each kind. The big one does not fit into nginx's memory.
func messages() []message {
	var upload bytes.Buffer
	form := multipart.NewWriter(&upload)
	form.SetBoundary(boundary)
	form.WriteField("title", "a file")
	file := must(form.CreateFormFile("file", "a.bin"))
	file.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<17)) // 2 MiB
	form.Close()
	return []message{
		{"JSON", "application/json; charset=utf-8", `{"b": 1.50, "a": [1, 2]}`, func(t *testing.T, got arrival) {
			var decoded map[string]any
			require.NoError(t, json.Unmarshal(got.body, &decoded))
			assert.Equal(t, map[string]any{"b": 1.5, "a": []any{1.0, 2.0}, "auth": map[string]any{"token": fieldValue}}, decoded)
			assert.Contains(t, string(got.body), `"b": 1.50, "a": [1, 2]`)
		}},
		{"form", "application/x-www-form-urlencoded", "b=2&a=%31", func(t *testing.T, got arrival) {
			decoded, err := url.ParseQuery(string(got.body))
			require.NoError(t, err)
			assert.Equal(t, url.Values{"b": {"2"}, "a": {"1"}, "auth.token": {fieldValue}}, decoded)
		}},
		{"multipart", "multipart/form-data; boundary=" + boundary, upload.String(), func(t *testing.T, got arrival) {
			_, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
			require.NoError(t, err)
			assert.Equal(t, boundary, params["boundary"])
			decoded, err := multipart.NewReader(bytes.NewReader(got.body), boundary).ReadForm(1 << 20)
			require.NoError(t, err)
			defer decoded.RemoveAll()
			assert.Equal(t, map[string][]string{"title": {"a file"}, "auth.token": {fieldValue}}, decoded.Value)
			assert.EqualValues(t, 2<<20, decoded.File["file"][0].Size)
		}},
		{"XML", "application/xml", `<?xml version="1.0"?><order xmlns="urn:orders"><n>1</n></order>`, func(t *testing.T, got arrival) {
			var decoded struct {
				XMLName xml.Name `xml:"urn:orders order"`
				N       int      `xml:"n"`
				Token   string   `xml:"auth>token"`
			}
			require.NoError(t, xml.Unmarshal(got.body, &decoded), "%s", got.body)
			assert.Equal(t, 1, decoded.N)
			assert.Equal(t, fieldValue, decoded.Token)
		}},
	}
}

func fields() connectorauth.Connector {
	return must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{{Key: "auth.token", Value: fieldValue}},
	}))
}

// post sends the message and returns what arrived in the end.
func (w *wire) post(t *testing.T, base *http.Client, url string, m message, knownLength bool) arrival {
	t.Helper()
	var body io.Reader = strings.NewReader(m.body)
	if !knownLength {
		body = io.MultiReader(body) // so that NewRequest does not see what it is
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", m.contentType)
	resp, err := connectorauth.NewClient(fields(), base).Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", w.logs(t))
	return w.arrived(t)
}

// arrived returns the one request that the recorder got.
func (w *wire) arrived(t *testing.T) arrival {
	t.Helper()
	require.Len(t, w.arrivals, 1)
	return <-w.arrivals
}

func TestBodiesArriveThroughNginx(t *testing.T) {
	w := newWire(t)
	for _, way := range ways {
		base := client(t, w.trusted, way.http2)
		for _, m := range messages() {
			for _, mode := range []string{"buffered", "streamed"} {
				for _, knownLength := range []bool{true, false} {
					name := strings.Join([]string{way.name, m.name, mode, "length known " + strconv.FormatBool(knownLength)}, "/")
					t.Run(name, func(t *testing.T) {
						got := w.post(t, base, w.url(way.scheme, way.port)+"/"+mode, m, knownLength)
						m.check(t, got)
						assert.Equal(t, way.proto, got.Header.Get("X-Seen-Proto"))
						if !knownLength && m.name == "multipart" && mode == "streamed" {
							assert.Empty(t, got.Header.Get("X-Seen-Length"), "a stream stays a stream")
						} else { // either announced or, after buffering, counted by nginx
							assert.Equal(t, strconv.Itoa(len(got.body)), got.Header.Get("X-Seen-Length"))
						}
						if got.ContentLength >= 0 { // nginx gives what it has buffered a length
							assert.EqualValues(t, len(got.body), got.ContentLength)
						}
					})
				}
			}
		}
	}
}

func TestRedirectsOfNginxReplayTheInjectedBody(t *testing.T) {
	w := newWire(t)
	for _, way := range ways {
		base := client(t, w.trusted, way.http2)
		for _, m := range messages() {
			for _, path := range []string{"/moved", "/moved-for-good"} {
				t.Run(way.name+"/"+m.name+path, func(t *testing.T) {
					got := w.post(t, base, w.url(way.scheme, way.port)+path, m, true)
					assert.Equal(t, "/new", got.URL.Path[len("/buffered"):])
					m.check(t, got)
					assert.Equal(t, strconv.Itoa(len(got.body)), got.Header.Get("X-Seen-Length"))
				})
			}
		}
	}
}

func TestRedirectOfNginxToAnotherOriginIsBare(t *testing.T) {
	w := newWire(t)
	apiKey := func(in dialect.Location, name string) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: fieldKey, In: in, Name: name}))
	}
	for _, way := range ways {
		base := client(t, w.trusted, way.http2)
		away := w.url(way.scheme, way.port) + "/away"
		for _, m := range messages() {
			t.Run(way.name+"/"+m.name, func(t *testing.T) {
				got := w.post(t, base, away, m, true)
				assert.Equal(t, m.body, string(got.body), "the caller's own body")
			})
		}
		for name, c := range map[string]connectorauth.Connector{
			"header key":    apiKey(dialect.InHeader, "X-Api-Key"),
			"authorization": apiKey(dialect.InHeader, ""),
			"query key":     apiKey(dialect.InQuery, "api_key"),
			"cookie key":    apiKey(dialect.InCookie, "api_key"),
			"Basic":         basic("user", fieldKey),
		} {
			t.Run(way.name+"/"+name, func(t *testing.T) {
				resp, err := connectorauth.NewClient(c, base).Get(away + "?x=1")
				require.NoError(t, err)
				resp.Body.Close()
				got := w.arrived(t)
				var all strings.Builder
				require.NoError(t, got.Header.Write(&all))
				all.WriteString(got.RequestURI)
				assert.NotContains(t, all.String(), fieldKey)
				for _, header := range []string{"Authorization", "X-Api-Key", "Cookie"} {
					assert.Empty(t, got.Header.Values(header), header)
				}
			})
		}
	}
}

// fieldKey is a key that no encoding changes.
const fieldKey = "0123456789-the-key"

func TestExpectContinueThroughNginx(t *testing.T) {
	w := newWire(t)
	m := messages()[0]
	for _, way := range ways[:2] { // HTTP/2 has no use for it
		t.Run(way.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url(way.scheme, way.port)+"/streamed", strings.NewReader(m.body))
			require.NoError(t, err)
			req.Header.Set("Content-Type", m.contentType)
			req.Header.Set("Expect", "100-continue")
			resp, err := connectorauth.NewClient(fields(), client(t, w.trusted, false)).Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			m.check(t, w.arrived(t))
		})
	}
}
