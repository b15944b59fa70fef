package consent

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/look"
	"github.com/stretchr/testify/require"
)

// texts returns all texts of v, each under the path of its field.
func texts(path string, v reflect.Value) map[string]string {
	all := map[string]string{}
	add := func(path string, v reflect.Value) {
		for name, text := range texts(path, v) {
			all[name] = text
		}
	}
	switch v.Kind() {
	case reflect.String:
		all[path] = v.String()
	case reflect.Struct:
		for i := range v.NumField() {
			add(path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			add(path+"."+key.String(), v.MapIndex(key))
		}
	}
	return all
}

// Both languages have every text, no text is the other language's, and each names the
// program and the service in a way that can be left out.
func TestBuiltInLanguagesAreComplete(t *testing.T) {
	placeholders := regexp.MustCompile(`\{\w+\}`)
	other := texts("", reflect.ValueOf(english))
	require.Len(t, texts("", reflect.ValueOf(german)), len(other))
	for path, text := range texts("", reflect.ValueOf(german)) {
		require.NotEmpty(t, text, path)
		require.NotEmpty(t, other[path], path)
		require.NotEqual(t, other[path], text, path)
		for _, messages := range []string{text, other[path]} {
			for _, names := range []map[string]string{nil, {"name": "Acme"}, {"service": "Google"}, {"name": "Acme", "service": "Google"}} {
				known := map[string]string{"name": names["name"], "service": names["service"]}
				if strings.HasPrefix(path, ".Device") {
					known["code"], known["address"] = "WDJB-MJHT", "https://example.com/device"
				}
				filled, err := look.Fill(messages, known)
				require.NoError(t, err)
				require.NotContains(t, filled, "  ", path)
				require.NotRegexp(t, `^\s|\s$|[\[\]{}|]`, filled, path)
			}
			if strings.HasSuffix(path, ".Closed") {
				require.False(t, placeholders.MatchString(messages), "connect.js has no names")
			}
		}
	}
}

func TestEveryReasonCanBeTranslated(t *testing.T) {
	pages, err := Pages{}.check()
	require.NoError(t, err)
	var reasons []Reason
	for _, page := range pages.samples() {
		require.NotEmpty(t, page.Title)
		require.NotEmpty(t, page.Message)
		if page.Reason != "" {
			reasons = append(reasons, page.Reason)
			require.Equal(t, page.Reason != ReasonUsed && page.Reason != ReasonUnrecorded, page.Retry != "", page.Reason)
		}
	}
	require.Len(t, reasons, len(pages.languages)*len(german.Failed), "each reason in each language")
}
