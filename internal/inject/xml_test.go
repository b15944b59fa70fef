package inject_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

const xmlType = "application/xml"

var xmlFields = []inject.Field{
	{Key: "token", Value: "<t>&\"\n é"},
	{Key: "auth.user", Value: "u"},
	{Key: "/auth/pass.word", Value: ""},
}

const (
	xmlToken = "<token>&lt;t&gt;&amp;&#34;&#xA; &#xE9;</token>"
	xmlAuth  = "<user>u</user><pass.word></pass.word>"
)

func TestXML(t *testing.T) {
	one := []inject.Field{{Key: "k", Value: "v"}}
	for _, test := range []struct {
		fields     []inject.Field
		body, want string
	}{
		{one, `<r/>`, `<r><k>v</k></r>`},
		{one, `<r />`, `<r ><k>v</k></r>`},
		{one, `<r></r>`, `<r><k>v</k></r>`},
		{one, `<r a="x>/"></r>`, `<r a="x>/"><k>v</k></r>`},
		{one, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c -->\n<r\n>\n  <a>1</a>\n</r>\n<?pi?>\n", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c -->\n<r\n><k>v</k>\n  <a>1</a>\n</r>\n<?pi?>\n"},
		{one, "\xef\xbb\xbf<r/>", "\xef\xbb\xbf<r><k>v</k></r>"},
		{one, `<r xmlns="urn:x"><a/></r>`, `<r xmlns="urn:x"><k>v</k><a/></r>`},
		{one, `<x:r xmlns:x="urn:x"><x:a/></x:r>`, `<x:r xmlns:x="urn:x"><x:k>v</x:k><x:a/></x:r>`},
		{one, `<x:r xmlns:x="urn:x"/>`, `<x:r xmlns:x="urn:x"><x:k>v</x:k></x:r>`},
		{one, `<r><k>old</k></r>`, `<r><k>v</k></r>`},
		{one, `<r><k/></r>`, `<r><k>v</k></r>`},
		{one, `<r><y:k xmlns:y='urn:y' id="1" /></r>`, `<r><y:k xmlns:y='urn:y' id="1" >v</y:k></r>`},
		{one, `<r><k><![CDATA[</k>]]><k>1</k></k></r>`, `<r><k>v</k></r>`},
		{one, "<r><k>1</k>\n<a/><k>2</k><y:k><k/></y:k> <k/></r>", "<r><k>v</k>\n<a/> </r>"},
		{one, `<r><a><k>1</k></a><!--<k>2</k>--><![CDATA[<k>3</k>]]></r>`, `<r><k>v</k><a><k>1</k></a><!--<k>2</k>--><![CDATA[<k>3</k>]]></r>`},
		{[]inject.Field{{Key: "k"}}, `<r><k/></r>`, `<r><k/></r>`},
		{[]inject.Field{{Key: "k"}}, `<r><k>old</k></r>`, `<r><k></k></r>`},
		{xmlFields, `<r/>`, `<r>` + xmlToken + `<auth>` + xmlAuth + `</auth></r>`},
		{xmlFields, `<r><auth/>1</r>`, `<r>` + xmlToken + `<auth>` + xmlAuth + `</auth>1</r>`},
		{xmlFields, `<r><x:auth><user>old</user> <x:user/></x:auth></r>`, `<r>` + xmlToken + `<x:auth><x:pass.word></x:pass.word><user>u</user> </x:auth></r>`},
		{
			[]inject.Field{{Key: "Header.Security.Token", Value: "t"}},
			`<soap:Envelope xmlns:soap="urn:s"><soap:Header><w:Security xmlns:w="urn:w"/></soap:Header><soap:Body/></soap:Envelope>`,
			`<soap:Envelope xmlns:soap="urn:s"><soap:Header><w:Security xmlns:w="urn:w"><w:Token>t</w:Token></w:Security></soap:Header><soap:Body/></soap:Envelope>`,
		},
	} {
		got := apply(t, newFields(t, test.fields, ""), xmlType, test.body)
		assert.Equal(t, test.want, got)
		assert.Equal(t, got, apply(t, newFields(t, test.fields, dialect.BodyXML), xmlType, got), "a second time changes nothing")
	}
}

