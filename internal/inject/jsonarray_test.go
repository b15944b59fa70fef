package inject_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

// keyed returns text fields whose value is v, v2, v3 and so on.
func keyed(keys ...string) []inject.Field {
	fields := make([]inject.Field, len(keys))
	for i, key := range keys {
		fields[i] = inject.Field{Key: key, Value: "v"}
		if i > 0 {
			fields[i].Value += strconv.Itoa(i + 1)
		}
	}
	return fields
}

// The indexes of RFC 6901 section 4 are those of the document's arrays. In an
// object, the same step is the name of a member.
func TestJSONArrays(t *testing.T) {
	for _, test := range []struct {
		keys       []string
		body, want string
		again      bool // a second time changes nothing
	}{
		{keysOf("/params/0"), `{"params":["old", {"a":1} ]}`, `{"params":["v", {"a":1} ]}`, true},
		{keysOf("/params/1"), `{"params":[ 1.0 , [0] , 3]}`, `{"params":[ 1.0 , "v" , 3]}`, true},
		{keysOf("/params/0"), `{"params":[]}`, `{"params":["v"]}`, true},
		{keysOf("0.a", "/0/b"), `[{}]`, `[{"a":"v","b":"v2"}]`, true},
		{keysOf("/params/0"), `{"params":[ ]}`, `{"params":["v" ]}`, true},
		{keysOf("/params/2"), `{"params":[1, 2 ]}`, `{"params":[1, 2,"v" ]}`, true},
		{keysOf("/params/-"), `{"params":[1,{"-":2}]}`, `{"params":[1,{"-":2},"v"]}`, false},
		{keysOf("/params/-"), `{"params":[]}`, `{"params":["v"]}`, false},
		{keysOf("/params/-/user", "/params/-/pass"), `{"params":[0]}`, `{"params":[0,{"user":"v","pass":"v2"}]}`, false},
		{keysOf("/params/10", "/params/2", "/params/-", "/params/0"), `{"params":[0,1,2,3,4,5,6,7,8,9]}`, `{"params":["v4",1,"v2",3,4,5,6,7,8,9,"v","v3"]}`, false},
		{keysOf("/params/0/auth/token"), `{"params":[{"auth":{"x":1}},2]}`, `{"params":[{"auth":{"x":1,"token":"v"}},2]}`, true},
		{keysOf("/params/0/token"), `{"params":[null,2]}`, `{"params":[{"token":"v"},2]}`, true},
		{keysOf("/params/0/token"), `{"params":[]}`, `{"params":[{"token":"v"}]}`, true},
		{keysOf("/a/0/1/b"), `{"a":[[0,{"b":1}]]}`, `{"a":[[0,{"b":"v"}]]}`, true},

		// What is missing becomes an array if the keys say nothing else.
		{keysOf("/params/0", "/params/1"), `{"id":1}`, `{"id":1,"params":["v","v2"]}`, true},
		{keysOf("/params/1", "/params/0"), `{"params":null}`, `{"params":["v2","v"]}`, true},
		{keysOf("/params/-"), `{}`, `{"params":["v"]}`, false},
		{keysOf("/params/0", "/params/name"), `{}`, `{"params":{"0":"v","name":"v2"}}`, true},
		{keysOf("params.0"), `{}`, `{"params":{"0":"v"}}`, true},
		{keysOf("/params/00", "/params/01"), `{}`, `{"params":{"00":"v","01":"v2"}}`, true},

		// A member of an object.
		{keysOf("/params/0"), `{"params":{"0":"old","1":2}}`, `{"params":{"0":"v","1":2}}`, true},
		{keysOf("/params/0"), `{"params":{}}`, `{"params":{"0":"v"}}`, true},
		{keysOf("/params/-"), `{"params":{"-":1}}`, `{"params":{"-":"v"}}`, true},
		{keysOf("/0"), `{"0":1}`, `{"0":"v"}`, true},

		// The top level, as in a batch of JSON-RPC.
		{keysOf("/0/params/0", "/1/params/token"), ` [{"params":[1]}, {"params":{}}] `, ` [{"params":["v"]}, {"params":{"token":"v2"}}] `, true},
		{keysOf("/0"), "\xef\xbb\xbf[1,2]", "\xef\xbb\xbf[\"v\",2]", true},
		{keysOf("/-/token"), `[]`, `[{"token":"v"}]`, false},
		{keysOf("/0/token"), ``, `[{"token":"v"}]`, true},
	} {
		f := newFields(t, keyed(test.keys...), "")
		got := apply(t, f, jsonType, test.body)
		assert.Equal(t, test.want, got, "%q", test.keys)
		if test.again {
			assert.Equal(t, got, apply(t, f, jsonType, got), "a second time changes nothing")
		}
	}
}

func keysOf(keys ...string) []string { return keys }

