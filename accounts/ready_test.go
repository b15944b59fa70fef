package accounts_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const noClient = "definition: acme: method oauth: Connection.Client: ID is missing; register the program with the service, and give its client ID there"

// A method whose client the program lacks fails early and in words for developers, also if the
// account owner has made a mistake, and leaves nothing behind.
func TestMethodThatTheProgramIsNotReadyFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"name": "oauth",`, `"name": "oauth", "inputs": [{"name": "region"}],`, 1))
		healthy := w.process()
		a := w.withKey(healthy)
		w.config.Connection = nil
		r := w.process()
		var lacks *definition.NotReadyError
		_, err := r.Connect(t.Context(), accounts.Request{Owner: "o2", Definition: "acme-old", Method: "oauth"})
		require.ErrorAs(t, err, &lacks)
		require.EqualError(t, err, noClient)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{Method: "oauth"})
		require.EqualError(t, err, noClient)
		page, err := r.List(t.Context(), accounts.Filter{}, "", 10)
		require.NoError(t, err)
		assert.Equal(t, []accounts.Account{a}, page)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{Method: "outh"})
		assert.EqualError(t, err, `definition: revision 1 of acme has no method "outh"; connect the account again, by one of key, oauth, app, login`)

		var input *definition.InputError
		_, err = healthy.Connect(t.Context(), accounts.Request{Owner: "o2", Definition: "acme", Method: "oauth"})
		require.ErrorAs(t, err, &input, "the account owner can help")
	})
}

// Without the client, no issuer is asked.
func TestIssuerIsAskedForAProgramThatIsReady(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(byIssuer)
		given := w.config.Connection
		w.config.Connection = nil
		of := accounts.Account{Owner: "o1", Definition: "acme"}
		require.ErrorContains(t, w.process().Ready(t.Context(), of), "definition: acme: method oauth: the method has an issuer, and there is no Finder")
		var err error
		w.config.Finder, err = discovery.New(discovery.Config{HTTPClient: w.p.Client()})
		require.NoError(t, err)
		_, err = w.process().Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme"})
		require.EqualError(t, err, noClient)
		require.EqualError(t, w.process().Ready(t.Context(), of), noClient)
		assert.Empty(t, w.p.Requests(w.p.MetadataURL))
		w.config.Connection = given
		require.NoError(t, w.process().Ready(t.Context(), of))
		assert.Empty(t, w.p.Requests(w.p.MetadataURL))
	})
}

// Ready says of each method what Connect would lack, and asks Connection as Connect does, but
// only for a method that a Connection can make ready.
func TestReadyOfANewAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var asked []accounts.Account
		client := definition.Client{ID: "id"}
		w.config.Connection = func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			asked = append(asked, a)
			if a.Owner == "o2" {
				return definition.Connection{}, nil
			}
			return definition.Connection{Client: client, HTTPClient: w.p.Client()}, nil
		}
		w.define(strings.Replace(document, `"name": "oauth",`, `"name": "oauth", "was": ["consent"],`, 1))
		r := w.process()
		for _, test := range []struct{ owner, definition, method, want string }{
			{"o1", "acme", "", ""}, {"o2", "acme", "", ""}, {"o2", "acme", "login", ""},
			{"o1", "acme", "oauth", ""}, {"o1", "acme-old", "consent", ""}, {"o2", "acme", "oauth", noClient}, {"o2", "acme", "consent", noClient},
			{"o1", "acme", "app", "definition: acme: method app: Connection.Client: Secret is missing; the method takes no client without a secret"},
			{"o1", "acme", "outh", `definition: acme has no method "outh"; did you mean oauth?`},
			{"o1", "acne", "", `definition: there is no definition "acne"; did you mean acme?`},
		} {
			asked = nil
			err := r.Ready(t.Context(), accounts.Account{Owner: test.owner, Definition: test.definition, Method: test.method})
			if test.want == "" {
				require.NoError(t, err, test)
			} else {
				require.EqualError(t, err, test.want, test)
			}
			assert.Equal(t, strings.HasPrefix(test.want, "definition: acme: method "), errors.As(err, new(*definition.NotReadyError)), test)
			probe := asked
			asked = nil
			_, err = r.Connect(t.Context(), accounts.Request{Owner: test.owner, Definition: test.definition, Method: test.method})
			if test.want != "" {
				require.EqualError(t, err, test.want, test)
			}
			if test.method == "" || test.method == "login" || test.method == "outh" || test.definition == "acne" {
				assert.Empty(t, probe, test)
				continue
			}
			require.Len(t, probe, 1, test)
			require.NotEmpty(t, asked, test)
			assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7`, probe[0].ID, test)
			probe[0].ID = asked[0].ID
			assert.Equal(t, asked[0], probe[0], test)
		}
	})
}

