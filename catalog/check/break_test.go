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

type object = map[string]any

// in returns the object at a path of names, or nil.
func in(o object, names ...string) object {
	for _, name := range names {
		o, _ = o[name].(object)
	}
	return o
}

// elsewhere changes the host of a URL in a member.
func elsewhere(o object, name string) bool {
	u, _ := o[name].(string)
	other := strings.Replace(u, "https://", "https://foreign.", 1)
	if other != u {
		o[name] = other
	}
	return other != u
}

// drop removes a member.
func drop(o object, name string) bool {
	_, ok := o[name]
	delete(o, name)
	return ok
}

// breaks change a definition so that the requests are no longer those that the sources
// describe. Each reports whether the definition had what the break changes.
var breaks = map[string]func(d, m object) bool{
	"the API at a foreign host": func(d, _ object) bool { return elsewhere(d, "baseUrl") },
	"a token URL at a foreign host": func(_, m object) bool {
		return elsewhere(m, "tokenUrl") || elsewhere(m, "accessTokenUrl")
	},
	"an authorize URL at a foreign host": func(_, m object) bool {
		return elsewhere(in(m, "grant", "authorizationCode"), "authUrl") || elsewhere(m, "authorizeUrl")
	},
	"a revocation at a foreign host": func(_, m object) bool { return elsewhere(m, "revokeUrl") },
	"no revocation":                  func(_, m object) bool { return drop(m, "revokeUrl") },
	"a captured value of another name": func(_, m object) bool {
		list := objects(m["captures"])
		for _, capture := range list {
			capture["path"] = "another"
		}
		return len(list) > 0
	},
	"a login at a foreign host": func(_, m object) bool {
		list, _ := m["login"].([]any)
		return len(list) > 0 && elsewhere(list[0].(object), "url")
	},
	"another place of the key": func(_, m object) bool {
		if m["key"] != nil {
			m["placement"] = object{"name": "X-Wrong"}
		}
		return m["key"] != nil
	},
	"a prefix too many": func(_, m object) bool {
		p := in(m, "placement")
		if p == nil {
			return false
		}
		prefix, _ := p["prefix"].(string)
		p["prefix"] = "Wrong " + prefix
		return true
	},
	"another place of the token": func(_, m object) bool {
		if m["tokenUrl"] == nil {
			return false
		}
		dialect := in(m, "dialect")
		if dialect == nil {
			dialect = object{}
			m["dialect"] = dialect
		}
		dialect["placement"] = object{"name": "X-Wrong"}
		return true
	},
	"another client authentication": func(_, m object) bool {
		if m["tokenUrl"] == nil {
			return false
		}
		if m["clientAuth"] == nil {
			m["clientAuth"] = "client_secret_post"
		} else {
			delete(m, "clientAuth")
		}
		return true
	},
	"no further parameters of the consent": func(_, m object) bool { return drop(in(m, "grant", "authorizationCode"), "params") },
	"no further parameters of the token":   func(_, m object) bool { return drop(in(m, "dialect"), "tokenParams") },
	"no further parameters of a refresh":   func(_, m object) bool { return drop(in(m, "dialect"), "refreshParams") },
	"a token elsewhere in the response":    func(_, m object) bool { return drop(in(m, "dialect", "response"), "accessToken") },
	"another name of a parameter": func(_, m object) bool {
		isRenamed, names := false, in(m, "dialect", "tokenNames")
		for name, value := range names {
			if value != "" {
				names[name], isRenamed = "wrong_"+name, true
			}
		}
		return isRenamed
	},
	"another encoding of parameters": func(_, m object) bool { return drop(in(m, "dialect"), "tokenEncoding") },
	"another separator of scopes": func(_, m object) bool {
		scopes, _ := m["scopes"].([]any)
		return drop(in(m, "dialect"), "scopeSeparator") && len(scopes) > 1
	},
	"no scopes":          func(_, m object) bool { return drop(m, "scopes") },
	"no second value":    func(_, m object) bool { return drop(m, "and") },
	"no constant header": func(d, _ object) bool { return drop(d, "headers") },
	"user name and password swapped": func(_, m object) bool {
		if m["username"] == nil && m["password"] == nil {
			return false
		}
		username, password := m["username"], m["password"]
		delete(m, "username")
		delete(m, "password")
		if username != nil {
			m["password"] = username
		}
		if password != nil {
			m["username"] = password
		}
		return true
	},
	"another test request": func(d, _ object) bool {
		test := in(d, "test")
		if test != nil {
			test["request"] = "GET /another-path"
		}
		return test != nil
	},
	"another identity": func(d, _ object) bool {
		test := in(d, "test")
		if test == nil || test["id"] == nil {
			return false
		}
		test["id"] = "/another"
		return true
	},
}

// TestBrokenDefinitionsFail breaks each definition in each way that applies: the replay must
// notice each of them.
func TestBrokenDefinitionsFail(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for _, shelf := range []check.Shelf{check.Service, check.Draft} {
		files, err := filepath.Glob(filepath.Join("..", string(shelf), "*.json"))
		require.NoError(t, err)
		for i, file := range files {
			if testing.Short() && i%10 != 0 {
				continue
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var whole object
			require.NoError(t, json.Unmarshal(text, &whole))
			for number := range whole["methods"].([]any) {
				for _, name := range slices.Sorted(maps.Keys(breaks)) {
					var d object
					require.NoError(t, json.Unmarshal(text, &d))
					if !breaks[name](d, d["methods"].([]any)[number].(object)) {
						continue
					}
					broken, err := json.Marshal(d)
					require.NoError(t, err)
					counts[name]++
					problems := strings.Join(check.File(shelf, filepath.Base(file), broken), "\n")
					assert.Contains(t, problems, ": replay: ", "%s, method %d: %s", file, number, name)
				}
			}
		}
	}
	for name := range breaks {
		assert.True(t, testing.Short() || counts[name] > 0, "no definition for: %s", name)
		t.Logf("%d definitions: %s", counts[name], name)
	}
}
