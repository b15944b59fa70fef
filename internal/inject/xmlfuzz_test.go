package inject_test

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/inject"
)

func FuzzXML(f *testing.F) {
	for _, body := range []string{
		`<r/>`, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<request>\n  <token>old</token>\n  <auth user=\"x\"/>\n</request>\n",
		`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><m:GetPrice xmlns:m="urn:x"><m:Item>A &amp; B</m:Item></m:GetPrice></soap:Body></soap:Envelope>`,
		`<methodCall><methodName>a.b</methodName><params><param><value><i4>1</i4></value></param></params></methodCall>`,
		"<?xml version='1.1' encoding=\"utf-16\"?><r>é</r>", `<?xml version="1.0" encoding="latin1"?><r/>`, `<!DOCTYPE r><r>&x;</r>`, `<r><token/><token>1</token><auth><user/></auth><![CDATA[]]></r>`,
	} {
		f.Add([]byte(body))
	}
	fields := newFields(f, xmlFields, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		req := post(xmlType, body)
		if err := fields.Apply(req, inject.Room{}); err != nil {
			require.ErrorIs(t, err, inject.ErrNotInjectable)
			return
		}
		got := sent(t, req)
		want := decodeXML(t, string(body))
		want.withChild("auth", func(auth *element) {
			auth.put("pass.word", "")
			auth.put("user", "u")
		})
		want.put("token", "<t>&\"\n é")
		require.Equal(t, want.flat(), decodeXML(t, got).flat(), "%s", got)
		require.Equal(t, got, apply(t, fields, xmlType, got), "a second time changes nothing")
	})
}

// xmlTexts are documents at the edge of what XML is: references, characters, names,
// comments, sections, tags and nesting, on either side.
var xmlTexts = []string{
	`<r>&lt;&gt;&amp;&apos;&quot;&#9;&#x10FFFF;&#xD800;&#x00000000000000000041;</r>`, `<r a="&#10;"/>`,
	`<r>&#0;</r>`, `<r>&#xFFFE;</r>`, `<r>&#x110000;</r>`, `<r>&#99999999999999999999;</r>`, `<r>&#X41;</r>`, `<r>&#;</r>`, `<r>&#x;</r>`,
	`<r>&#65</r>`, `<r>&#65x</r>`, `<r>&#4294967361;</r>`, `<r>&#x100000041;</r>`, `<r>&nbsp;</r>`, `<r>&lt</r>`, `<r>&;</r>`, `<r>&`, `<r a="&lt"/>`, `<r a='&x;'/>`, `<r>&amp ;</r>`, `<r>&#xg;</r>`, `<r>&#a;</r>`,
	"<r>\x00</r>", "<r>\x1f</r>", "<r>\x7f</r>", "<r>\u0085\ufffd\U0010ffff</r>", "<r>\ufffe</r>", "<r>\uffff</r>", "<r>\xed\xa0\x80</r>", "<r>\xc3</r>", "<r a='\xc3'/>", "<r a='\n\r\n\x0b'/>",
	`<r>]]></r>`, `<r>]]&gt;</r>`, `<r>]]]></r>`, `<r>] ]></r>`, `<r a="]]>"/>`, `<r a="<"/>`, `<r a=">"/>`, `<r a='"' b="'"/>`, `<r a=1/>`, `<r a/>`, `<r a =
	'1'/>`, `<r a="1"b="2"/>`, `<r a="1" a="1"/>`, `<r "1"/>`, `<r a="1/>`, `<r a=`, `<r a`, `<r /`, `<r / >`, `<r/x>`, `<r`, `<`, `< r/>`, `</r>`, `</>`, `<r></r`, `<r></r >`, `<r></ r>`, `<r></r a="1">`,
	`<r></R>`, `<p:r></q:r>`, `<p:r></r>`, `<p:r></p:r>`, `<:></:>`, `<p:></p:>`, `<:p/>`, `<p:q:r/>`, `<r p:q:r="1"/>`, `<-r/>`, `<.r/>`, `<1/>`, `<r1-._/>`, `<r 1="1"/>`, `<r$/>`,
	`<é/>`, `<ré/>`, `<r é="1"/>`, `<p:é/>`, `<é:é:é/>`, `<·/>`, `<r·/>`, `<×/>`, "<r\u0300/>", "<r\xff/>", "<\xc3/>", `<r€/>`, `<?é?><r/>`, `<?€?><r/>`,
	`<!----><r/>`, `<!--->--><r/>`, `<r><!-- -- --></r>`, `<r><!-- ---></r>`, "<!-- \xff\x00 --><r/>", `<!-- `, `<!--`, `<!-x><r/>`, `<!- -><r/>`, `<r><!-- -></r>`,
	`<r><![CDATA[]]></r>`, `<r><![CDATA[<a>&x;]]]]></r>`, `<r><![CDATA[]]>]]></r>`, "<r><![CDATA[\xff]]></r>", `<r><![CDATA[ ]] ></r>`, `<r><![CDATA`, `<r><![cdata[]]></r>`, `<r><![`,
	`<?pi?><r/>`, `<?pi a?b?c>?><r/>`, `<?pi`, `<??><r/>`, `<? pi?><r/>`, `<?p:q:r?><r/>`, `<?1?><r/>`, "<?pi \xff?><r/>", `<r><?xml?></r>`, `<r/><?xml version="1.0"?>`, `<r/><?xml version="1.1"?>`, `<r/><?xml encoding="latin1"?>`, `<r/><?XML version="7"?>`,
	`<r/>text`, `text<r/>`, `<r/><r/>`, `<r/></r>`, `<r><a></r></a>`, `<r><a/>`, `<r/>` + "\u00a0\u0085 \t", "\xef\xbb\xbf<r/>\xef\xbb\xbf", "\xef\xbb\xbf\xef\xbb\xbf<r/>", `<r/>&#32;`, `<r/><![CDATA[ ]]>`, ``, ` `,
	`<!DOCTYPE r><r/>`, `<r><!ELEMENT></r>`, `<r/><!x>`, `<!`, `<r><!`, `<! r><r/>`, `<!><r/>`,
}