// Ready leaves nothing in the Index and in the Store.
func TestReadyKeepsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		require.NoError(t, r.Ready(t.Context(), accounts.Account{ID: "x", Owner: "o1", Definition: "acme", Method: "oauth"}))
		w.empty()
		for _, number := range []string{"x/0", "x/1", "sample"} {
			values, token := w.stored(number)
			assert.False(t, values || token)
		}
	})
}

// For a Reconnect, values of hidden inputs that the account has count, unless the method is
// another one.
func TestReadyForAReconnect(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.NewReplacer(
			`{"name": "oauth",`, `{"name": "oauth", "was": ["consent"], "inputs": [{"name": "tenant", "hidden": true}],`,
			`{"name": "app",`, `{"name": "app", "inputs": [{"name": "tenant", "hidden": true}],`).Replace(document))
		var asked []accounts.Account
		given, tenant := w.config.Connection, values{"tenant": "CANARY"}
		w.config.Connection = func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
			asked = append(asked, a)
			c, err := given(ctx, a)
			c.Values = tenant
			return c, err
		}
		r := w.process()
		a := w.withConsent(r)
		tenant, asked = nil, nil
		require.NoError(t, r.Ready(t.Context(), a))
		of := a
		of.Method = "app"
		err := r.Ready(t.Context(), of)
		require.EqualError(t, err, "definition: acme: method app: Values: tenant: is missing; the input is hidden, so the program gives the value")
		of.Method = "key"
		require.NoError(t, r.Ready(t.Context(), of))
		require.Len(t, asked, 2, "a key needs nothing of the program")
		probe := asked
		of.Method = "consent"
		require.NoError(t, r.Ready(t.Context(), of))
		assert.Equal(t, "oauth", asked[2].Method, "Connection is told the present name")
		asked = nil
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		_, reconnectErr := r.Reconnect(t.Context(), a.ID, accounts.Request{Method: "app"})
		require.ErrorContains(t, reconnectErr, "method app: Values: tenant: is missing")
		for i := range probe {
			assert.Equal(t, a.ID, probe[i].ID)
			assert.Equal(t, asked[i].Method, probe[i].Method)
		}
		assert.Equal(t, asked[0].Current, probe[0].Current, "the generation that the Reconnect makes")
	})
}

// An account that was changed since it was read is read again: Ready answers for the method that
// was asked for.
func TestReadyOfAnAccountThatHasChanged(t *testing.T) {
	wrongKey := accounts.Request{Method: "key", Values: values{"apiKey": "CANARY-wrong"}}
	for name, change := range map[string]func(w *world, r *accounts.Registry) accounts.Account{
		"a Reconnect that fails": func(w *world, r *accounts.Registry) accounts.Account {
			a, err := r.Connect(w.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
			require.NoError(w, err)
			_, err = r.Reconnect(w.Context(), a.ID, wrongKey)
			require.ErrorAs(w, err, new(*definition.CheckError))
			return a
		},
		"a Reconnect that succeeds": func(w *world, r *accounts.Registry) accounts.Account {
			a := w.withKey(r)
			_, err := r.Reconnect(w.Context(), a.ID, accounts.Request{})
			require.NoError(w, err)
			return a
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				var told accounts.Account
				given := w.config.Connection
				w.config.Connection = func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
					told = a
					return given(ctx, a)
				}
				r := w.process()
				a := change(w, r)
				a.Method = "app"
				require.NoError(t, r.Ready(t.Context(), a))
				assert.Equal(t, "app", told.Method)
				assert.Equal(t, 3, told.Current, "the generation that a Reconnect would make now")

				_, err := r.Disconnect(t.Context(), a.ID)
				require.NoError(t, err)
				assert.ErrorIs(t, r.Ready(t.Context(), a), accounts.ErrNotFound)
			})
		})
	}
}

// A method with a new name is the method of the account: the values stay.
func TestReconnectByTheNewNameOfTheMethod(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		w.define(strings.Replace(document, `{"name": "key",`, `{"name": "api-key", "was": ["key"],`, 1))
		for _, name := range []string{"api-key", "key", ""} {
			of := a
			of.Method = name
			require.NoError(t, r.Ready(t.Context(), of))
			_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{Method: name})
			require.NoError(t, err, name)
			given, err := r.Given(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, "sales", given.Values["team"])
			assert.Equal(t, "api-key", given.Method)
		}
	})
}

