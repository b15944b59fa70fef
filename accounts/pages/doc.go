// Package pages lets people connect accounts and look after them: a dialog that connects an
// account, a page of all accounts, and a JSON API with the same operations for products with a
// front end of their own.
//
//	handler, err := pages.New(pages.Config{
//		URL:      "https://app.example/accounts",
//		Keys:     []connectorauth.Secret{key}, // 32 random bytes, the same in every process
//		Registry: registry,                    // an *accounts.Registry
//		Owner: func(r *http.Request) (string, error) {
//			user, ok := signedIn(r)
//			if !ok {
//				return "", consent.ErrNotAllowed
//			}
//			return user.ID, nil
//		},
//	})
//	mux.Handle("/accounts/", handler)
//
// A link to https://app.example/accounts/ is all that a program needs. People search for a
// service there, choose a method, fill in the form of the definition or consent at the
// service, and see whose account was connected. Register the callback URL of each definition
// with a consent at its provider: [Config].URL + "/callback/" + the name of the definition.
//
// # The pages
//
// A program can link to each page. Every page takes three more parameters: return_to is a
// path on [Config].Origin for the way back, but none of /account; language is a tag of
// Pages.Languages; and connect.js sets popup.
//
//	/                    all accounts; service, status and after choose some of them
//	/connect             search for a service
//	/connect?service=    the form of a service; method chooses one of several methods
//	/account?id=         one account
//	/reconnect?id=       the form that connects an account again
//	/disconnect?id=      asks whether to disconnect an account
//
// The pages work without a script. They run the package's own script alone, load nothing from
// anywhere, and browsers do not show them in a frame. The pages look and speak as those of
// package consent: see [Config].Pages and [Config].Messages.
//
// # What is offered
//
// The pages and the JSON API offer the methods for which the program is ready, such as an API key,
// or a consent at a service where the program has a client: see [accounts.Registry.Ready]. A
// service without any such method is not offered. Whoever opens a service or a method all the
// same, by its name, sees that something is wrong, and [Config].Failed says what is missing.
//
// A search asks the function Connection of [accounts.Config] once in a minute for each owner and
// method that needs something of the program, until the page is full. A form asks anew. While
// Connection fails, a search asks three times, and then offers what needs nothing of the program,
// and what a search of the last minute has found.
//
// # As a popup
//
// The script connect.js of the handler opens the pages in a popup. Call its functions in the
// handler of a click, or the browser will block the popup:
//
//	<script src="/accounts/connect.js"></script>
//	<script>
//		button.onclick = () => connectorauth.connect("acme").then(
//			(account) => show(account), // the ID
//			(error) => { if (error.reason !== "closed") complain(error.message); })
//	</script>
//
// connect(service, options) opens the form of a service, or the search if service is empty.
// reconnect(id, options) opens the form of an account. consent(url, options) opens the consent
// of an account, with the member consent of the JSON API. The options are those of package
// consent. The popup tells the outcome to windows of [Config].Origin alone.
//
// # The JSON API
//
// Paths begin with [Config].URL + "/api". A request with a body has the Content-Type
// application/json, and the parameter language and the header Accept-Language choose the
// language of texts. Empty members are left out.
//
//	GET    /services?q=&limit=                  search; limit is 1 to 200, and 50 if empty
//	GET    /services/{service}?method=          the form of a method
//	GET    /accounts?service=&status=&after=&limit=
//	POST   /accounts                            connect; 201, or 200 for a key that was used
//	GET    /accounts/{id}
//	GET    /accounts/{id}/form?method=          the form that connects an account again
//	POST   /accounts/{id}/reconnect
//	POST   /accounts/{id}/test                  with the body {}
//	DELETE /accounts/{id}                       disconnect; 200, or 202 if the service is told later
//
// Each of them has an example, with the exact JSON, in docs/accounts-pages.md.
//
// # What protects account owners
//
//   - Owner decides what anybody sees and changes. An account of another owner is not found,
//     exactly as an absent account.
//   - Requests of other sites change nothing: see [http.CrossOriginProtection]. A form must
//     be application/x-www-form-urlencoded, and the JSON API takes application/json alone. The
//     cookies of the program should be SameSite=Lax all the same. With Strict, a person who
//     comes back from a consent is not signed in.
//   - A link of another site begins no consent: the person clicks first.
//   - A program on a person's own computer, whose Owner asks for no cookie and no password, must
//     compare the Host of the request: another site can give its name the address of the
//     computer (DNS rebinding).
//   - How often an owner connects and tests accounts, and how many there are, is for the program
//     to limit, in front of the handler: a person could guess passwords of a service by it.
//   - Secrets go one way. A form that connects an account again says that a secret is saved,
//     and an empty field keeps the secret. After a mistake, secrets are typed again.
//   - A form takes the values for which the form asks, and the scopes of its choice. The values
//     of hidden inputs are the program's.
//
// # Twice, back, and in two windows
//
// A form has a key, and the key is part of the ID of the account: a form that is sent twice
// connects one account. An account that waits for a consent is shown as such, can be
// continued, and can be removed; the form may be sent again, also with another method. Sweep
// removes an account that waits for longer than a day.
package pages
