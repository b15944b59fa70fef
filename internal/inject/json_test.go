package inject_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

const jsonType = "application/json"

var jsonFields = []inject.Field{
	{Key: "api_key", Value: `k"1\`},
	{Key: "auth.token", Value: "t"},
	{Key: "/auth/the.id~1~0", Value: "7", Type: dialect.FieldInteger},
	{Key: "live", Value: "true", Type: dialect.FieldBoolean},
}

func TestJSON(t *testing.T) {
	one := []inject.Field{{Key: "k", Value: "v"}}
	nested := []inject.Field{{Key: "auth.token", Value: "t"}, {Key: "auth.n", Value: "1.50", Type: dialect.FieldNumber}}
	for _, test := range []struct {
		fields     []inject.Field
		body, want string
	}{
		{one, `{}`, `{"k":"v"}`},
		{one, " {\n} \n", " {\"k\":\"v\"\n} \n"},
		{one, "\xef\xbb\xbf{}", "\xef\xbb\xbf{\"k\":\"v\"}"},
		{one, `{"a" : 1.0e+2 }`, `{"a" : 1.0e+2,"k":"v" }`},
		{one, `{"k":"old"}`, `{"k":"v"}`},
		{one, `{ "k" : {"k":[1,{"k":2}]} , "a":"\u00e9"}`, `{ "k" : "v" , "a":"\u00e9"}`},
		{one, `{"\u006B":null,"a":{"k":1}}`, `{"\u006B":"v","a":{"k":1}}`},
		{one, `{"k":1,"k":2, "a":3 , "\u006b" : 4,"b":5}`, `{"k":"v", "a":3,"b":5}`},
		{one, `{"K":1,"kk":2,"":3,"\u006bk":4,"\\k":5}`, `{"K":1,"kk":2,"":3,"\u006bk":4,"\\k":5,"k":"v"}`},
		{one, `{"a":"}{\"k\":1,"}`, `{"a":"}{\"k\":1,","k":"v"}`},
		{nested, `{}`, `{"auth":{"token":"t","n":1.50}}`},
		{nested, `{"auth":{}}`, `{"auth":{"token":"t","n":1.50}}`},
		{nested, `{"auth":null,"a":1}`, `{"auth":{"token":"t","n":1.50},"a":1}`},
		{nested, `{"auth": { "x":1, "n":0, "y":2 } }`, `{"auth": { "x":1, "n":1.50, "y":2,"token":"t" } }`},
		{nested, `{"auth.token":1}`, `{"auth.token":1,"auth":{"token":"t","n":1.50}}`},
		{jsonFields, ``, `{"api_key":"k\"1\\","auth":{"token":"t","the.id/~":7},"live":true}`},
		{[]inject.Field{{Key: "a.b.c.d", Value: "<&>"}}, `{"a":{"b":{}}}`, `{"a":{"b":{"c":{"d":"<&>"}}}}`},
	} {
		got := apply(t, newFields(t, test.fields, ""), jsonType, test.body)
		assert.Equal(t, test.want, got)
		assert.True(t, json.Valid(bytes.TrimPrefix([]byte(got), []byte("\xef\xbb\xbf"))))
		assert.Equal(t, got, apply(t, newFields(t, test.fields, ""), jsonType, got), "a second time changes nothing")
	}
}

func TestJSONNamesAreComparedUnescaped(t *testing.T) {
	for name, spellings := range map[string][]string{
		`a/"\😀`:   {`a\/\"\\\ud83d\ude00`, `\u0061/\u0022\u005c😀`, `a/\"\\\uD83D\uDE00`},
		"é~b":     {`é~b`, `\u00e9~\u0062`, `\u00E9\u007Eb`},
		"x\ufffd": {`x\ud800`, `x\ude00`, `x\uD83D`},
	} {
		key := "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		f := newFields(t, []inject.Field{{Key: key, Value: "v"}}, "")
		for _, spelling := range spellings {
			assert.Equal(t, `{"`+spelling+`":"v"}`, apply(t, f, jsonType, `{"`+spelling+`":0}`))
		}
		for _, other := range []string{`\b\f\n\r\t`, `\ud83d\u0061`, `\ud83dx`, `a\/\"\\\ud83dxude00`, `a\/\"\\\ud83d\nde00`, `a\/`, `a\u002f\"\\\ud83d\ude00x`} {
			var decoded map[string]any
			got := apply(t, f, jsonType, `{"`+other+`":0}`)
			require.NoError(t, json.Unmarshal([]byte(got), &decoded))
			assert.Len(t, decoded, 2, "%s", got)
		}
	}
}

