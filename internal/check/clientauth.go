package check

// ClientAuthMethods are the words of connectorauth.ClientAuthMethod.
var ClientAuthMethods = []string{
	"client_secret_basic", "client_secret_post", "client_secret_basic_raw", "client_secret_user", "none",
	"tls_client_auth", "self_signed_tls_client_auth",
}
