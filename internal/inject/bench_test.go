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
	"time"

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
		if err := f.Apply(req, inject.Room{}); err != nil {
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
	b.Run("rawmessage", func(b *testing.B) { naive(b, "application/json", body, addRaw) })
}

// addRaw adds the fields to a JSON object through a map with the members left
// undecoded.
func addRaw(data []byte) []byte {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		panic(err)
	}
	m["api_key"], m["account"] = json.RawMessage(`"SECRET"`), json.RawMessage(`12`)
	data, _ = json.Marshal(m)
	return data
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

// An xmlRequest is a message of many orders.
type xmlRequest struct {
	XMLName xml.Name   `xml:"request"`
	APIKey  string     `xml:"api_key,omitempty"`
	Account string     `xml:"account,omitempty"`
	Orders  []xmlOrder `xml:"order"`
}

type xmlOrder struct {
	ID    int    `xml:"id,attr"`
	Title string `xml:"title"`
	City  string `xml:"address>city"`
}

// xmlOrders returns an XML document of n orders, about 130 bytes each.
func xmlOrders(n int) []byte {
	var r xmlRequest
	for i := range n {
		r.Orders = append(r.Orders, xmlOrder{i, "Blue <mountain> mug", "Zürich"})
	}
	body, _ := xml.MarshalIndent(r, "", "  ")
	return body
}

// greekOrders returns an XML document of n orders with prefixes, CDATA sections,
// comments, and names outside ASCII.
func greekOrders(n int) []byte {
	const order = "<ό:παραγγελία αριθμός='1'><!-- μία --><ό:τίτλος><![CDATA[Μπλε <κούπα>]]></ό:τίτλος><ό:πόλη/></ό:παραγγελία>\n"
	return []byte("<ό:αίτημα xmlns:ό='urn:o'>" + strings.Repeat(order, n) + "</ό:αίτημα>")
}

// addXML adds the fields to an XML document by decoding and encoding.
func addXML(data []byte) []byte {
	var r xmlRequest
	if err := xml.Unmarshal(data, &r); err != nil {
		panic(err)
	}
	r.APIKey, r.Account = "SECRET", "12"
	data, _ = xml.Marshal(r)
	return data
}

// BenchmarkXML decodes and encodes beside Apply.
func BenchmarkXML(b *testing.B) {
	for _, n := range []int{3, 300, 10_000} {
		body := xmlOrders(n)
		b.Run(fmt.Sprintf("%dkB/apply", len(body)>>10), func(b *testing.B) { benchmark(b, xmlType, body) })
		b.Run(fmt.Sprintf("%dkB/struct", len(body)>>10), func(b *testing.B) { naive(b, xmlType, body, addXML) })
	}
	greek := greekOrders(300)
	b.Run("greek", func(b *testing.B) { benchmark(b, xmlType, greek) })
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
			header := http.Header{"Accept": {"application/json"}, "Cookie": {"theme=dark; lang=de"}}
			value, room := place.Encode("SECRET"), inject.Room{Value: new([1]string), URL: new(url.URL)}
			b.ReportAllocs()
			for b.Loop() {
				place.Put(&http.Request{URL: u, Header: header}, value, room)
			}
		})
	}
}

// longStrings returns a JSON object of n strings of 1.3 kB.
func longStrings(n int) []byte {
	return []byte(`{"texts": [` + strings.Repeat(`"`+strings.Repeat("a long text, ", 100)+`", `, n) + `""]}`)
}

// BenchmarkJSONLongStrings is for documents that are mostly text.
func BenchmarkJSONLongStrings(b *testing.B) { benchmark(b, jsonType, longStrings(50)) }

// BenchmarkRatio lets Apply and the others take turns, and prints how many times as fast
// Apply is, by the best of many rounds.
func BenchmarkRatio(b *testing.B) {
	shapes := []struct {
		name, contentType string
		body              []byte
		edit              func([]byte) []byte
	}{
		{"JSON of 57 kB to RawMessage", jsonType, manyOrders(285), addRaw},
		{"JSON of 2 MB to RawMessage", jsonType, manyOrders(10_000), addRaw},
		{"JSON of long strings to RawMessage", jsonType, longStrings(50), addRaw},
		{"XML of 39 kB to struct", xmlType, xmlOrders(300), addXML},
		{"XML of 1 MB to struct", xmlType, xmlOrders(10_000), addXML},
	}
	for _, shape := range shapes {
		b.Run(strings.ReplaceAll(shape.name, " ", "_"), func(b *testing.B) {
			f := newFields(b, benchFields, "")
			ours, theirs := time.Hour, time.Hour
			for b.Loop() {
				start := time.Now()
				if err := f.Apply(post(shape.contentType, shape.body), inject.Room{}); err != nil {
					b.Fatal(err)
				}
				ours = min(ours, time.Since(start))
				start = time.Now()
				req := post(shape.contentType, shape.body)
				data, _ := io.ReadAll(req.Body)
				inject.SetBody(req, shape.edit(data))
				theirs = min(theirs, time.Since(start))
			}
			b.ReportMetric(float64(theirs)/float64(ours), "times-as-fast")
			b.ReportMetric(0, "ns/op")
		})
	}
}
