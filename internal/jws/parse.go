package jws

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// curves are the curves of RFC 7518 section 6.2.1.1.
var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

// The sizes in bytes of the longest text that is read, and of the longest private key
// in it: DER of an RSA key of maxRSA bits. Numbers that are longer cost minutes.
const (
	maxText = 1 << 20
	maxDER  = 12 << 10
)

// Parsed is a key that was read from text.
type Parsed struct {
	Signer    crypto.Signer // nil for a secret
	Secret    []byte        // of a JSON Web Key of the kty oct
	Algorithm string        // alg of a JSON Web Key
	ID        string        // kid of a JSON Web Key
}

// Parse reads a private key from PEM (PKCS#8, PKCS#1 or SEC 1), or a JSON Web Key, or
// either in base64. The line breaks of PEM may be written as \n, or have become spaces, as
// in environment variables and JSON.
func Parse(text string) (Parsed, error) {
	if len(text) > maxText {
		return Parsed{}, fmt.Errorf("the text has %d bytes; no key has more than %d", len(text), maxText)
	}
	text = Plain(text)
	switch {
	case text == "":
		return Parsed{}, errors.New("the key is empty")
	case text[0] == '{':
		return parseJWK([]byte(text))
	case !strings.Contains(text, begin) && strings.HasPrefix(string(unwrapped(text)), "0"): // a SEQUENCE of DER
		return Parsed{}, errors.New("the key is the inside of PEM; put the lines -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY----- around it")
	case !strings.Contains(text, begin):
		return Parsed{}, errors.New("the key is neither PEM, which begins with -----BEGIN, nor a JSON Web Key")
	}
	var signer crypto.Signer
	for rest := straighten(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		found, err := parseBlock(block)
		switch {
		case err != nil:
			return Parsed{}, err
		case found != nil && signer != nil:
			return Parsed{}, errors.New("the text contains several private keys; give one")
		case found != nil:
			signer = found
		}
	}
	switch {
	case signer != nil:
		return Parsed{Signer: signer}, nil
	case strings.Contains(text, "PUBLIC KEY-----"):
		return Parsed{}, errors.New("the key is a public key; signing needs the private key")
	case strings.Contains(text, "-----BEGIN CERTIFICATE"):
		return Parsed{}, errors.New("the text is a certificate; signing needs the private key")
	}
	return Parsed{}, errors.New("the PEM is damaged or cut off")
}

// begin begins PEM.
const begin = "-----BEGIN "

// Plain returns a text without space and a byte order mark around it. PEM and JSON in
// base64, as environment variables have them, are decoded once.
func Plain(text string) string {
	text = stripped(text)
	if text == "" || text[0] == '{' || strings.Contains(text, begin) {
		return text
	}
	if inside := stripped(string(unwrapped(text))); strings.HasPrefix(inside, "{") || strings.Contains(inside, begin) {
		return inside
	}
	return text
}

// stripped returns a text without space and a byte order mark around it.
func stripped(text string) string {
	return strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
}

// unwrapped returns what a text in base64 says, or nil. Line breaks do not matter.
func unwrapped(text string) []byte {
	text = strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	inside, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(text))
	if err != nil {
		return nil
	}
	return inside
}

// straighten gives PEM its line breaks back.
func straighten(text string) []byte {
	text = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", `\r`, "", "\r", "").Replace(text)
	var b strings.Builder
	for part := range strings.SplitSeq(text, "-----") {
		switch label := strings.TrimSpace(part); {
		case strings.HasPrefix(label, "BEGIN "):
			b.WriteString("\n-----" + label + "-----\n")
		case strings.HasPrefix(label, "END "):
			b.WriteString("\n-----" + label + "-----\n")
		case strings.Contains(label, ":"): // headers of an encrypted key
			b.WriteString(label)
		default:
			b.WriteString(strings.Join(strings.Fields(label), "\n"))
		}
	}
	return []byte(b.String())
}

// parseBlock returns the private key of a block. A block beside a key, such as a
// certificate or the public key, has none.
func parseBlock(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch kind := block.Type; {
	case kind == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, errors.New("the private key is encrypted; decrypt the key first, as with openssl pkey")
	case strings.HasSuffix(kind, "PRIVATE KEY") && len(block.Bytes) > maxDER:
		return nil, fmt.Errorf("the private key has %d bytes; at most %d are read", len(block.Bytes), maxDER)
	case kind == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case kind == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case kind == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case kind == "OPENSSH PRIVATE KEY":
		return nil, errors.New("the private key is in OpenSSH's own format; convert the key with ssh-keygen -p -m PKCS8")
	case strings.HasSuffix(kind, "PRIVATE KEY"):
		return nil, fmt.Errorf("PEM of the kind %.30q is not known; use PKCS#8, PKCS#1 or SEC 1", kind)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the PEM's %s is damaged, or of a kind that is not known", block.Type)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the PEM's %s is a %T, which does not sign", block.Type, key)
	}
	return signer, nil
}
