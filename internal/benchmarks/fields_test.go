package benchmarks

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	goccy "github.com/goccy/go-json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

// fields puts two fields into each body.
func fields(base http.RoundTripper) http.RoundTripper {
	return wrap[*connectorauth.AuthFields](base)(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{{Key: "api_key", Value: "SECRET"}, {Key: "account", Type: dialect.FieldInteger, Value: "12"}},
	}))
}

// An editor is a RoundTripper that edits the body, as programs do without the library:
// it reads, decodes, adds the fields, encodes and sends.
type editor struct {
	edit func([]byte) ([]byte, error)
	base http.RoundTripper
}

func (e editor) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body.Close()
	if body, err = e.edit(body); err != nil {
		return nil, err
	}
	out := new(http.Request)
	*out = *req
	out.Header = maps.Clone(req.Header)
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return e.base.RoundTrip(out)
}

// editing returns the peer that edits by edit.
func editing(name string, edit func([]byte) ([]byte, error)) peer {
	return peer{name, func(base http.RoundTripper) http.RoundTripper { return editor{edit, base} }}
}

// jsonEditors are ours, and other ways into a JSON body.
var jsonEditors = []peer{
	{"ours", fields},
	editing("goccy", func(body []byte) ([]byte, error) {
		var m map[string]goccy.RawMessage
		if err := goccy.Unmarshal(body, &m); err != nil {
			return nil, err
		}
		m["api_key"], m["account"] = goccy.RawMessage(`"SECRET"`), goccy.RawMessage(`12`)
		return goccy.Marshal(m)
	}),
	editing("rawmessage", func(body []byte) ([]byte, error) {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(body, &m); err != nil {
			return nil, err
		}
		m["api_key"], m["account"] = json.RawMessage(`"SECRET"`), json.RawMessage(`12`)
		return json.Marshal(m)
	}),
	editing("map", func(body []byte) ([]byte, error) {
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil {
			return nil, err
		}
		m["api_key"], m["account"] = "SECRET", 12
		return json.Marshal(m)
	}),
}

// orders returns a JSON object of n orders, about 200 bytes each.
func orders(n int) message {
	var b bytes.Buffer
	b.WriteString(`{"orders": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(",\n  ")
		}
		fmt.Fprintf(&b, `{"id": %d, "sku": "A-%05d", "title": "Blue \"mountain\" caf\u00e9 mug", "price": 12.50, `, i, i)
		b.WriteString(`"tags": ["mug", "blue", "kitchen"], "address": {"city": "Zürich", "zip": "8000", "note": null}, "gift": false}`)
	}
	b.WriteString(`], "total": 3.75e3}`)
	return message{"POST", "https://api.example.com/orders", "application/json", b.Bytes()}
}

// shapes are the bodies of the JSON benchmarks, by name.
var shapes = map[string]message{
	"57kB": orders(285),
	"2MB":  orders(10_000),
	"long_strings": {"POST", "https://api.example.com/orders", "application/json",
		[]byte(`{"texts": ["` + strings.Repeat(strings.Repeat("a long text, ", 100)+`", "`, 50) + `"]}`)},
}

func TestEditorsAgreeOnJSON(t *testing.T) {
	for name, m := range shapes {
		var want map[string]any
		require.NoError(t, json.Unmarshal(m.body, &want))
		want["api_key"], want["account"] = "SECRET", 12.0
		for _, e := range jsonEditors {
			t.Run(name+"/"+e.name, func(t *testing.T) {
				var base kept
				require.NoError(t, m.by(e.name, e.over(&base)).do())
				var got map[string]any
				require.NoError(t, json.Unmarshal(base.body, &got))
				assert.Equal(t, want, got)
			})
		}
	}
}

// compare lets the editors take turns on each shape.
func compare(b *testing.B, editors []peer) {
	for name, m := range shapes {
		b.Run(name, func(b *testing.B) {
			var all []contender
			for _, e := range editors {
				all = append(all, m.by(e.name, e.over(wire{})))
			}
			turns(b, 1, all...)
		})
	}
}

// BenchmarkJSON puts two fields into a JSON body.
func BenchmarkJSON(b *testing.B) { compare(b, jsonEditors) }

// An order and a request are what programs decode XML into.
type (
	order struct {
		ID    int    `xml:"id,attr"`
		Title string `xml:"title"`
		City  string `xml:"address>city"`
	}
	request struct {
		XMLName xml.Name `xml:"request"`
		APIKey  string   `xml:"api_key,omitempty"`
		Account string   `xml:"account,omitempty"`
		Orders  []order  `xml:"order"`
	}
)

// xmlOrders returns an XML document of n orders, about 130 bytes each.
func xmlOrders(n int) message {
	var r request
	for i := range n {
		r.Orders = append(r.Orders, order{i, "Blue <mountain> mug", "Zürich"})
	}
	return message{"POST", "https://api.example.com/orders", "application/xml", must(xml.MarshalIndent(r, "", "  "))}
}

// xmlEditors are ours, and decoding and encoding.
var xmlEditors = []peer{
	{"ours", fields},
	editing("decode_and_encode", func(body []byte) ([]byte, error) {
		var r request
		if err := xml.Unmarshal(body, &r); err != nil {
			return nil, err
		}
		r.APIKey, r.Account = "SECRET", "12"
		return xml.Marshal(r)
	}),
}

func TestEditorsAgreeOnXML(t *testing.T) {
	m := xmlOrders(3)
	var want request
	require.NoError(t, xml.Unmarshal(m.body, &want))
	want.APIKey, want.Account = "SECRET", "12"
	for _, e := range xmlEditors {
		t.Run(e.name, func(t *testing.T) {
			var base kept
			require.NoError(t, m.by(e.name, e.over(&base)).do())
			var got request
			require.NoError(t, xml.Unmarshal(base.body, &got))
			assert.Equal(t, want, got)
		})
	}
}

// BenchmarkXML puts two fields into an XML document.
func BenchmarkXML(b *testing.B) {
	for name, n := range map[string]int{"4kB": 30, "39kB": 300, "390kB": 3000} {
		b.Run(name, func(b *testing.B) {
			var all []contender
			for _, e := range xmlEditors {
				all = append(all, xmlOrders(n).by(e.name, e.over(wire{})))
			}
			turns(b, 1, all...)
		})
	}
}
