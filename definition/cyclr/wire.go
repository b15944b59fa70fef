package cyclr

// connector is a connector as Export writes connectors.
type connector struct {
	Name           string
	BaseUrl        string           `json:",omitempty"`
	Authentication []authentication `json:",omitempty"`
	Parameters     []parameter      `json:",omitempty"`
}

// authentication is a way to authenticate.
type authentication struct {
	AuthName        string `json:",omitempty"`
	AuthType        string
	OAuth2Type      string      `json:",omitempty"`
	AuthScheme      string      `json:",omitempty"`
	IsDefault       bool        `json:",omitempty"`
	ClientId        string      `json:",omitempty"`
	ClientSecret    string      `json:",omitempty"`
	RequestTokenUrl string      `json:",omitempty"`
	AuthorizeUrl    string      `json:",omitempty"`
	AuthoriseUrl    string      `json:",omitempty"`
	AccessTokenUrl  string      `json:",omitempty"`
	Scopes          string      `json:",omitempty"`
	AuthFields      []authField `json:",omitempty"`
}

// authField is a field inside each message.
type authField struct{ Name, Key, Type string }

// parameter is a value that is asked for.
type parameter struct {
	TargetType                 string
	TargetName                 string
	Name                       string   `json:",omitempty"`
	Description                string   `json:",omitempty"`
	IsOptional                 bool     `json:",omitempty"`
	IsSensitive                bool     `json:",omitempty"`
	IsAccountConnectorProperty bool     `json:",omitempty"`
	IsPartnerConnectorProperty bool     `json:",omitempty"`
	DataType                   string   `json:",omitempty"`
	Values                     []string `json:",omitempty"`
}

// The words of Cyclr for grants.
const (
	authorisationCode   = "AuthorisationCode"
	clientCredentials   = "ClientCredentials"
	passwordCredentials = "PasswordCredentials"
)

// The words of Cyclr for where a parameter goes.
const (
	httpHeader  = "HttpHeader"
	queryString = "QueryString"
	mergeField  = "MergeField"
)
