package inject_test

import (
	"encoding/xml"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

func TestXMLAttributes(t *testing.T) {
	tricky := []inject.Field{{Key: "@token", Value: "<t>&\"'\n é"}}
	const written = `&lt;t&gt;&amp;&#34;&#39;&#xA; &#xE9;`
	for _, test := range []struct {
		fields     []inject.Field
		body, want string
	}{
		{tricky, `<r/>`, `<r token="` + written + `"/>`},
		{tricky, `<r />`, `<r token="` + written + `" />`},
		{tricky, `<r></r>`, `<r token="` + written + `"></r>`},
		{tricky, "<r token=\t\r\n 'old'/>", "<r token=\t\r\n '" + written + "'/>"},
		{tricky, `<r token='old'/>`, `<r token='` + written + `'/>`},
		{tricky, "<r a='>' \n token\t= \"old>'\" b=\"1\">x</r>", "<r a='>' \n token\t= \"" + written + "\" b=\"1\">x</r>"},
		{keyed("@k"), `<r a="k='1'" kk="2" K="3"/>`, `<r k="v" a="k='1'" kk="2" K="3"/>`},
		{keyed("@k"), `<r a=""k=""b=""/>`, `<r a=""k="v"b=""/>`},

		// An attribute without a prefix is in no namespace, and another than the
		// attribute with a prefix.
		{keyed("@type"), `<x:r xmlns:x="urn:x" x:type="1"/>`, `<x:r type="v" xmlns:x="urn:x" x:type="1"/>`},
		{keyed("@type"), `<r xmlns="urn:x"><type>1</type></r>`, `<r type="v" xmlns="urn:x"><type>1</type></r>`},

		// Nested, and beside elements.
		{keyed("auth.@user", "/auth/@pass"), `<r/>`, `<r><auth user="v" pass="v2"></auth></r>`},
		{keyed("auth.@user", "/auth/@pass"), `<r><auth/></r>`, `<r><auth user="v" pass="v2"/></r>`},
		{keyed("auth.@user", "auth.@pass"), `<r><x:auth pass="1">text<!-- c --></x:auth></r>`, `<r><x:auth user="v" pass="v2">text<!-- c --></x:auth></r>`},
		{keyed("auth.@user", "auth.pass"), `<r><auth/></r>`, `<r><auth user="v"><pass>v2</pass></auth></r>`},
		{keyed("auth.pass", "auth.@user"), `<r><auth user=''><pass>1</pass></auth></r>`, `<r><auth user='v2'><pass>v</pass></auth></r>`},
		{keyed("a.b.@c", "a.@c", "@c"), `<p:r xmlns:p="urn:p"/>`, `<p:r c="v3" xmlns:p="urn:p"><p:a c="v2"><p:b c="v"></p:b></p:a></p:r>`},
		{keyed("a", "@a"), `<r/>`, `<r a="v2"><a>v</a></r>`},
	} {
		f := newFields(t, test.fields, "")
		got := apply(t, f, xmlType, test.body)
		assert.Equal(t, test.want, got)
		decodeXML(t, got)
		assert.Equal(t, got, apply(t, f, xmlType, got), "a second time changes nothing")
	}

	// In the other formats, the same keys are plain names.
	f := newFields(t, keyed("auth.@user"), "")
	assert.Equal(t, `{"auth":{"@user":"v"}}`, apply(t, f, jsonType, `{}`))
	assert.Equal(t, `auth.%40user=v`, apply(t, f, formType, ``))
}

func TestXMLAttributeRefusals(t *testing.T) {
	for _, key := range []string{"@", "@a:b", "@1", "@a b", "@@a", "@xmlns", "@a.b", "/@a/@b", "a@b", "a.@"} {
		_, err := inject.NewFields(keyed(key), dialect.BodyXML, 0)
		assert.ErrorContains(t, err, "the key is not the name of an XML element or attribute", key)
	}
	_, err := inject.NewFields(keyed("auth", "auth.@id"), dialect.BodyXML, 0)
	assert.ErrorContains(t, err, "same place as another field, or inside it")

	f := newFields(t, keyed("@k", "auth.@k"), "")
	for body, want := range map[string]string{
		`<r k="1" a="" k="2"/>`:            "the element at byte 0 of the XML document has an attribute twice that is a field: send it once",
		`<r><auth k='1' k='1'></auth></r>`: "the element at byte 3",
		`<r><auth/><auth/></r>`:            "byte 10 of the XML document repeats an element",
		`<r k=1/>`:                         "malformed, or not UTF-8, at byte 0",
		`<r k/>`:                           "malformed, or not UTF-8, at byte 0",
	} {
		err := f.Apply(post(xmlType, []byte(body)), inject.Room{})
		require.ErrorIs(t, err, inject.ErrNotInjectable, body)
		assert.ErrorContains(t, err, want, body)
	}
}

// setAttribute does to a decoded element what Apply does to its bytes.
func (e *element) setAttribute(name, value string) {
	i := slices.IndexFunc(e.attrs, func(a xml.Attr) bool { return a.Name == xml.Name{Local: name} })
	if i < 0 {
		e.attrs = append([]xml.Attr{{Name: xml.Name{Local: name}}}, e.attrs...)
		i = 0
	}
	e.attrs[i].Value = value
}

func FuzzXMLAttributes(f *testing.F) {
	for _, body := range []string{
		`<r/>`, `<r k='old' a = "k='1'"><auth k=""/></r>`, `<p:r xmlns:p="urn:p" p:k="1" k
		="2"/>`, `<r k="1" k="2"/>`, `<r a=">"b='/'><x/><auth  xmlns="k"></auth></r>`, `<: k="1"/>`, `<p: k="1"/>`,
	} {
		f.Add([]byte(body))
	}
	fields := newFields(f, []inject.Field{{Key: "@k", Value: "<v>\"'é"}, {Key: "auth.@k", Value: "v"}}, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		req := post(xmlType, body)
		if err := fields.Apply(req, inject.Room{}); err != nil {
			require.ErrorIs(t, err, inject.ErrNotInjectable)
			return
		}
		got := sent(t, req)
		want := decodeXML(t, string(body))
		want.setAttribute("k", "<v>\"'é")
		want.withChild("auth", func(auth *element) { auth.setAttribute("k", "v") })
		require.Equal(t, want.flat(), decodeXML(t, got).flat(), "%s", got)
		require.Equal(t, got, apply(t, fields, xmlType, got), "a second time changes nothing")
	})
}
