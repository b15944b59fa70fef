package pages

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a browser sends as a form, what is read is what the form says.
func FuzzForm(f *testing.F) {
	for _, text := range []string{"", "key=k&service=acme&v.a=1", "scopes=yes&scope=a&scope=b", "v.=x", "v.a=1&v.a=2", "%zz", "\xff", "a;b", "other_identity=yes", "popup=0a&return_to=//x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseForm(text)
		if err != nil {
			return
		}
		again, err := url.ParseQuery(text)
		if err != nil {
			t.Fatalf("%q was taken", text)
		}
		s := submitted(values)
		for name, value := range s.Values {
			if again.Get("v."+name) != value || !utf8.ValidString(value) || len(again["v."+name]) != 1 {
				t.Fatalf("%q has %q = %q", text, name, value)
			}
		}
		if (s.Scopes != nil) != (again.Get("scopes") == "yes") || s.Key != again.Get("key") {
			t.Fatalf("%q became %+v", text, s)
		}
		w := new(Handler).readWay(values)
		if w.returnTo != "" && (!strings.HasPrefix(w.returnTo, "/") || strings.HasPrefix(w.returnTo, "//")) || strings.Trim(w.popup, "0123456789abcdef") != "" {
			t.Fatalf("%q leads to %+v", text, w)
		}
	})
}

// Whatever a program sends as JSON, an error quotes no value.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{"", "{}", "null", `{"values": {"a": "CANARY"}}`, `{"values": "CANARY"}`, `{"scopes": ["CANARY", 7]}`, `{"key": "CANARY"}x`, `{"a":1,"a":2}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s submission
		err := parseJSON(text, &s)
		if err != nil && strings.Contains(err.Error(), "CANARY") && !strings.Contains(text, `CANARY":`) && !strings.Contains(text, `CANARY" :`) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

// IDs of accounts are IDs, equal for equal keys of one owner only.
func TestIDsOfForms(t *testing.T) {
	const key = "0190a0a0-1234-7abc-8def-0123456789ab"
	one, other := idOf("o1", key), idOf("o2", key)
	if !isKey(key) || !isID(one) || one == other || one != idOf("o1", key) || one[:13] != key[:13] || one[14] != '8' || !strings.ContainsRune("89ab", rune(one[19])) || len(one) != 36 {
		t.Fatal(one, other)
	}
	for _, wrong := range []string{"", strings.ToUpper(key), key + "0", strings.Replace(key, "-7", "-4", 1)} {
		if isKey(wrong) {
			t.Fatal(wrong)
		}
	}
}