// takenByEncodingXML reports whether a document has one root element and encoding/xml
// reads all of the document. Between the tags only, a document may have references and
// CDATA sections. A document type declaration is refused, whatever encoding/xml says.
func takenByEncodingXML(document string) bool {
	d := xml.NewDecoder(strings.NewReader(document))
	for roots, depth := 0, 0; ; {
		start := d.InputOffset()
		token, err := d.Token()
		switch token.(type) {
		case nil:
			return err == io.EOF && roots == 1
		case xml.StartElement:
			if depth++; depth == 1 {
				roots++
			}
		case xml.EndElement:
			depth--
		case xml.Directive:
			return false
		case xml.CharData:
			text := strings.TrimPrefix(document[start:d.InputOffset()], "\ufeff")
			if depth == 0 && strings.TrimSpace(text) != "" {
				return false
			}
		}
		if roots > 1 {
			return false
		}
	}
}

// FuzzXMLIsReadAsByEncodingXML holds the reader of XML against encoding/xml: each takes
// what the other takes, and the result means what the document meant, with the field.
func FuzzXMLIsReadAsByEncodingXML(f *testing.F) {
	for _, text := range xmlTexts {
		f.Add([]byte(text))
	}
	fields := newFields(f, []inject.Field{{Key: "k", Value: "v"}}, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		document := string(body)
		if strings.HasPrefix(strings.TrimPrefix(document, "\ufeff"), "<?xml") || len(document) > 10_000 {
			t.Skip() // TestXMLDeclarations, and the limit of nesting
		}
		req := post(xmlType, body)
		err := fields.Apply(req, inject.Room{})
		require.Equal(t, takenByEncodingXML(document), err == nil, "%q: %v", document, err)
		if err != nil {
			require.ErrorIs(t, err, inject.ErrNotInjectable)
			return
		}
		want := decodeXML(t, document)
		want.put("k", "v")
		require.Equal(t, want.flat(), decodeXML(t, sent(t, req)).flat(), "%q", document)
	})
}