func TestJSONArrayRefusals(t *testing.T) {
	const large = "/a/99999999999999999999"
	for _, test := range []struct {
		key, body, want string
	}{
		{"/a/1", `{"a":[]}`, "the array that ends at byte 6 of the JSON document has too few elements for a field's key: send more, or use - to append"},
		{"/a/2", `{"a":[1]}`, "the array that ends at byte 7"},
		{large, `{"a":[1]}`, "the array that ends at byte 7"},
		{"/a/1", `{}`, "the JSON document has no array at byte 1, where a field's key needs several elements"},
		{"/a/1", `{"a":null}`, "the JSON document has no array at byte 5"},
		{"/b/a/1", `{}`, "the JSON document has no array at byte 1"},
		{"/a/0/b/1", `{"a":[]}`, "the JSON document has no array at byte 6"},
		{"/1", ``, "the JSON document has no array at byte 0"},
		{"/a/x", `{"a":[1]}`, "the value at byte 5 of the JSON document is not an object, and fields go into it"},
		{"/a/00", `{"a":[1]}`, "the value at byte 5 of the JSON document is not an object"},
		{"/a/+1", `{"a":[1]}`, "the value at byte 5 of the JSON document is not an object"},
		{"a.0", `{"a":[1]}`, "the value at byte 5 of the JSON document is not an object"},
		{"/a/0", `{"a":"x"}`, "the value at byte 5 of the JSON document is not an object or array, and fields go into it"},
		{"/a/0/b", `{"a":[1]}`, "the value at byte 6 of the JSON document is not an object, and fields go into it"},
		{"/0", `"x"`, "the value at byte 0 of the JSON document is not an object or array"},
		{"/a", `[{"a":1}]`, "the value at byte 0 of the JSON document is not an object"},
		{"/0", `[1`, "malformed at byte 2"},
		{"/0", `[1,]`, "malformed at byte 3"},
		{"/0", `[,1]`, "malformed at byte 1"},
		{"/0", `[1 2]`, "malformed at byte 3"},
		{"/0", `[1}`, "malformed at byte 2"},
		{"/0", `[1][2]`, "byte 3 comes after the end"},
	} {
		err := newFields(t, keyed(test.key), dialect.BodyJSON).Apply(post(jsonType, []byte(test.body)), inject.Room{})
		if test.body == "" {
			err = newFields(t, keyed(test.key), dialect.BodyJSON).Apply(post("", nil), inject.Room{})
		}
		require.ErrorIs(t, err, inject.ErrNotInjectable, "%s %s", test.key, test.body)
		assert.ErrorContains(t, err, test.want, "%s %s", test.key, test.body)
	}
}

// One change of a random array, compared with encoding/json.
func TestJSONArrayRoundTrip(t *testing.T) {
	g := &jsonGenerator{Rand: rand.New(rand.NewPCG(3, 4))}
	for range 300 {
		g.Reset()
		g.WriteString(`[`)
		elements := g.IntN(5)
		for i := range elements {
			if i > 0 {
				g.WriteByte(',')
			}
			g.space()
			g.value(2)
			g.space()
		}
		g.WriteString(`]`)
		body := g.String()
		index := g.IntN(elements + 1)
		var want, got []any
		require.NoError(t, json.Unmarshal([]byte(body), &want))
		if index == elements {
			want = append(want, nil)
		}
		want[index] = "v"
		out := apply(t, newFields(t, keyed("/"+strconv.Itoa(index)), ""), jsonType, body)
		require.NoError(t, json.Unmarshal([]byte(out), &got), "%s", out)
		require.Equal(t, want, got, "%s became %s", body, out)
	}
}

// resolve returns the value at a JSON Pointer; "-" is the last element.
func resolve(v any, pointer string) any {
	for name := range strings.SplitSeq(pointer[1:], "/") {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		switch inside := v.(type) {
		case map[string]any:
			v = inside[name]
		case []any:
			i, err := strconv.Atoi(name)
			if name == "-" {
				i, err = len(inside)-1, nil
			}
			if err != nil || i < 0 || i >= len(inside) || name != "-" && strconv.Itoa(i) != name {
				return nil
			}
			v = inside[i]
		}
	}
	return v
}

// Wherever a field goes, the key leads to the field, and only there is anything new.
func FuzzJSONPointer(f *testing.F) {
	for key, body := range map[string]string{
		"/params/0": `{"params":[1,2]}`, "/params/-": `{"params":[]}`, "/1/a": `[0,{"a":1}]`, "/-/-/0": `[]`, "/a/0/b/1": `{"a":[{"b":[1,2]}]}`,
		"/0": `{"0":null}`, "/~01/~1": `{"~1":{"/":0}}`, "/a/01": `{"a":{"01":1}}`, "/a/1": `{"a":[],"a":{}}`, "/-": ``,
	} {
		f.Add(key, []byte(body))
	}
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		if !strings.HasPrefix(key, "/") {
			return
		}
		fields, err := inject.NewField(key, "v")
		if err != nil {
			return
		}
		req := post(jsonType, body)
		if err := fields.Apply(req, inject.Room{}); err != nil {
			require.ErrorIs(t, err, inject.ErrNotInjectable)
			return
		}
		got := strings.TrimPrefix(sent(t, req), "\xef\xbb\xbf")
		var v any
		require.NoError(t, json.Unmarshal([]byte(got), &v), "%s", got)
		require.Equal(t, "v", resolve(v, key), "%s in %s", key, got)
		if !strings.Contains(key+"/", "/-/") {
			require.Equal(t, got, strings.TrimPrefix(apply(t, fields, jsonType, got), "\xef\xbb\xbf"), "a second time changes nothing")
		}
	})
}

// An array that fields go into counts as a level too.
func TestJSONDepthOfArraysIsLimited(t *testing.T) {
	f := newFields(t, keyed("/a/-"), "")
	deep := func(depth int) string {
		return `{"a":[` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + `]}`
	}
	assert.Equal(t, strings.TrimSuffix(deep(10_000), "]}")+`,"v"]}`, apply(t, f, jsonType, deep(10_000)))
	assert.ErrorContains(t, f.Apply(post(jsonType, []byte(deep(10_001))), inject.Room{}), "nested more than 10000 deep")
}