func TestXMLRefusals(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}, {Key: "auth.token", Value: "t"}}, "")
	for body, want := range map[string]string{
		``:                                   "only the caller knows the root element",
		` `:                                  "malformed, or not UTF-8, at byte 1",
		`{}`:                                 "malformed, or not UTF-8, at byte 0",
		`<r>`:                                "malformed, or not UTF-8, at byte 3",
		`<r><a>`:                             "malformed, or not UTF-8, at byte 6",
		`<r><auth>`:                          "malformed, or not UTF-8, at byte 9",
		`<r><k>`:                             "malformed, or not UTF-8, at byte 6",
		`<r><a></b></r>`:                     "malformed, or not UTF-8, at byte 6",
		`<r><a><b =""/></a></r>`:             "malformed, or not UTF-8, at byte 6",
		`<r><k><b =""/></k></r>`:             "malformed, or not UTF-8, at byte 6",
		`<r>&x;</r>`:                         "malformed, or not UTF-8, at byte 3",
		`<r a=1/>`:                           "malformed, or not UTF-8, at byte 0",
		"<r>\xff</r>":                        "malformed, or not UTF-8, at byte 3",
		`<r/>text`:                           "malformed, or not UTF-8, at byte 4",
		`text<r/>`:                           "malformed, or not UTF-8, at byte 0",
		`<r/><r/>`:                           "second root element at byte 4",
		`<!DOCTYPE r [<!ENTITY x "y">]><r/>`: "document type declaration at byte 0",
		`<r><!ENTITY x "y"></r>`:             "document type declaration at byte 3",
		`<!-x><r/>`:                          "malformed, or not UTF-8, at byte 0",
		`<r><![x]]></r>`:                     "malformed, or not UTF-8, at byte 3",
		`<r><auth/><auth/></r>`:              "byte 10 of the XML document repeats an element",
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r>\xe9</r>": "malformed, or not UTF-8, at byte 46",
		`<?xml version="1.0" encoding="Shift_JIS"?><r/>`:             "malformed, or not UTF-8, at byte 0",
		`<?xml version="2.0"?><r/>`:                                  "malformed, or not UTF-8, at byte 0",
		`<?xml version="1.0" encoding = "Shift_JIS"?><r/>`:           "malformed, or not UTF-8, at byte 0",
		"<?xml version=\"1.0\" encoding\n=\t'UTF-7'?><r/>":           "malformed, or not UTF-8, at byte 0",
		"\xef\xbb\xbf<?xml encoding= \"ibm037\"?><r/>":               "malformed, or not UTF-8, at byte 3",
		`<?xml version = "2.0"?><r/>`:                                "malformed, or not UTF-8, at byte 0",
		`<?xml version="1.1' encoding="utf-8"?><r/>`:                 "malformed, or not UTF-8, at byte 0",
		`<r/><?xml version="1.1"?>`:                                  "malformed, or not UTF-8, at byte 4",
		`<?xml version="1.0" encoding="utf-16"?>` + `<r></a>`:        "malformed, or not UTF-8, at byte 42",
		utf16le(`<?xml version="1.0" encoding="utf-16"?><r/>`):       "malformed, or not UTF-8, at byte 0",
		"\xff\xfe" + utf16le(`<?xml version="1.0"?><r/>`):            "malformed, or not UTF-8, at byte 0",
		strings.Repeat("<a>", 20_000):                                "nested more than 10000 deep",
	} {
		err := f.Apply(post(xmlType, []byte(body)), inject.Room{})
		if body == "" {
			err = newFields(t, []inject.Field{{Key: "k"}}, dialect.BodyXML).Apply(post("", nil), inject.Room{})
		}
		require.ErrorIs(t, err, inject.ErrNotInjectable, body)
		assert.ErrorContains(t, err, want, body)
	}

	// Two readers must find the same names.
	name := newFields(t, []inject.Field{{Key: "é.id", Value: "v"}}, "")
	assert.Equal(t, `<?xml version="1.0" encoding="utf-16"?><r><é><id>v</id></é></r>`, apply(t, name, xmlType, `<?xml version="1.0" encoding="utf-16"?><r/>`))
	for _, encoding := range []string{"ISO-8859-1", "us-ascii", "Windows-1252"} {
		err := name.Apply(post(xmlType, []byte(`<?xml version="1.0" encoding="`+encoding+`"?><r/>`)), inject.Room{})
		require.ErrorIs(t, err, inject.ErrNotInjectable)
		assert.ErrorContains(t, err, "the XML document declares another encoding than UTF-8, in which a field's key is spelled differently: declare UTF-8")
	}

	// A field that XML cannot carry is found out when there is XML to carry it.
	f = newFields(t, []inject.Field{{Key: "user[id]", Value: "v"}, {Key: "k", Value: "\x00"}}, "")
	assert.Equal(t, "user%5Bid%5D=v&k=%00", apply(t, f, formType, ""))
	err := f.Apply(post(xmlType, []byte("<r/>")), inject.Room{})
	require.ErrorIs(t, err, inject.ErrNotInjectable)
	assert.ErrorContains(t, err, `field "user[id]": the key is not the name of an XML element or attribute`)
}

