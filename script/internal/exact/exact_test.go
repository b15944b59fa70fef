package exact

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMergeKeepsWhatIsTheSame(t *testing.T) {
	for _, test := range []struct{ source, changed, want string }{
		// numbers keep their spelling
		{`{"id": 7615917337495251231, "price": 10.00}`, `{"id":7615917337495251000,"price":10,"new":1}`, `{"id": 7615917337495251231, "price": 10.00,"new":1}`},
		{`[1E5, -0, 1e400, 0.1e1, 100000000000000000000000]`, `[100000,0,null,1,1e+23]`, `[1E5, -0, 1e400, 0.1e1, 100000000000000000000000]`},
		{`{"a": 1.0, "b": 2.0}`, `{"a":1,"b":3}`, `{"a": 1.0, "b": 3}`},
		// strings keep their escapes
		{`{"a": "\u00e9\/\ud800", "b": 1}`, `{"a":"é/\ud800","b":2}`, `{"a": "\u00e9\/\ud800", "b": 2}`},
		{`["\ud83d\ude00", "\uD83D"]`, `["😀","\ud83d",1]`, `["\ud83d\ude00", "\uD83D",1]`},
		{`{"\u0061": 1}`, `{"a":1,"b":2}`, `{"\u0061": 1,"b":2}`},
		// members keep their order, and what is between them
		{"{\n  \"b\": 1,\n  \"10\": 2,\n  \"2\": 3\n}\n", `{"2":3,"10":2,"b":4}`, "{\n  \"b\": 4,\n  \"10\": 2,\n  \"2\": 3\n}\n"},
		{`{"a": 1, "b": 2, "c": 3}`, `{"b":2,"c":3}`, `{ "b": 2, "c": 3}`},
		{`{"a": 1, "b": 2, "c": 3}`, `{"a":1,"c":3}`, `{"a": 1, "c": 3}`},
		{`{"a": 1, "b": 2, "c": 3}`, `{"a":1,"b":2}`, `{"a": 1, "b": 2}`},
		{`{"a": 1, "b": 2}`, `{}`, `{}`},
		{`{"a": 1}`, `{"b":2}`, `{"b":2}`},
		{`{}`, `{"b":2,"c":3}`, `{"b":2,"c":3}`},
		{`[1, 2.0, 3]`, `[1,2]`, `[1, 2.0]`},
		{`[1]`, `[]`, `[]`},
		{`[]`, `[1,2]`, `[1,2]`},
		// several members of one name: JavaScript sees the last
		{`{"a": 1, "a": 2.0, "b": 1}`, `{"a":2,"b":2}`, `{"a": 1, "a": 2.0, "b": 2}`},
		{`{"a": 1, "a": 2, "b": 1}`, `{"a":3,"b":1}`, `{ "a": 3, "b": 1}`},
		{`{"a": 1, "a": 2, "b": 1}`, `{"b":1}`, `{ "b": 1}`},
		// other kinds
		{`{"a": {"b": [1.0, {"c": 2.0}]}}`, `{"a":{"b":[1,{"c":2,"d":3}]}}`, `{"a": {"b": [1.0, {"c": 2.0,"d":3}]}}`},
		{` {"a": 1} `, `[1]`, ` [1] `},
		{`{"a": true, "b": null}`, `{"a":false,"b":"x"}`, `{"a": false, "b": "x"}`},
		// a number that moves keeps its digits if only one number can be meant
		{`{"id": 7615917337495251231}`, `{"data":{"id":7615917337495251000}}`, `{"data":{"id":7615917337495251231}}`},
		{`[7615917337495251231, 2]`, `[2,7615917337495251000]`, `[2, 7615917337495251231]`},
		{`{"a": 10.00}`, `{"b":10}`, `{"b":10}`},
	} {
		got, err := Merge([]byte(test.source), []byte(test.changed), Stayed)
		require.NoError(t, err, test.source)
		assert.Equal(t, test.want, string(got), "%s with %s", test.source, test.changed)
	}
}

func TestMergeRefusesToRound(t *testing.T) {
	for _, test := range []struct{ source, changed string }{
		{`{"a": 7615917337495251231, "b": 7615917337495251232}`, `{"a":7615917337495251000,"b":7615917337495251000,"c":7615917337495251000}`},
		{`{"id": 7615917337495251231}`, `{"id":7615917337495251000,"text":"order 7615917337495251000"}`},
		{`{"a": 1e400}`, `{"b":null}`},
		{`[0.12345678901234567891]`, `["x",{"y":"0.12345678901234568"}]`},
	} {
		_, err := Merge([]byte(test.source), []byte(test.changed), Stayed)
		assert.ErrorIs(t, err, ErrRounded, test.source)
	}
}

