package inject_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

const formType = "application/x-www-form-urlencoded"

var formFields = []inject.Field{{Key: "api_key", Value: "k+1/2=&"}, {Key: "user[id]", Value: "7", Type: dialect.FieldInteger}}

const formAdded = "api_key=k%2B1%2F2%3D%26&user%5Bid%5D=7"

func TestForm(t *testing.T) {
	f := newFields(t, formFields, "")
	for body, want := range map[string]string{
		"":                                 formAdded,
		"a=1":                              "a=1&" + formAdded,
		"a=%zz;b&&c":                       "a=%zz;b&&c&" + formAdded,
		"api_key=old":                      formAdded,
		"api%5fkey=old&a=+&user[id]=8":     "a=+&" + formAdded,
		"user%5bid%5D&a=1&api_key=old&b=2": "a=1&b=2&" + formAdded,
		"a=1\r\n":                          "a=1\r\n&" + formAdded,
	} {
		got := apply(t, f, formType, body)
		assert.Equal(t, want, got)
		assert.Equal(t, got, apply(t, f, formType, got), "a second time changes nothing")
	}
}

// A formBody is a random form: pairs in random spellings, some of them with
// the names of formFields.
func formBody(r *rand.Rand) (body string, kept []string) {
	names := []string{"a", "api%5Fkeys", "caf%C3%A9", "", "user[]", "api_key", "%61pi_key", "user%5Bid]"}
	var pairs []string
	for range r.IntN(6) {
		i := r.IntN(len(names))
		pair := fmt.Sprintf("%s=%%%02x+%d", names[i], r.IntN(256), i)
		pairs = append(pairs, pair)
		if i < 5 {
			kept = append(kept, pair)
		}
	}
	return strings.Join(pairs, "&"), kept
}

func TestFormRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f := newFields(t, formFields, "")
	for range 1000 {
		body, kept := formBody(r)
		got := apply(t, f, formType, body)
		require.Equal(t, strings.Join(append(kept, formAdded), "&"), got, "the others stay byte for byte")

		want, err := url.ParseQuery(body)
		require.NoError(t, err)
		want.Set("api_key", "k+1/2=&")
		want.Set("user[id]", "7")
		decoded, err := url.ParseQuery(got)
		require.NoError(t, err)
		require.Equal(t, want, decoded)
	}
}

func FuzzForm(f *testing.F) {
	for _, body := range []string{
		"", "grant_type=client_credentials&scope=a+b", "Body=Hi%20there&From=%2B15550100&To=%2B15550199&api_key=x",
		"items[0][price]=price_1&items%5B0%5D%5Bquantity%5D=2&api%5Fkey", "a=%zz;b&&=&user[id]=1",
	} {
		f.Add([]byte(body))
	}
	fields := newFields(f, formFields, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		got := apply(t, fields, formType, string(body))
		require.Equal(t, got, apply(t, fields, formType, got), "a second time changes nothing")
		rest, ok := strings.CutSuffix(got, formAdded)
		require.True(t, ok)
		rest = strings.TrimSuffix(rest, "&")

		// What is left are the pairs of the body, in order, without the fields.
		kept := slices.DeleteFunc(strings.Split(string(body), "&"), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			decoded, err := url.QueryUnescape(name)
			return err == nil && (decoded == "api_key" || decoded == "user[id]")
		})
		require.Equal(t, strings.Join(kept, "&"), rest)
	})
}
