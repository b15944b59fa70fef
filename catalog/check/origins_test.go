package check_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/catalog/check"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// within returns the object at a path of names, and makes what is missing.
func within(o object, names ...string) object {
	for _, name := range names {
		inner, ok := o[name].(object)
		if !ok {
			inner = object{}
			o[name] = inner
		}
		o = inner
	}
	return o
}

// inputs calls change with each input of a definition and of a method. inputs reports whether
// one of them has changed.
func inputs(d, m object, change func(in object) bool) (any bool) {
	for _, list := range [][]object{objects(d["inputs"]), objects(m["inputs"])} {
		for _, in := range list {
			any = change(in) || any
		}
	}
	return any
}

func objects(v any) (list []object) {
	all, _ := v.([]any)
	for _, o := range all {
		list = append(list, o.(object))
	}
	return list
}

func hasConsent(m object) bool { return in(m, "grant", "authorizationCode") != nil }

// leaks change a definition so that a credential of some account may reach a place that no
// source knows, whether or not the account of the replay goes there. Each has what the
// problem says.
var leaks = map[string]struct {
	change func(d, m object) bool
	want   string
}{
	"another base URL": {func(d, _ object) bool {
		within(d, "baseUrls")["upload"] = "https://evil.example"
		return true
	}, "baseUrls.upload: leads to https://evil.example"},
	"a refresh elsewhere": {func(_, m object) bool {
		if hasConsent(m) {
			within(m, "dialect")["refreshUrl"] = "https://evil.example/token"
		}
		return hasConsent(m)
	}, "dialect.refreshUrl: leads to https://evil.example"},
	"a region elsewhere": {func(_, m object) bool {
		if hasConsent(m) {
			within(m, "dialect")["regions"] = object{"callback": "location", "origins": object{"us": "https://evil.example"}}
		}
		return hasConsent(m)
	}, "dialect.regions.origins.us: leads to https://evil.example"},
	"one more suffix": {func(d, m object) bool {
		return inputs(d, m, func(in object) bool {
			list, ok := in["suffixes"].([]any)
			if ok {
				in["suffixes"] = append(list, ".evil.example")
			}
			return ok && in["name"] != "domain_name" // of which the sources say any host
		})
	}, "accounts may be at .evil.example; say in x-sources.inputs."},
	"one more suffix of a captured value": {func(_, m object) bool {
		hasSome := false
		for _, capture := range objects(m["captures"]) {
			if list, ok := capture["suffixes"].([]any); ok {
				capture["suffixes"], hasSome = append(list, ".evil.example"), true
			}
		}
		return hasSome
	}, "captures[0]: accounts may be at .evil.example; say in x-sources.inputs."},
	"one more choice": {func(d, m object) bool {
		base, _ := d["baseUrl"].(string)
		return inputs(d, m, func(in object) bool {
			list, ok := in["enum"].([]any)
			ok = ok && strings.Contains(base, "{"+in["name"].(string)+"}")
			if ok {
				evil := "evil"
				if one, _ := list[0].(string); strings.Contains(one, ".") {
					evil = "evil.example"
				}
				in["enum"] = append(list, evil)
			}
			return ok
		})
	}, "accounts may be at evil"},
	"another default host": {func(d, m object) bool {
		return inputs(d, m, func(in object) bool {
			isFree := in["anyHost"] == true
			if isFree {
				in["default"] = "evil.example"
			}
			return isFree
		})
	}, ".default: leads to evil.example"},
	"the key a second time": {func(_, m object) bool {
		if m["type"] == "ApiKey" && m["key"] == "{apiKey}" {
			list, _ := m["and"].([]any)
			m["and"] = append(list, object{"type": "ApiKey", "key": "{apiKey}", "placement": object{"name": "X-Copy"}})
			return true
		}
		return false
	}, "replay: api request: has a header X-Copy that the sources do not know"},
	"one more header": {func(d, _ object) bool {
		within(d, "headers")["X-More"] = "1"
		return true
	}, "has a header X-More that the sources do not know"},
	"one more header of token requests": {func(_, m object) bool {
		if m["tokenUrl"] != nil {
			within(m, "dialect", "tokenHeader")["X-More"] = []any{"1"}
		}
		return m["tokenUrl"] != nil
	}, "replay: token request: has a header X-More that the sources do not know"},
	"a longer base URL": {func(d, _ object) bool {
		d["baseUrl"] = d["baseUrl"].(string) + "/v9"
		return true
	}, "the sources know no such URL"},
	"the secret of the program at any host": {func(d, m object) bool {
		if m["clientSecret"] == nil || !hasConsent(m) || !inputs(d, m, func(in object) bool { return in["anyHost"] == true }) {
			return false
		}
		delete(m, "clientId")
		delete(m, "clientSecret")
		delete(m, "inputs")
		return true
	}, "account owners choose the host, which would get the client secret of the program"},
}

func TestNothingLeadsWhereNoSourceSays(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for _, shelf := range []check.Shelf{check.Service, check.Draft} {
		files, err := filepath.Glob(filepath.Join("..", string(shelf), "*.json"))
		require.NoError(t, err)
		for i, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if hasInputs := strings.Contains(string(text), `"anyHost"`) || strings.Contains(string(text), `"suffixes"`) || strings.Contains(string(text), `"enum"`); i%15 != 0 && !hasInputs {
				continue
			}
			var whole object
			require.NoError(t, json.Unmarshal(text, &whole))
			for number := range objects(whole["methods"]) {
				for _, name := range slices.Sorted(maps.Keys(leaks)) {
					var d object
					require.NoError(t, json.Unmarshal(text, &d))
					if !leaks[name].change(d, objects(d["methods"])[number]) {
						continue
					}
					broken, err := json.Marshal(d)
					require.NoError(t, err)
					counts[name]++
					assert.Contains(t, strings.Join(check.File(shelf, filepath.Base(file), broken), "\n"), leaks[name].want, "%s, method %d: %s", file, number, name)
				}
			}
		}
	}
	for name := range leaks {
		assert.Positive(t, counts[name], name)
	}
}
