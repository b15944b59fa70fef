// Package openapi makes drafts of definitions of OpenAPI documents: versions 3.0, 3.1 and
// 3.2, and Swagger 2.0. OpenAPI says where a credential goes, and leaves open much that a
// client must know. [Import] asks what the document leaves open, and guesses nothing:
//
//	draft, err := openapi.Import("acme.json", document, openapi.Options{})
//	if err != nil {
//		return err // no OpenAPI document
//	}
//	for _, q := range draft.Questions {
//		fmt.Println(q, q.ID, q.Choices) // acme.json:12:9: components.securitySchemes.key: ...
//	}
//	draft, err = openapi.Import("acme.json", document, openapi.Options{
//		Answers: map[string]string{"prefix:key": "Bearer "},
//	})
//
// Once no question is open, [definition.Parse] takes the document of the draft. The draft
// has titles from the names of the document, and no test request: edit the draft, with
// the help of [definition.Lint].
//
// # What becomes of a document
//
// The name and title come from info.title, and the link from externalDocs.
//
// The base URL comes from servers. Variables are inputs, with enum and default. The
// default of a variable in the host is an example only, unless the variable has an enum,
// because defaults of hosts are mostly placeholders. A variable in the scheme or the port
// is replaced by its default. Several servers without variables are choices of one
// input. Servers of single paths are further base URLs.
//
// Each alternative of security is a method, and so is each flow of OAuth2. Several schemes
// in one alternative are several credentials (And), and {} is the type None. Operations
// may have alternatives of their own: a note says how many operations take a method.
// Scopes that requirements name are the default choice.
//
// # What is asked
//
// The IDs of questions are the words below. NAME is the name of a scheme or a variable.
//
//   - server: the URL of the API, where servers is missing, relative, plain http, or a
//     list whose members have variables
//   - host:NAME: which hosts a variable at the end of a host may name
//   - name: the name of the definition, where the title makes none
//   - security: how to authenticate, where no operation says so
//   - prefix:NAME: what comes before a key in the header Authorization
//   - aws:NAME: whether an API key is a signature of AWS instead
//   - http:NAME: what becomes of HTTP Digest, and of other schemes of HTTP
//   - clientAuth:NAME: how an OAuth2 client authenticates
//   - authUrl:NAME and tokenUrl:NAME: endpoints that are missing, relative or plain http,
//     such as the token URL of an implicit flow and those of OpenID Connect
//   - mutualTLS:NAME: whether the program presents a client certificate
//   - double:NAME+NAME: which of two credentials goes into a place that both want
//   - ref:REF: a reference to another file, which Import does not read
//   - draft: anything else that [definition.Parse] refuses
//
// Notes say what cannot be a definition, such as the device grant.
package openapi
