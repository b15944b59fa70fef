package dialect

// A SignatureMethod is the name of an OAuth1 signature method, as oauth_signature_method has
// the name.
type SignatureMethod string

// The signature methods of RFC 5849 section 3.4, and methods with SHA-2 that services have
// added since.
const (
	HMACSHA1   SignatureMethod = "HMAC-SHA1"
	HMACSHA256 SignatureMethod = "HMAC-SHA256"
	HMACSHA512 SignatureMethod = "HMAC-SHA512"
	RSASHA1    SignatureMethod = "RSA-SHA1"
	RSASHA256  SignatureMethod = "RSA-SHA256"
	RSASHA512  SignatureMethod = "RSA-SHA512"
	Plaintext  SignatureMethod = "PLAINTEXT" // sends the secrets themselves: https or loopback only
)