// Members of one name in members of one name are compared once each, and not twice at
// each depth.
func TestMergeOfRepeatedNamesTakesNoTime(t *testing.T) {
	const depth = 500
	source := strings.Repeat(`{"a":0,"a":`, depth) + "1.0" + strings.Repeat("}", depth)
	changed := strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
	got, err := Merge([]byte(source), []byte(changed), Stayed)
	require.NoError(t, err)
	assert.Equal(t, source, string(got))
	got, err = Merge([]byte(source), []byte(strings.Replace(changed, "1", "2", 1)), Stayed)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat(`{"a":`, depth)+"2"+strings.Repeat("}", depth), string(got))
}

// Numbers that look alike in JavaScript: where elements may have moved, nobody knows
// which is meant.
func TestMergeMixesUpNoNumbersThatLookAlike(t *testing.T) {
	for _, test := range []struct {
		source, changed string
		moves           Moves
		want            string // "" means ErrRounded
	}{
		{`[7615917337495251231,7615917337495251232]`, `[7615917337495251000,7615917337495251000]`, Stayed, `[7615917337495251231,7615917337495251232]`},
		{`[7615917337495251231,7615917337495251232]`, `[7615917337495251000,7615917337495251000,1]`, Stayed, `[7615917337495251231,7615917337495251232,1]`},
		{`[7615917337495251231,7615917337495251232]`, `[7615917337495251000]`, Stayed, ``},
		{`[7615917337495251231,7615917337495251232,1]`, `[7615917337495251000,7615917337495251000,2]`, Stayed, ``},
		{`[7615917337495251000,7615917337495251231]`, `[7615917337495251000]`, Stayed, ``},
		{`{"a":7615917337495251231,"b":7615917337495251000}`, `{"c":7615917337495251000}`, Stayed, ``},
		{`[1,1.00000000000000000001]`, `[1]`, Stayed, ``},
		{`[{"id":7615917337495251231},{"id":7615917337495251232}]`, `[{"id":7615917337495251000,"n":1},{"id":7615917337495251000}]`, Stayed, `[{"id":7615917337495251231,"n":1},{"id":7615917337495251232}]`},
		{`[{"id":7615917337495251231},{"id":7615917337495251232}]`, `[{"id":7615917337495251000}]`, Moved, ``},
		{`[{"id":7615917337495251231},{"id":7615917337495251232}]`, `[{"id":7615917337495251000},{"id":7615917337495251000}]`, Moved, ``},
		{`[{"id":7615917337495251231},{"id":7615917337495251232}]`, `[{"id":7615917337495251000},{"id":7615917337495251000}]`, Copied, `[{"id":7615917337495251231},{"id":7615917337495251232}]`},
		{`[{"id":7615917337495251231},{"id":7615917337495251232}]`, `[{"id":7615917337495251000}]`, Copied, ``},
		{`[{"id":7615917337495251231},{"id":1}]`, `[{"id":1},{"id":7615917337495251000}]`, Moved, `[{"id":1},{"id":7615917337495251231}]`},
	} {
		got, err := Merge([]byte(test.source), []byte(test.changed), test.moves)
		if test.want == "" {
			assert.ErrorIs(t, err, ErrRounded, "%s with %s", test.source, test.changed)
			continue
		}
		require.NoError(t, err, test.source)
		assert.Equal(t, test.want, string(got))
	}
}

func TestNumbersInTexts(t *testing.T) {
	text, err := Parse([]byte(`[7615917337495251231, 0.10000000000000000001, -123456789012345678901234, 1.00000000000000000001]`))
	require.NoError(t, err)
	numbers := Rounded(text)
	for s, want := range map[string]bool{
		"7615917337495251000": true, "id=7615917337495251000&x": true, "a7615917337495251000.json": true, "-7615917337495251000": true,
		"76159173374952510001": false, "0.1": false, "v0.1": false, "10.1": false, "0.15": false, "1.2345678901234569e+23": true, "1": false, "": false, "1.": false, "-": false, "1e": false,
	} {
		assert.Equal(t, want, numbers.In([]byte(s)), s)
	}
	assert.True(t, Rounds("7615917337495251231"))
	assert.False(t, Rounds("7615917337495251000"))
}

// A form with many names is grouped in linear time.
func TestFormsWithManyNamesTakeNoTime(t *testing.T) {
	var text strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&text, "%x&", i)
	}
	form, _ := ParseForm(text.String())
	began := time.Now()
	assert.Len(t, form.Names(), 200_000)
	assert.Less(t, time.Since(began), 30*time.Second)
	assert.True(t, TooLong([]byte(text.String())))
}

func TestParseIsRFC8259(t *testing.T) {
	for _, good := range []string{`1`, `-0.5e-10`, `"a\n"`, ` [ ] `, `{"a":[{}]}`, `null`, `"\ud800"`} {
		_, err := Parse([]byte(good))
		assert.NoError(t, err, good)
	}
	for _, bad := range []string{``, `01`, `1.`, `.5`, `+1`, `1e`, `"`, `"\x"`, `"\u12"`, "\"\n\"", `[1,]`, `[,1]`, `{"a"}`, `{"a":1,}`, `{1:1}`, `nul`, `1 2`, `[`, `{"a":`, `NaN`, "\ufeff1", strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2)} {
		_, err := Parse([]byte(bad))
		assert.ErrorIs(t, err, ErrSyntax, bad)
	}
}