// utf16le returns ASCII text in UTF-16.
func utf16le(text string) string {
	return strings.Join(strings.Split(text, ""), "\x00") + "\x00"
}

// Serializers that write into strings declare what they like, and the bytes are
// UTF-8 all the same. A field has the same characters in every encoding.
func TestXMLDeclarations(t *testing.T) {
	fields := newFields(t, []inject.Field{{Key: "k", Value: "é€\u0085😀"}}, "")
	for _, declaration := range []string{
		`<?xml version="1.0" encoding="utf-8"?>`,
		`<?xml version="1.0" encoding="UTF8"?>`,
		`<?xml version='1.0' encoding='utf-16'?>`,
		`<?xml version="1.0" encoding="UTF-16LE" standalone="yes"?>`,
		`<?xml version="1.0" encoding="ISO-8859-1"?>`,
		`<?xml version="1.0" encoding="iso-8859-15"?>`,
		`<?xml version="1.0" encoding="US-ASCII"?>`,
		`<?xml version="1.0" encoding="ascii" ?>`,
		`<?xml version="1.0" encoding="latin1" ?>`,
		`<?xml version="1.0" encoding="windows-1252" standalone='no'?>`,
		`<?xml version="1.1"?>`,
		"<?xml\n version = \"1.1\"\tencoding = 'utf-8' ?>",
		"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-16\"?>",
	} {
		body := declaration + "\n<!-- é --><r ü=\"é\"><k>old é</k>é</r>\n"
		got := apply(t, fields, xmlType, body)
		assert.Equal(t, declaration+"\n<!-- é --><r ü=\"é\"><k>&#xE9;&#x20AC;&#x85;&#x1F600;</k>é</r>\n", got)
		assert.Equal(t, got, apply(t, fields, xmlType, got), "a second time changes nothing")
	}
}

// An element is a decoded XML element.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	children []any // *element, or string for text
}

func decodeXML(t testing.TB, document string) *element {
	t.Helper()
	if begin := strings.TrimPrefix(document, "\xef\xbb\xbf"); strings.HasPrefix(begin, "<?xml") { // encoding/xml knows one version and one encoding
		_, document, _ = strings.Cut(begin, "?>")
	}
	d := xml.NewDecoder(strings.NewReader(document))
	stack := []*element{{}}
	for {
		token, err := d.Token()
		if err == io.EOF {
			require.Len(t, stack, 1)
			for _, child := range stack[0].children {
				if root, ok := child.(*element); ok {
					return root
				}
			}
		}
		require.NoError(t, err, "%s", document)
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name, attrs: token.Attr}
			top.children = append(top.children, e)
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if n := len(top.children) - 1; n >= 0 {
				if text, ok := top.children[n].(string); ok {
					top.children[n] = text + string(token)
					break
				}
			}
			top.children = append(top.children, string(token))
		}
	}
}

