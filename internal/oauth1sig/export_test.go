package oauth1sig

// Encode is the encoding of section 3.6.
func Encode(s string) string { return string(appendEncoded(nil, s)) }

// SignBase signs a base string that did not come from a request, as some
// published vectors do.
func SignBase(s *Signer, base string) (string, error) {
	signature, err := s.sign(nil, []byte(base))
	return string(signature), err
}
