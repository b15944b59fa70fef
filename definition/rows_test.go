package definition_test

// A row is a definition of a provider of package providers.
type row struct {
	method string
	values values
	api    string   // the URL of a request
	path   string   // of that request, after the base URL
	auth   string   // the URL of the consent; empty means none
	token  []string // the URLs of token requests, and what the fake has after its own
	revoke string   // empty means none
	scopes []string
	header map[string]string // of requests to the API
}

// rows are the rows by the names of the providers, which are those of the definitions.
var rows = map[string]row{
	"amazon-selling-partner": {
		values: values{"region": "eu", "site": "https://sellercentral.amazon.de", "application": "amzn1.sp.solution.x"},
		api:    "https://sellingpartnerapi-eu.amazon.com/orders/v0/orders", path: "/orders/v0/orders",
		auth: "https://sellercentral.amazon.de/apps/authorize/consent", token: []string{"https://api.amazon.com/auth/o2/token"},
	},
	"asana": {
		api: "https://app.asana.com/api/1.0/users/me", path: "/users/me", scopes: []string{"default"},
		auth: "https://app.asana.com/-/oauth_authorize", token: []string{"https://app.asana.com/-/oauth_token"}, revoke: "https://app.asana.com/-/oauth_revoke",
	},
	"atlassian": {
		values: values{"cloud": "123e4567-e89b-12d3-a456-426614174000"},
		api:    "https://api.atlassian.com/ex/jira/123e4567-e89b-12d3-a456-426614174000/rest/api/3/myself", path: "/rest/api/3/myself",
		auth: "https://auth.atlassian.com/authorize", token: []string{"https://auth.atlassian.com/oauth/token"},
		scopes: []string{"offline_access", "read:me", "read:jira-work"},
	},
	"auth0": {
		values: values{"domain": "acme.us.auth0.com", "audience": "https://api.example.com"},
		api:    "https://acme.us.auth0.com/api/v2/clients", path: "/clients", token: []string{"https://acme.us.auth0.com/oauth/token"},
	},
	"box": {
		api: "https://api.box.com/2.0/users/me", path: "/users/me", scopes: []string{"root_readwrite"},
		auth: "https://account.box.com/api/oauth2/authorize", token: []string{"https://api.box.com/oauth2/token"}, revoke: "https://api.box.com/oauth2/revoke",
	},
	"dropbox": {
		api: "https://api.dropboxapi.com/2/files/list_folder", path: "/files/list_folder", scopes: []string{"account_info.read", "files.content.read"},
		auth: "https://www.dropbox.com/oauth2/authorize", token: []string{"https://api.dropboxapi.com/oauth2/token"},
	},
	"ebay": {
		values: values{"ruName": "Example-App-PRD-1"},
		api:    "https://api.ebay.com/sell/inventory/v1/location", path: "/sell/inventory/v1/location", scopes: []string{"https://api.ebay.com/oauth/api_scope"},
		auth: "https://auth.ebay.com/oauth2/authorize", token: []string{"https://api.ebay.com/identity/v1/oauth2/token"},
	},
	"facebook": {
		api: "https://graph.facebook.com/v21.0/me", path: "/me", scopes: []string{"public_profile", "email"},
		auth: "https://www.facebook.com/v21.0/dialog/oauth", token: []string{"https://graph.facebook.com/v21.0/oauth/access_token"},
	},
	"figma": {
		api: "https://api.figma.com/v1/me", path: "/me", scopes: []string{"current_user:read", "file_content:read"},
		auth: "https://www.figma.com/oauth", token: []string{"https://api.figma.com/v1/oauth/token", "https://api.figma.com/v1/oauth/refresh /refresh"},
	},
	"fiserv": {
		values: values{"host": "prod.api.fiservapps.com"},
		api:    "https://prod.api.fiservapps.com/x", path: "/x", token: []string{"https://prod.api.fiservapps.com/oauth/token"},
	},
	"github": {
		header: map[string]string{"X-GitHub-Api-Version": "2022-11-28"},
		api:    "https://api.github.com/user", path: "/user", scopes: []string{"read:user", "repo"},
		auth: "https://github.com/login/oauth/authorize", token: []string{"https://github.com/login/oauth/access_token"},
	},
	"google": {
		api: "https://www.googleapis.com/calendar/v3/users/me/calendarList", path: "/calendar/v3/users/me/calendarList",
		auth: "https://accounts.google.com/o/oauth2/v2/auth", token: []string{"https://oauth2.googleapis.com/token"}, revoke: "https://oauth2.googleapis.com/revoke",
		scopes: []string{"openid", "email", "https://www.googleapis.com/auth/calendar.readonly"},
	},
	"hubspot": {
		api: "https://api.hubapi.com/crm/v3/objects/contacts", path: "/crm/v3/objects/contacts", scopes: []string{"oauth", "crm.objects.contacts.read"},
		auth: "https://app.hubspot.com/oauth/authorize", token: []string{"https://api.hubapi.com/oauth/v1/token"},
	},
	"instagram": {
		api: "https://graph.instagram.com/me", path: "/me", scopes: []string{"instagram_business_basic", "instagram_business_manage_comments"},
		auth:  "https://www.instagram.com/oauth/authorize",
		token: []string{"https://api.instagram.com/oauth/access_token", "https://graph.instagram.com/access_token /access_token", "https://graph.instagram.com/refresh_access_token /refresh_access_token"},
	},
	"jobber": {
		header: map[string]string{"X-JOBBER-GRAPHQL-VERSION": "2023-11-15"},
		api:    "https://api.getjobber.com/api/graphql", path: "/graphql",
		auth: "https://api.getjobber.com/api/oauth/authorize", token: []string{"https://api.getjobber.com/api/oauth/token"},
	},
	"microsoft": {
		values: values{"tenant": "contoso.onmicrosoft.com"},
		api:    "https://graph.microsoft.com/v1.0/me", path: "/me", scopes: []string{"offline_access", "User.Read"},
		auth:  "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/authorize",
		token: []string{"https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token /contoso/v2.0/token"},
	},
	"notion": {
		header: map[string]string{"Notion-Version": "2022-06-28"},
		api:    "https://api.notion.com/v1/users/me", path: "/users/me",
		auth: "https://api.notion.com/v1/oauth/authorize", token: []string{"https://api.notion.com/v1/oauth/token"},
	},
	"pipedrive": {
		method: "oauth", api: "https://example.pipedrive.com/api/v2/deals", path: "/api/v2/deals",
		auth: "https://oauth.pipedrive.com/oauth/authorize", token: []string{"https://oauth.pipedrive.com/oauth/token"}, revoke: "https://oauth.pipedrive.com/oauth/revoke",
	},
	"quickbooks": {
		api: "https://quickbooks.api.intuit.com/v3/company/9130347/companyinfo/9130347", path: "/companyinfo/9130347", scopes: []string{"com.intuit.quickbooks.accounting"},
		auth: "https://appcenter.intuit.com/connect/oauth2", token: []string{"https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"},
		revoke: "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
	},
	"reddit": {
		header: map[string]string{"User-Agent": "web:example:v1 (by /u/example)"},
		values: values{"userAgent": "web:example:v1 (by /u/example)"},
		api:    "https://oauth.reddit.com/api/v1/me", path: "/api/v1/me", scopes: []string{"identity", "read"},
		auth: "https://www.reddit.com/api/v1/authorize", token: []string{"https://www.reddit.com/api/v1/access_token"}, revoke: "https://www.reddit.com/api/v1/revoke_token",
	},
	"salesforce": {
		api: "https://example.my.salesforce.com/services/data", path: "/services/data",
		auth: "https://login.salesforce.com/services/oauth2/authorize", token: []string{"https://login.salesforce.com/services/oauth2/token"},
		revoke: "https://login.salesforce.com/services/oauth2/revoke",
	},
	"shopify": {
		method: "oauth", values: values{"subdomain": "example"},
		api: "https://example.myshopify.com/admin/shop.json", path: "/admin/shop.json", scopes: []string{"read_products", "read_orders"},
		auth: "https://example.myshopify.com/admin/oauth/authorize", token: []string{"https://example.myshopify.com/admin/oauth/access_token"},
	},
	"slack": {
		api: "https://slack.com/api/users.list", path: "/users.list", scopes: []string{"users:read", "chat:write"},
		auth: "https://slack.com/oauth/v2/authorize", token: []string{"https://slack.com/api/oauth.v2.access"},
	},
	"stripe": {
		method: "connect", api: "https://api.stripe.com/v1/account", path: "/v1/account", scopes: []string{"read_write"},
		auth: "https://connect.stripe.com/oauth/authorize", token: []string{"https://connect.stripe.com/oauth/token"},
	},
	"tiktok": {
		api: "https://open-api.tiktok.com/user/info/", path: "/user/info/", scopes: []string{"user.info.basic", "video.list"},
		auth: "https://www.tiktok.com/auth/authorize/", token: []string{"https://open-api.tiktok.com/oauth/access_token/", "https://open-api.tiktok.com/oauth/refresh_token/"},
	},
	"workday": {
		values: values{"host": "wd2-impl-services1.workday.com", "site": "impl.workday.com", "tenant": "acme_pt1"},
		api:    "https://wd2-impl-services1.workday.com/ccx/api/v1/acme_pt1/workers", path: "/workers",
		auth: "https://impl.workday.com/acme_pt1/authorize", token: []string{"https://wd2-impl-services1.workday.com/ccx/oauth2/acme_pt1/token"},
	},
	"xero": {
		header: map[string]string{"Xero-Tenant-Id": "123e4567-e89b-12d3-a456-426614174000"},
		values: values{"tenant": "123e4567-e89b-12d3-a456-426614174000"},
		api:    "https://api.xero.com/api.xro/2.0/Invoices", path: "/Invoices", scopes: []string{"openid", "offline_access", "accounting.transactions"},
		auth: "https://login.xero.com/identity/connect/authorize", token: []string{"https://identity.xero.com/connect/token"}, revoke: "https://identity.xero.com/connect/revocation",
	},
	"zendesk": {
		method: "oauth", values: values{"subdomain": "acme"}, api: "https://acme.zendesk.com/api/v2/tickets", path: "/api/v2/tickets", scopes: []string{"read"},
		auth: "https://acme.zendesk.com/oauth/authorizations/new", token: []string{"https://acme.zendesk.com/oauth/tokens"},
	},
	"zoho": {
		api: "https://www.zohoapis.eu/crm/v8/Leads", path: "/Leads", scopes: []string{"ZohoCRM.users.READ", "ZohoCRM.modules.READ"},
		auth: "https://accounts.zoho.com/oauth/v2/auth", token: []string{"https://accounts.zoho.eu/oauth/v2/token"}, revoke: "https://accounts.zoho.eu/oauth/v2/token/revoke",
	},
	"zoom-server-to-server": {
		values: values{"account": "acc1"}, api: "https://api.zoom.us/v2/users", path: "/users",
		token: []string{"https://zoom.us/oauth/token"}, revoke: "https://zoom.us/oauth/revoke",
	},
}