// put does to a decoded element what Apply does to its bytes. The inserted
// elements come first, in the parent's namespace.
func (e *element) put(name, text string) {
	e.withChild(name, func(child *element) {
		child.children = nil
		if text != "" {
			child.children = []any{text}
		}
	})
}

func (e *element) withChild(name string, change func(*element)) {
	var found *element
	var kept []any
	for _, child := range e.children {
		c, ok := child.(*element)
		if ok && c.name.Local == name {
			if found != nil {
				continue
			}
			found = c
		}
		kept = append(kept, child)
	}
	if found == nil {
		found = &element{name: xml.Name{Space: e.name.Space, Local: name}}
		kept = append([]any{found}, kept...)
	}
	change(found)
	e.children = kept
}

// flat returns the element in a form to compare: text that is now adjacent
// joined.
func (e *element) flat() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%v %v>", e.name, e.attrs)
	for _, child := range e.children {
		switch child := child.(type) {
		case string:
			fmt.Fprintf(&b, "%s", strings.ReplaceAll(child, "<", "&lt;"))
		case *element:
			b.WriteString(child.flat())
		}
	}
	return b.String() + "</>"
}

// An xmlGenerator writes random documents.
type xmlGenerator struct {
	*rand.Rand
	bytes.Buffer
}

func (g *xmlGenerator) pick(s ...string) { g.WriteString(s[g.IntN(len(s))]) }

func (g *xmlGenerator) text() {
	for range g.IntN(3) {
		g.pick("a", "é", "&lt;k&gt;", "&#xA;", "\n  ", "<![CDATA[<k>&]]>", "<!-- <k> -->", "<?pi k?>", ">", "].", "'\"")
	}
}

func (g *xmlGenerator) element(depth int, names ...string) {
	name := names[g.IntN(len(names))]
	g.WriteString("<" + name)
	g.pick("", "", " a='>'", "\n b=\"/\" a=''", ` xmlns:p="urn:q"`)
	if g.IntN(4) == 0 {
		g.pick("/>", " />")
		return
	}
	g.pick(">", " >")
	g.text()
	for range g.IntN(4) {
		if depth > 0 {
			g.element(depth-1, "m", "p:m", "p:k2", "ké", "other")
		}
		g.text()
	}
	g.WriteString("</" + name)
	g.pick(">", " >")
}

func TestXMLRoundTrip(t *testing.T) {
	g := &xmlGenerator{Rand: rand.New(rand.NewPCG(1, 2))}
	all := newFields(t, xmlFields, "")
	one := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "")
	for range 400 {
		g.Reset()
		g.pick("", "<?xml version='1.0'?>\n", "<!-- c -->", "\n")
		g.element(3, "r", "p:r", "r.é")
		g.pick("", "\n", "<!-- c -->")
		body := g.String()

		want := decodeXML(t, body)
		want.withChild("auth", func(auth *element) {
			auth.put("pass.word", "")
			auth.put("user", "u")
		})
		want.put("token", "<t>&\"\n é")
		got := apply(t, all, xmlType, body)
		require.Equal(t, want.flat(), decodeXML(t, got).flat(), "%s\n%s", body, got)

		// A new field is one insertion, and no other byte changes, but for an
		// empty-element tag that has to be opened.
		got = apply(t, one, xmlType, body)
		i := strings.Index(got, "k>v</")
		start := strings.LastIndexByte(got[:i], '<')
		end := i + len("k>v</") + strings.IndexByte(got[i+len("k>v</"):], '>') + 1
		if rest := got[:start] + got[end:]; rest != body {
			end += strings.IndexByte(got[end:], '>') + 1
			require.Equal(t, body, got[:start-1]+"/>"+got[end:], "%s", got)
		}

		// An existing one is one replacement.
		g.Reset()
		g.WriteString("<r>")
		g.element(2, "m", "p:m")
		g.WriteString(`<p:k a=">">`)
		from := g.Len()
		g.text()
		g.element(2, "k", "m", "p:k")
		to := g.Len()
		g.WriteString("</p:k ><m/></r>")
		body = g.String()
		require.Equal(t, body[:from]+"v"+body[to:], apply(t, one, xmlType, body))
	}
}