func TestFormsKeepTheirSpelling(t *testing.T) {
	for _, test := range []struct{ source, object, want string }{
		{`b=1&a=2&b=3`, `{"b":["1","3"],"c":"x&y"}`, `b=1&b=3&c=x%26y`},
		{`q=a%20b&r=c+d&e=%e9&flag&x=%7E`, `{"q":"a b","r":"c d","e":"\ufffd","flag":"","x":"~","n":1}`, `q=a%20b&r=c+d&e=%e9&flag&x=%7E&n=1`},
		{`a=1&&b=2&`, `{"a":"1","b":"3"}`, `a=1&&b=3&`},
		{`a=1`, `{"a":null,"b":true,"c":[1,null,"x"]}`, `b=true&c=1&c=x`},
		{``, `{"a":"1"}`, `a=1`},
	} {
		form, ok := ParseForm(test.source)
		require.True(t, ok)
		names, values, err := FormValues([]byte(test.object))
		require.NoError(t, err)
		assert.Equal(t, test.want, form.Merge(names, values, url.QueryEscape), test.source)
	}
	_, ok := ParseForm("a=%zz")
	assert.False(t, ok)
	_, _, err := FormValues([]byte(`{"a":{"b":1}}`))
	assert.Error(t, err)
	_, _, err = FormValues([]byte(`[1]`))
	assert.Error(t, err)
}

// What JSON.parse and JSON.stringify of a script without changes make of a text is
// merged into the same text, byte for byte.
func FuzzMerge(f *testing.F) {
	for _, seed := range []string{`{"a": 1.0, "a": "\ud800", "b": [1e400, -0, {}]}`, `[7615917337495251231, 10.00, "\u00e9"]`, ` "x" `, `{"__proto__": {"10": 1, "2": 2}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if !utf8.ValidString(source) {
			return // a script does not see such a body
		}
		v, err := Parse([]byte(source))
		if valid := json.Valid([]byte(source)); valid != (err == nil) {
			if !valid || strings.Count(source, "[")+strings.Count(source, "{") < maxDepth {
				t.Fatalf("Parse says %v, encoding/json says valid: %v", err, valid)
			}
		}
		if err != nil {
			return
		}
		parsed := canonical(nil, v, 0)
		merged, err := Merge([]byte(source), parsed, Stayed)
		if err != nil || string(merged) != source {
			t.Fatalf("Merge(%q, %q) = %q, %v", source, parsed, merged, err)
		}
		// A new member changes nothing else.
		if v.kind(0) == '[' {
			merged, err := Merge([]byte(source), append(parsed[:len(parsed)-1:len(parsed)-1], comma(len(v.values)-1)+`"new"]`...), Stayed)
			if err != nil || !strings.HasPrefix(string(merged), strings.TrimRight(source[:v.values[0].end-1], " \t\r\n")) {
				t.Fatalf("Merge(%q) with a new element = %q, %v", source, merged, err)
			}
		}
	})
}

func comma(n int) string {
	if n == 0 {
		return ""
	}
	return ","
}

// canonical spells a value as JSON.stringify does.
func canonical(out []byte, t *Text, i int) []byte {
	n := 0
	switch t.kind(i) {
	case 0:
		return append(out, spell(float(t.raw(i)))...)
	case '"':
		s, _ := json.Marshal(strings.ToValidUTF8(t.string(i), ""))
		if !strings.Contains(t.string(i), "\xed") {
			return append(out, s...)
		}
		return append(out, t.raw(i)...) // half of a surrogate pair
	case '[':
		out = append(out, '[')
		t.members(i, func(_, value int) {
			out = append(out, comma(n)...)
			out = canonical(out, t, value)
			n++
		})
		return append(out, ']')
	case '{':
		last := map[string]int{}
		t.members(i, func(name, value int) { last[t.string(name)] = value })
		out = append(out, '{')
		t.members(i, func(name, value int) {
			if last[t.string(name)] == value {
				out = append(out, comma(n)...)
				out = append(canonical(out, t, name), ':')
				out = canonical(out, t, value)
				n++
			}
		})
		return append(out, '}')
	}
	return append(out, t.raw(i)...)
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{"a=1&b=%20+&&c", "a=%zz", "=&=&a", "\xff=%ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		form, ok := ParseForm(source)
		names, values, err := FormValues(form.JSON())
		if err != nil {
			t.Fatal(err)
		}
		if got := form.Merge(names, values, url.QueryEscape); ok && got != source {
			t.Fatalf("%q became %q", source, got)
		}
	})
}
