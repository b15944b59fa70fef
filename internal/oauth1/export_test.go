package oauth1

// SignBase signs a base string that did not come from a request, as some
// published vectors do.
func SignBase(s *Signer, base string) (string, error) {
	signature, err := s.sign(nil, []byte(base))
	return string(signature), err
}
