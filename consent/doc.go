// Package consent runs the consent of OAuth connectors: the steps in which an
// account owner (the resource owner of RFC 6749) allows an application to use an
// account. For a web application, a [Handler] serves the steps, and its script
// connect.js opens a popup for them. For a command-line program, [Loopback]
// opens the person's browser.
//
//	handler, err := consent.New(consent.Config{
//		URL:  "https://app.example/connect", // register https://app.example/connect/callback/google at Google
//		Keys: []connectorauth.Secret{key},   // 32 random bytes, the same in every process
//		Flow: func(r *http.Request, connector string) (consent.Flow, error) {
//			user, ok := signedIn(r)
//			if !ok {
//				return nil, consent.ErrNotAllowed
//			}
//			return connectors.For(user, connector) // a *connectorauth.OAuth2 or *OAuth1
//		},
//	})
//	mux.Handle("/connect/", handler)
//
// # In a terminal
//
// A program in a terminal makes the request first, and asks for a consent where the
// account needs one. With a store, such as a File of package tokenstore, the next
// start needs none:
//
//	resp, err := client.Get(url)
//	if errors.Is(err, connectorauth.ErrReauthRequired) { // or there was no consent yet
//		err = consent.Loopback(ctx, connector, consent.LoopbackOptions{In: os.Stdin})
//		...
//		resp, err = client.Get(url)
//	}
//
// With the grant [connectorauth.DeviceCode], call [Device] in place of Loopback. A
// program that offers both makes a connector for each. A record in the store belongs
// to one grant: give each grant an Account of its own, or begin with the consent, which
// replaces the record. Before the program ends, call Shutdown of its
// [connectorauth.Shared], which waits until a new token is saved. The example named
// Terminal is the whole.
//
// # In the page
//
// The handler serves the script connect.js. Its function connect opens the popup.
// Call connect in the handler of a click, or the browser will block the popup:
//
//	<script src="/connect/connect.js"></script>
//	<script>
//		button.onclick = () => connectorauth.connect("google").then(
//			() => location.reload(),
//			(error) => { if (error.reason !== "closed") show(error.message); })
//	</script>
//
// If the browser blocks the popup, connect goes to the provider in the same
// window, and the browser comes back to options.returnTo. A plain link does the
// same, without a script: see [Handler.StartURL].
//
//	<a href="/connect/start?connector=google&return_to=/settings">Connect</a>
//
// The second argument of connect is optional: connect("google", options). The options
// are returnTo, a path on [Config].Origin; language, a tag of [Pages].Languages; and width
// and height of the popup, in pixels. Empty means the present page, the language of the
// browser, and 520 by 680. The reason of the error is a [Reason], or "closed".
//
// # On another device
//
// If the connector has the DeviceCode grant (RFC 8628), the start leads to a page of the
// handler with a code and a link: the account owner types the code at the provider, on this or
// on another device. The page looks again by itself as often as the provider allows, without a
// script, until the account owner has decided. A program that can receive a callback should
// use the AuthorizationCode grant: a code can be passed on, so a person who types the
// code of an attacker connects an account with the attacker's (RFC 8628 section 5.4).
//
// # How the pages look
//
// The pages come in light and dark, and in English and German. [Pages] gives them the
// program's name, logo and colour, and more languages. [Config].Service names the
// service whose account is connected:
//
//	config.Service = func(connector string) string { return titles[connector] } // "Google Calendar"
//	config.Pages = consent.Pages{
//		Name: "Acme", Logo: logoSVG, Accent: "#c2410c",
//		Languages: map[string]consent.Messages{"en": {}, "de": {}, "fr": french},
//	}
//
// The browser's Accept-Language chooses the language. A program that knows better
// gives options.language to connect, or adds &language=de to the URL of a start.
//
// # What protects the account owner
//
// At the start of a consent, the handler encrypts the pending value of
// [Flow].Begin into a cookie: __Host-, HttpOnly, Secure and SameSite=Lax. Each
// consent has its own cookie. Four rules protect the account owner:
//
//   - Only the browser with the cookie can finish the consent, within ten minutes or
//     the ConsentLifetime of the connector. Every process with the same Keys can serve
//     the callback.
//   - A callback is taken only at the callback URL of the consent's authorization
//     server: see [Config].Callback.
//   - A consent is finished once. Finish claims the consent in the connector's
//     Store, for all processes: see [connectorauth.OAuth2.Finish]. The end of the
//     consent deletes the cookie. Where nothing was sent, the cookie stays, and the
//     person can go back to the provider's page and try again.
//   - A person who comes from a link on another site must first confirm the start.
//
// A provider may send the callback as a form (response_mode=form_post). A form of
// another site carries no SameSite=Lax cookie, so the handler encrypts the form into
// a URL, and the browser comes back with the cookie at once. The four rules hold for
// forms too. The URL is a third longer than the form, and servers in front of the
// handler must let the URL pass. Set response_mode in AuthorizationCode.Params.
//
// A provider's refusal without a state may come from anybody, so the refusal ends no
// consent. The person sees what the provider says, and Done learns of no connector.
//
// An administrator who must approve first needs more than ten minutes. A connector's
// ConsentLifetime allows up to a day. The price: a cookie that is stolen, or a browser
// that is left alone, can finish the consent for as long, a key serves longer, and the
// Store remembers finished consents longer. A browser has at most eight consents under
// way; a ninth ends the oldest.
//
// On http, for loopback addresses, the cookie is neither __Host- nor Secure.
//
// The pages run only the package's own script, load nothing from anywhere and show no
// value of a callback. Browsers do not show the pages in a frame. Do not show a
// provider's pages in an embedded web view: open a browser (RFC 8252 section 8.12).
package consent