func TestJSONRefusals(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}, {Key: "auth.token", Value: "t"}}, "")
	for body, want := range map[string]string{
		`[{"k":1}]`:                             "value at byte 0 of the JSON document is not an object",
		` "text"`:                               "value at byte 1 of the JSON document is not an object",
		`null`:                                  "value at byte 0 of the JSON document is not an object",
		`12`:                                    "value at byte 0 of the JSON document is not an object",
		` `:                                     "malformed at byte 1",
		"\x00":                                  "malformed at byte 0",
		`{`:                                     "malformed at byte 1",
		`{"a"`:                                  "malformed at byte 4",
		`{"a":`:                                 "malformed at byte 5",
		`{"a":1`:                                "malformed at byte 6",
		`{"a":"\u00e"}`:                         "malformed at byte 11",
		`{"\u00e":1}`:                           "malformed at byte 7",
		`{"a":1,}`:                              "malformed at byte 7",
		`{,}`:                                   "malformed at byte 1",
		`{"a":1 "b":2}`:                         "malformed at byte 7",
		`{"a":1}}`:                              "byte 7 comes after the end",
		`{"a":1}{}`:                             "byte 7 comes after the end",
		"{\"a\":1}\x00":                         "byte 7 comes after the end",
		`{a:1}`:                                 "malformed at byte 1",
		`{'a':1}`:                               "malformed at byte 1",
		`{"a":tru}`:                             "malformed at byte 8",
		`{"a":falsy}`:                           "malformed at byte 9",
		`{"a":01}`:                              "malformed at byte 6",
		`{"a":-}`:                               "malformed at byte 6",
		`{"a":1.}`:                              "malformed at byte 7",
		`{"a":1e}`:                              "malformed at byte 7",
		`{"a":+1}`:                              "malformed at byte 5",
		`{"a":NaN}`:                             "malformed at byte 5",
		`{"a":[1,]}`:                            "malformed at byte 8",
		`{"a":[1}`:                              "malformed at byte 7",
		`{"a":{"b":1]}`:                         "malformed at byte 11",
		`{"a":{"b"}}`:                           "malformed at byte 9",
		`{"a":{1:1}}`:                           "malformed at byte 6",
		`{"a":{"b":1,2}}`:                       "malformed at byte 12",
		`{"a":"x`:                               "malformed at byte 7",
		`{"a":"\`:                               "malformed at byte 7",
		`{"a":"\x"}`:                            "malformed at byte 7",
		`{"a":"\u12g4"}`:                        "malformed at byte 10",
		"{\"a\":\"\n\"}":                        "malformed at byte 6",
		`{"a":1/**/}`:                           "malformed at byte 6",
		`{"k":[}`:                               "malformed at byte 6",
		`{"auth":nul}`:                          "malformed at byte 11",
		`{"auth":{"token":}}`:                   "malformed at byte 17",
		`{"auth":"x"}`:                          "the value at byte 8 of the JSON document is not an object",
		`{"auth":[{}]}`:                         "the value at byte 8 of the JSON document is not an object",
		`{"auth":{},"auth":{}}`:                 "byte 18 of the JSON document repeats a member",
		`{"auth":null,"\u0061uth":{"token":1}}`: "byte 25 of the JSON document repeats a member",
	} {
		req := post(jsonType, []byte(body))
		err := f.Apply(req, inject.Room{})
		require.ErrorIs(t, err, inject.ErrNotInjectable, body)
		assert.ErrorContains(t, err, want, body)
	}
}

func TestJSONDepthIsLimited(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "")
	for _, pair := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
		deep := func(depth int) string {
			value := strings.Repeat(pair[0], depth-1) + "1" + strings.Repeat(pair[1], depth-1)
			return `{"a":` + value + `}`
		}
		for _, depth := range []int{1, 100, 10_000} {
			body := deep(depth)
			require.True(t, json.Valid([]byte(body)))
			assert.Equal(t, strings.TrimSuffix(body, "}")+`,"k":"v"}`, apply(t, f, jsonType, body))
		}
		require.False(t, json.Valid([]byte(deep(10_001))))
		assert.ErrorContains(t, f.Apply(post(jsonType, []byte(deep(10_001))), inject.Room{}), "nested more than 10000 deep")
	}
	endless := []byte(strings.Repeat(`{"k":`, 1<<20))
	assert.ErrorIs(t, f.Apply(post(jsonType, endless), inject.Room{}), inject.ErrNotInjectable)
}

// A jsonGenerator writes random documents in random spellings.
type jsonGenerator struct {
	*rand.Rand
	bytes.Buffer
}

func (g *jsonGenerator) pick(s ...string) { g.WriteString(s[g.IntN(len(s))]) }

func (g *jsonGenerator) space() { g.pick("", "", "", " ", "\n\t", "\r\n  ") }

func (g *jsonGenerator) value(depth int) {
	switch kind := g.IntN(6); {
	case kind == 0 && depth > 0:
		g.WriteByte('[')
		for i := range g.IntN(4) {
			if i > 0 {
				g.WriteByte(',')
			}
			g.space()
			g.value(depth - 1)
			g.space()
		}
		g.WriteByte(']')
	case kind == 1 && depth > 0:
		g.WriteByte('{')
		g.members(depth, g.IntN(4))
		g.WriteByte('}')
	case kind == 2:
		g.pick("null", "true", "false")
	case kind == 3:
		g.pick("0", "-0", "12", "1.50", "1e3", "-7.25E-10", "123456789012345678901234567890")
	default:
		g.text()
	}
}

func (g *jsonGenerator) text() {
	g.WriteByte('"')
	for range g.IntN(5) {
		g.pick("a", "é", "😀", " ", `\n`, `\"`, `\\`, `\/`, `\u00e9`, `\ud83d\ude00`, "{", "]", ",", ":", "k", "\x7f")
	}
	g.WriteByte('"')
}

