// Package catalog has definitions of real services, by name:
//
//	github, err := catalog.Find("github", catalog.Options{Scopes: []string{"repo"}})
//	if err != nil {
//		return err
//	}
//	account, err := github.Connect(definition.Connection{Client: definition.Client{ID: id, Secret: secret}})
//	if err != nil {
//		return err
//	}
//	client := connectorauth.NewClient(account.Connector(), nil)
//
// A service with OAuth 2.0 or 1.0a needs the account owner's consent before the first
// request: see [connectorauth.OAuth2.Begin] and package consent.
//
// # Shelves
//
// A definition of the first shelf has essential facts that two independent witnesses say at
// least: the URLs of consent and token, or the host of the API and the place of the key. The
// witnesses are libraries with permissive licences that connect to the service, and the
// documentation of the service. A draft has one witness, which is maintained, and [Find]
// returns drafts only where [Options].Drafts asks for them.
//
// The member x-sources of each document names the witnesses of each fact, and the date of
// each witness. A fact with one name in "by" has one witness. A name such as RFC 6750 means
// that no witness says anything, and what the standard says holds. Services that are known to
// be dead, and sandboxes, stay out.
//
// # What was checked
//
// Each definition was read and linted, its forms were rendered, and an account of each method
// was led through a life with a server that is made of the facts alone: see package check.
// Nothing was checked against a live service. So test an account before the account is kept:
// see [definition.Connected.Check].
//
// All functions are safe for concurrent use. The first [List], [Search], [ByHost] or [Load] reads all
// documents once, which takes some tens of milliseconds.
//
// # Scopes
//
// The catalogue knows few scopes of a service: those that a witness asks for, and those without
// which the service refuses the test. [Options].Scopes are the scopes that a program wants: where
// [Options].Scopes lack the scopes of the test, the service may refuse the test of a good account.
//
// # A definition of the program's own
//
// A program that knows better changes the Definition that Find returns, and parses the result
// of [definition.Definition.Document]: see the example Change. The document in a file of the
// program pins the definition: a later catalogue changes nothing for the program's accounts.
//
// # Tests
//
// The example Consent leads a consent at a service to a provider in memory.
package catalog
