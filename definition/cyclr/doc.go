// Package cyclr moves connectors between Cyclr (https://docs.cyclr.com) and definitions:
// what a connector wants of accounts, and what an account has given.
//
//	draft, err := cyclr.Import("acme.json", connector, cyclr.Options{})
//	... // answer draft.Questions, if there are any
//	document, err := draft.Definition.Document()
//	...
//	d, err := definition.Parse("acme.json", document, definition.Options{})
//	...
//	account, err := cyclr.ReadAccount(d, "", stored) // the default method
//	...
//	connected, err := d.Connect(definition.Connection{Method: account.Method, Values: account.Values})
//
// # Connectors
//
// [Import] reads a connector as Cyclr's API lists connectors (GET /v1.0/connectors): one
// object, with the members
//
//   - Name
//   - BaseUrl, the URL of the API, which Cyclr keeps with each method of a connector
//   - Authentication, a list of objects with AuthName, AuthType, OAuth2Type, AuthScheme and
//     IsDefault; or one authentication beside Name, as older connectors do
//   - Parameters, a list of objects with TargetType, TargetName, Name, Description,
//     IsOptional, IsSensitive, IsAccountConnectorProperty, IsPartnerConnectorProperty,
//     DataType and Values
//   - Script
//
// An authentication has further members for its AuthType:
//
//	ApiKey      AuthScheme, the name of the header
//	Basic
//	OAuth1      ClientId, ClientSecret, RequestTokenUrl, AuthorizeUrl, AccessTokenUrl
//	OAuth2      OAuth2Type, ClientId, ClientSecret, AuthoriseUrl, AccessTokenUrl, Scopes, AuthScheme
//	AuthFields  AuthFields, a list of objects with Name, Key and Type
//	None
//
// Merge fields such as {{Subdomain}} in URLs are inputs. Parameters that are properties of
// accounts or partners are inputs: those of partners are hidden, for the program to give.
// A parameter with the TargetType HttpHeader or QueryString goes along with each request.
// A literal ClientId and ClientSecret are no part of a definition: Import returns them
// apart. Parameters called ClientId and ClientSecret let each account bring a client.
//
// What a connector leaves open is asked, as by package openapi. NAME is the name of a
// method of the draft, or of a parameter:
//
//   - name: the name of the definition, where Name makes none
//   - baseUrl: the URL of the API, with merge fields
//   - host:NAME: which hosts a merge field at the end of a host may name
//   - place:NAME: where a key goes: header NAME, query NAME, cookie NAME or body NAME
//   - authUrl:NAME, tokenUrl:NAME, requestTokenUrl:NAME: URLs that are missing
//   - grant:NAME: which grant an OAuth2Type means
//   - clientAuth:NAME: how a client authenticates at the token URL
//   - script: what the script of the connector does to requests
//   - draft: anything else that [definition.Parse] refuses
//
// [Export] writes the connector of a definition, and says what Cyclr has no words for.
//
// # Accounts
//
// [ReadAccount] reads what Cyclr keeps of one account: AuthValue and Properties. AuthValue is
// a text: a key, a user name and a password in base64, an access token, or the JSON text of an
// object with AccessToken, RefreshToken, Expires and RefreshExpires. The object {} means that
// the account logs in when the account is first used. Properties is a list of objects with
// Name and Value. [Account.Document] writes the same:
//
//	{"AuthValue": "{\"AccessToken\": \"...\"}", "Properties": [{"Name": "Subdomain", "Value": "mycompany"}]}
package cyclr