// Each Reconnect of an account with the former name of its method, and each change to a method by
// a former name, tells Connection the present name.
func TestReconnectTellsConnectionThePresentName(t *testing.T) {
	for _, test := range []struct{ method, want string }{{"", "api-key"}, {"key", "api-key"}, {"api-key", "api-key"}, {"oauth", "oauth"}, {"consent", "oauth"}} {
		inWorld(t, func(t *testing.T, w *world) {
			a := w.withKey(w.process())
			w.define(strings.NewReplacer(`{"name": "key",`, `{"name": "api-key", "was": ["key"],`, `{"name": "oauth",`, `{"name": "oauth", "was": ["consent"],`).Replace(document))
			told := ""
			given := w.config.Connection
			w.config.Connection = func(ctx context.Context, of accounts.Account) (definition.Connection, error) {
				if of.Current == a.Last+1 {
					told = of.Method
				}
				return given(ctx, of)
			}
			_, err := w.process().Reconnect(t.Context(), a.ID, accounts.Request{Method: test.method})
			require.NoError(t, err, test)
			assert.Equal(t, test.want, told, test)
		})
	}
}

// An error of Connection is that of the program's own means, and says nothing of the method.
func TestReadyWhereConnectionFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		down := errors.New("the database is down")
		w.config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{}, down
		}
		r := w.process()
		err := r.Ready(t.Context(), accounts.Account{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.ErrorIs(t, err, down)
		assert.False(t, errors.As(err, new(*definition.NotReadyError)))
		require.NoError(t, r.Ready(t.Context(), accounts.Account{Owner: "o1", Definition: "acme", Method: "key"}))
	})
}

// Where an input leads to any host, the transport of the program must be guarded, so Connection is
// asked also if the method needs nothing else.
func TestReadyWhereAnInputLeadsToAnyHost(t *testing.T) {
	const anywhere = `{"connectorauth": 1, "name": "acme", INPUTS "baseUrl": "{site}", "methods": [{"name": "key", METHOD "type": "ApiKey", "key": "x"}]}`
	const site = `"inputs": [{"name": "site", "format": "origin", "anyHost": true}],`
	for _, document := range []string{strings.NewReplacer("INPUTS", site, "METHOD", "").Replace(anywhere), strings.NewReplacer("INPUTS", "", "METHOD", site).Replace(anywhere)} {
		inWorld(t, func(t *testing.T, w *world) {
			w.set = must(definition.NewSet(must(definition.Parse("acme.json", []byte(document), definition.Options{AnyHost: true}))))
			of := accounts.Account{Owner: "o1", Definition: "acme"}
			client := new(http.Client)
			w.config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) {
				return definition.Connection{HTTPClient: client}, nil
			}
			r := w.process()
			require.NoError(t, r.Ready(t.Context(), of))
			client = &http.Client{Transport: http.DefaultTransport}
			require.ErrorContains(t, r.Ready(t.Context(), of), "definition: acme: method key: HTTPClient: ")
		})
	}
}

// The program gives the value of a hidden input, so Connection is asked also if the input is
// optional. A hidden input of another method is left out.
func TestReadyWhereAnInputIsHidden(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hidden := func(more string) string {
			return `"inputs": [{"name": "region", "hidden": true, "pattern": "[a-z]{2}", ` + more + `},`
		}
		const ofKey, ofAll = `"inputs": [{"name": "apiKey",`, `"inputs": [{"name": "team",`
		oauth := strings.Replace(document, `{"name": "oauth",`, `{"name": "oauth", "inputs": [{"name": "region", "was": ["zone"], "hidden": true}],`, 1)
		region, zone := values{"region": "CANARY"}, values{"zone": "CANARY"}
		var hiddenValues values
		given := w.config.Connection
		w.config.Connection = func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
			c, err := given(ctx, a)
			c.Values = hiddenValues
			return c, err
		}
		r := w.process()
		const refused = "definition: acme: method key: Values: region: does not look as the service writes it; the input is hidden, so the program gives the value"
		for _, test := range []struct {
			document string
			given    values
			want     string // empty means ready
		}{
			{strings.Replace(document, ofKey, hidden(`"optional": true`)+`{"name": "apiKey",`, 1), region, refused},
			{strings.Replace(document, ofKey, hidden(`"default": "eu"`)+`{"name": "apiKey",`, 1), region, refused},
			{strings.Replace(document, ofAll, hidden(`"default": "eu"`)+`{"name": "team",`, 1), region, refused},
			{strings.Replace(document, ofAll, hidden(`"default": "eu"`)+`{"name": "team",`, 1), nil, ""},
			{oauth, region, ""},
			{oauth, zone, ""},
		} {
			w.define(test.document)
			hiddenValues = test.given
			ready := r.Ready(t.Context(), accounts.Account{Owner: "o1", Definition: "acme", Method: "key"})
			_, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}, Duplicate: true})
			if test.want == "" {
				require.NoError(t, ready, test)
				require.NoError(t, err, test)
				continue
			}
			require.EqualError(t, ready, test.want, test)
			require.EqualError(t, err, test.want, test)
		}
	})
}
