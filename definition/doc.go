// Package definition reads what a service wants of every account, as data: a
// definition is one JSON document for one service. [Definition.Connect] makes a connector of a
// definition and of what the account owner has given.
//
//	d, err := definition.Parse("acme.json", text, definition.Options{})
//	if err != nil {
//		return err // every mistake, with line and column
//	}
//	account, err := d.Connect(definition.Connection{
//		Method: "key",
//		Values: map[string]connectorauth.Secret{"subdomain": "mycompany", "apiKey": "..."},
//	})
//	if err != nil {
//		return err // every mistake of the values, in words for the account owner
//	}
//	client := connectorauth.NewClient(account.Connector(), nil)
//
// # The format
//
// The member "connectorauth" is the version of the format: 1. The other members are the
// fields of [Definition] in lower camel case, such as baseUrl for BaseURL, and so are the
// members of all objects below. A duration is text such as "1h30m". The value of a
// member is never null. Members whose names begin with "x-" are not read; any other
// unknown member is a mistake. The member "$schema" of a document tells editors the schema:
// see [Schema]. A document has at most 1 MiB, and is at most 32 deep; a list has at most
// 1,000 elements, and a definition at most 50 inputs, methods, headers, parameters and base
// URLs each. The module definition/yaml reads the same format
// in YAML.
//
// [Definition.Document] writes the document of a definition, such as one that a program
// makes in Go. [Lint] lists what a document may say, and should not. The packages openapi
// and cyclr make drafts of definitions of documents of other formats.
//
// # Templates
//
// URLs, headers, parameters and credentials are templates: {name} is the value of an
// input. {base64(...)}, {url(...)} and {lower(...)} compute from what is between the
// parentheses. {default(name, text)} is the value of the input, or the text if the input
// is absent. A brace is written twice. There is nothing else to compute, and nothing in a
// definition is executed.
//
// A value that comes along with a token or a session, such as the ID of a tenant, is a
// [Captured]. Such a value stands in base URLs, headers, parameters and the key of an
// [APIKey], and each request has the value of the present token or session.
//
// # Kinds of credentials
//
// The type of a method names a [Scheme] of this package, or a [Kind] of another package in
// [Options], such as those of the modules digestauth and awsauth. Of the kind MCP of package
// mcp, nobody knows the connector before the account owner has consented: [Connected.Consent]
// leads through the consent, and [Connected.Open] returns the account with its connector.
//
// # Origins
//
// No value can lead a request to an origin that the definition does not declare. The
// scheme and the port of a URL are literal. In the host, an input is a part of one label,
// left of a literal suffix of two labels or more that is not a public suffix
// (https://publicsuffix.org): "https://{subdomain}.example.com". In the path, an input is
// a part of one segment, and in the query a part of one value. Where the end of the host
// is not literal, the input itself says where it may lead, by Enum, Suffixes or AnyHost.
// An input with the format origin or url, or with an enum of URLs, may stand alone in place
// of scheme and host: "{site}/api".
//
// A secret stands in no URL, and in nothing else that errors, records or browsers show,
// such as a client ID. For a key in the path of a URL, use the placement path.
//
// Requests of a connector go to the origins of the base URLs alone. Where captured values
// stand there, the values of the present token or session decide, so no other
// account's host below the same suffix sees the credentials: any other request, and any
// redirect to another host that the definition declares, fails with
// [connectorauth.ErrHostNotAllowed].
//
// # An issuer in place of endpoints
//
// An [OAuth2] may name an [Issuer], whose metadata name the endpoints. A program reads the
// metadata before the first Connect of an account:
//
//	finder, err := discovery.New(discovery.Config{}) // one for the program
//	...
//	connection.Server, err = d.Discover(ctx, finder, connection)
//	...
//	account, err := d.Connect(connection)
//
// Metadata may name endpoints at the origin of the issuer, and at those that the definition
// declares. [Connected.Account] keeps the metadata, so [Set.Connect] needs no Discover.
//
// # Any host
//
// A product that people host themselves may be at any host: an input with AnyHost says so,
// and [Options].AnyHost allows such definitions. Their requests, to the API, for tokens and
// for logins, go through package egress, which refuses private addresses whatever a name
// resolves to:
//
//	guard, err := egress.New(egress.Config{})
//	if err != nil {
//		return err
//	}
//	client := &http.Client{Transport: guard}
//	account, err := d.Connect(definition.Connection{Values: values, HTTPClient: client})
//	if err != nil {
//		return err
//	}
//	api := connectorauth.NewClient(account.Connector(), client)
//
// Without a client, the accounts of a definition share such a guard. With a transport that
// is no guard, Connect fails, and so does each request. Values of responses and callbacks
// never lead to any host.
//
// An account owner who chooses the host gets what requests carry. So no secret of the
// program belongs there: neither the secret of [Connection].Client nor a secret whose input is
// hidden. [Lint] lists the requests that would show one.
//
// # Files
//
// [Load] reads the definitions of an [embed.FS] or of a folder, and lists the mistakes of
// all files. A [Folder] picks up changes of the files while the program runs, and keeps the
// last good definitions while a file is wrong. A [Set] finds a definition by its name or by
// a former name, and holds several revisions of a definition.
//
// # Accounts
//
// [Definition.Ready] says whether the program has what a method needs, such as a client.
// [Definition.Form] lists what to ask of the account owner, and [Definition.Validate] finds
// mistakes early. [Connected.Check] makes the test request, and returns whose account the
// credential opens, or a [CheckError] that says what to do. [Connected.Account] is what a
// program keeps, and [Set.Connect] connects the account again, also after the definition has
// changed. A definition may change like this without harm to its accounts:
//
//   - a new name, with the old one in "was", for the definition, a method or an input
//   - a new input that is optional or has a default
//   - an input, a scope or a credential less
//
// Accounts know their values by the names of the inputs, and title is for people. Anything
// else is a new revision: the new definition has a higher
// "revision", and the old one stays in a file of its own as long as accounts have the old
// revision. All revisions have the present name: after a rename, the old file gets the new
// name, and the old name in "was". An account whose revision is gone goes on with the newest one, and an input that
// the account lacks is an [InputError].
//
// # Tests
//
// A test needs no other URLs: [Connection].HTTPClient, and the client of NewClient and of
// [Connected.Check], may lead all hosts to a server of the test, as the example Fake does. The client of
// an in-memory provider of package authtest does the same. A server at a loopback address
// may also be named by a definition, as in "http://127.0.0.1:8080"; Lint has a word for such
// URLs.
package definition
