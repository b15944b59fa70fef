package dialect

// Regions describe a provider whose accounts live in regions, each with a token
// endpoint of its own: the account owner's callback, or a token response, names the
// region. From then on, all requests for the account that would go to the origin of
// the token URL go to the region's origin, with path and query as configured: token
// requests, refreshes and exchanges, and revocations. URLs of another origin stay as
// they are. The account's record keeps the region.
//
// Empty means that the token URL serves all accounts.
type Regions struct {
	// Callback is the name of the callback parameter that names the region, such as
	// "accounts-server" or "location". Empty means that the callback names none. A
	// callback without the parameter means the region of the token URL.
	Callback string `json:"callback,omitempty"`
	// Response is the path of the member of a token response that names the region:
	// see [Response]. Empty means that token responses name none. A response without
	// the member leaves the account in its region.
	Response string `json:"response,omitempty"`
	// Origins are the origins of the regions, such as "https://accounts.example.eu",
	// by the provider's word for the region, such as "eu". Upper and lower case count.
	// Instead of the word, a provider may name an origin, or a URL with the origin. The
	// origin of the token URL needs no element, unless the provider has a word for its
	// region. Required.
	//
	// Codes, refresh tokens and the client's credentials are sent to these origins, and
	// the account owner's browser chooses among the origins. So every origin must belong
	// to the provider of the token URL, and no other party may control an origin, such
	// as a customer's subdomain: then a choice can fail, and no choice is a mix-up (RFC
	// 9700 section 4.4). Nothing is sent to an origin that is not listed: a callback that
	// names another region is refused, and so is an account whose record does. A token
	// whose response names another region is kept, the account stays in its region, and
	// an event says so.
	Origins map[string]string `json:"origins"`
}
