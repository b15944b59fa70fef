package inject_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

// Each benchmark runs what a program does without this package beside Apply:
// decode the body, add the fields, and encode it again.

var benchFields = []inject.Field{{Key: "api_key", Value: "SECRET"}, {Key: "account", Value: "12", Type: dialect.FieldInteger}}

// manyOrders returns a JSON object of n orders, about 190 bytes each.
func manyOrders(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"orders": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(",\n  ")
		}
		fmt.Fprintf(&b, `{"id": %d, "sku": "A-%05d", "title": "Blue \"mountain\" caf\u00e9 mug", "price": 12.50, "tags": ["mug", "blue", "kitchen"], "address": {"city": "Zürich", "zip": "8000", "note": null}, "gift": false}`, i, i)
	}
	b.WriteString(`], "total": 3.75e3}`)
	return []byte(b.String())
}

// benchmark measures Apply on body, again and again.
func benchmark(b *testing.B, contentType string, body []byte) {
	f := newFields(b, benchFields, "")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		req := post(contentType, body)
		if err := f.Apply(req); err != nil {
			b.Fatal(err)
		}
		if contentType[0] == 'm' { // a multipart body is made while it is sent
			io.Copy(io.Discard, struct{ io.Reader }{req.Body})
		}
	}
}

// naive measures edit, which does the same by decoding and encoding.
func naive(b *testing.B, contentType string, body []byte, edit func([]byte) []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		req := post(contentType, body)
		data, _ := io.ReadAll(req.Body)
		inject.SetBody(req, edit(data))
	}
}

func BenchmarkJSON57kB(b *testing.B) {
	body := manyOrders(285)
	b.Run("apply", func(b *testing.B) { benchmark(b, "application/json", body) })
	b.Run("map", func(b *testing.B) {
		naive(b, "application/json", body, func(data []byte) []byte {
			var m map[string]any
			if err := json.Unmarshal(data, &m); err != nil {
				b.Fatal(err)
			}
			m["api_key"], m["account"] = "SECRET", 12
			data, _ = json.Marshal(m)
			return data
		})
	})
	b.Run("rawmessage", func(b *testing.B) { // the map with the members left undecoded
		naive(b, "application/json", body, func(data []byte) []byte {
			var m map[string]json.RawMessage
			if err := json.Unmarshal(data, &m); err != nil {
				b.Fatal(err)
			}
			m["api_key"], m["account"] = json.RawMessage(`"SECRET"`), json.RawMessage(`12`)
			data, _ = json.Marshal(m)
			return data
		})
	})
}

// BenchmarkJSONSizes shows that the number of allocations stays the same.
func BenchmarkJSONSizes(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		body := manyOrders(n)
		b.Run(fmt.Sprintf("%dkB", len(body)>>10), func(b *testing.B) { benchmark(b, "application/json", body) })
	}
}

func BenchmarkForm(b *testing.B) {
	form := url.Values{}
	for i := range 500 {
		form.Set(fmt.Sprintf("line[%d]", i), "Blue mountain mug & saucer")
	}
	body := []byte(form.Encode())
	const contentType = "application/x-www-form-urlencoded"
	b.Run("apply", func(b *testing.B) { benchmark(b, contentType, body) })
	b.Run("values", func(b *testing.B) {
		naive(b, contentType, body, func(data []byte) []byte {
			v, _ := url.ParseQuery(string(data))
			v.Set("api_key", "SECRET")
			v.Set("account", "12")
			return []byte(v.Encode())
		})
	})
}

func BenchmarkMultipart1MB(b *testing.B) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, _ := w.CreateFormFile("upload", "orders.json")
	part.Write(manyOrders(5000))
	w.Close()
	body := buf.Bytes()
	b.Run("apply", func(b *testing.B) { benchmark(b, w.FormDataContentType(), body) })
	b.Run("rewrite", func(b *testing.B) {
		naive(b, w.FormDataContentType(), body, func(data []byte) []byte {
			r := multipart.NewReader(bytes.NewReader(data), w.Boundary())
			var out bytes.Buffer
			w2 := multipart.NewWriter(&out)
			w2.SetBoundary(w.Boundary())
			w2.WriteField("api_key", "SECRET")
			w2.WriteField("account", "12")
			for part, err := r.NextPart(); err == nil; part, err = r.NextPart() {
				p, _ := w2.CreatePart(part.Header)
				io.Copy(p, part)
			}
			w2.Close()
			return out.Bytes()
		})
	})
}

func BenchmarkXML(b *testing.B) {
	type order struct {
		ID    int    `xml:"id,attr"`
		Title string `xml:"title"`
		City  string `xml:"address>city"`
	}
	type request struct {
		XMLName xml.Name `xml:"request"`
		APIKey  string   `xml:"api_key,omitempty"`
		Account string   `xml:"account,omitempty"`
		Orders  []order  `xml:"order"`
	}
	var r request
	for i := range 300 {
		r.Orders = append(r.Orders, order{i, "Blue <mountain> mug", "Zürich"})
	}
	body, _ := xml.MarshalIndent(r, "", "  ")
	b.Run("apply", func(b *testing.B) { benchmark(b, "application/xml", body) })
	b.Run("struct", func(b *testing.B) {
		naive(b, "application/xml", body, func(data []byte) []byte {
			var r request
			if err := xml.Unmarshal(data, &r); err != nil {
				b.Fatal(err)
			}
			r.APIKey, r.Account = "SECRET", "12"
			data, _ = xml.Marshal(r)
			return data
		})
	})
}

// BenchmarkPlace puts a value at each place of a request. The floor of all of them
// is a header.
func BenchmarkPlace(b *testing.B) {
	for _, in := range []dialect.Location{dialect.InHeader, dialect.InQuery, dialect.InCookie} {
		place, err := inject.NewPlace(in, "api_key")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(in), func(b *testing.B) {
			u, _ := url.Parse("https://api.example.com/?page=2&per_page=100&q=blue%20mountain&sort=created")
			header := http.Header{"Accept": {"application/json"}}
			room := make([]string, 1)
			b.ReportAllocs()
			for b.Loop() {
				place.Put(&http.Request{URL: u, Header: header}, "SECRET", room)
			}
		})
	}
}

func BenchmarkCookie(b *testing.B) {
	h := http.Header{"Cookie": {"theme=dark; lang=de; csrf=abcdef"}}
	b.ReportAllocs()
	for b.Loop() {
		inject.Cookie(h, "sid", "SECRET")
	}
}

// BenchmarkJSONLongStrings is for documents that are mostly text.
func BenchmarkJSONLongStrings(b *testing.B) {
	body := []byte(`{"texts": ["` + strings.Repeat(strings.Repeat("a long text, ", 100)+`", "`, 50) + `"]}`)
	benchmark(b, "application/json", body)
}