func (g *jsonGenerator) members(depth, n int) {
	for i := range n {
		if i > 0 {
			g.WriteByte(',')
		}
		g.space()
		fmt.Fprintf(g, `"m%d-%d`, depth, i)
		key := g.Len()
		g.text()
		text := g.Bytes()[key:]
		text[0] = '_' // the quote is already there
		g.space()
		g.WriteByte(':')
		g.space()
		g.value(depth - 1)
		g.space()
	}
}

// document writes an object with n members before and after what is between.
func (g *jsonGenerator) document(between func()) string {
	g.Reset()
	g.space()
	g.WriteByte('{')
	before, after := g.IntN(4), g.IntN(4)
	g.members(4, before)
	if between != nil {
		if before > 0 {
			g.WriteByte(',')
		}
		between()
		if after > 0 {
			g.WriteByte(',')
		}
	} else if before > 0 && after > 0 {
		g.WriteByte(',')
	}
	g.members(3, after)
	g.space()
	g.WriteByte('}')
	g.space()
	return g.String()
}

func decodeJSON(t testing.TB, document string) (m map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(strings.TrimPrefix(document, "\xef\xbb\xbf")))
	d.UseNumber()
	require.NoError(t, d.Decode(&m), "%s", document)
	return m
}

func TestJSONRoundTrip(t *testing.T) {
	g := &jsonGenerator{Rand: rand.New(rand.NewPCG(1, 2))}
	all := newFields(t, jsonFields, "")
	one := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "")
	for range 1000 {
		// Whatever the document, decoding shows the fields and all that was there.
		body := g.document(nil)
		want := decodeJSON(t, body)
		want["api_key"], want["live"] = `k"1\`, true
		want["auth"] = map[string]any{"token": "t", "the.id/~": json.Number("7")}
		require.Equal(t, want, decodeJSON(t, apply(t, all, jsonType, body)), "%s", body)

		// A new field is one insertion, and no other byte changes.
		got := apply(t, one, jsonType, body)
		var added bool
		for i := 0; i <= len(body) && !added; i++ {
			text := got[i : i+len(got)-len(body)]
			added = got[:i] == body[:i] && got[i+len(text):] == body[i:] && strings.Trim(text, ",") == `"k":"v"`
		}
		require.True(t, added, "%s\n%s", body, got)

		// An existing one is one replacement.
		var start, end int
		body = g.document(func() {
			g.pick(`"k"`, `"\u006b"`, `"\u006B"`)
			g.space()
			g.WriteByte(':')
			g.space()
			start = g.Len()
			g.value(3)
			end = g.Len()
			g.space()
		})
		require.Equal(t, body[:start]+`"v"`+body[end:], apply(t, one, jsonType, body))
	}
}

func FuzzJSON(f *testing.F) {
	for _, body := range []string{
		``, `{}`, "\xef\xbb\xbf { } ",
		`{"chat_id":-100123,"text":"Hi \ud83d\ude00","disable_notification":true,"api_key":"old"}`,
		`{"properties":{"email":"a@b.c","phone":null},"associations":[{"to":{"id":101},"types":[{"associationTypeId":2}]}]}`,
		`{"auth":{"token":"x","scopes":["a"]},"api\u005fkey":1,"api_key":2}`,
		`{"query":"query($n:Int!){a(n:$n){id}}","variables":{"n":3.0e2},"auth":null}`,
		`[{"auth":{}}]`, `{"auth":[]}`, `{"a":1,}`,
	} {
		f.Add([]byte(body))
	}
	fields := newFields(f, []inject.Field{{Key: "api_key", Value: "k"}, {Key: "auth.token", Value: "t"}}, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		document := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
		isObject := json.Valid(document) && bytes.HasPrefix(bytes.TrimLeft(document, " \t\r\n"), []byte("{"))
		req := post(jsonType, body)
		if err := fields.Apply(req, inject.Room{}); err != nil {
			require.ErrorIs(t, err, inject.ErrNotInjectable)
			conflict := strings.Contains(err.Error(), "repeats a member") || strings.Contains(err.Error(), "and fields go into it")
			require.True(t, conflict || !isObject, "%v", err)
			return
		}
		require.True(t, isObject || len(body) == 0)
		got := sent(t, req)
		want := map[string]any{}
		if len(body) > 0 {
			want = decodeJSON(t, string(body))
		}
		auth, _ := want["auth"].(map[string]any)
		if auth == nil {
			auth = map[string]any{}
		}
		auth["token"] = "t"
		want["api_key"], want["auth"] = "k", auth
		require.Equal(t, want, decodeJSON(t, got))
		require.Equal(t, got, apply(t, fields, jsonType, got), "a second time changes nothing")
	})
}
