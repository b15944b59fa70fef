package oauth1

import "net/http"

// SignBase signs a base string that did not come from a request, as some
// published vectors do.
func SignBase(s *Signer, base string) (string, error) {
	signature, err := s.sign(nil, []byte(base))
	return string(signature), err
}

// BaseString returns the signature base string of RFC 5849 section 3.4.1, the
// text that the signature methods sign.
//
// form is the body of req if the body is a form, and nil otherwise. protocol are the OAuth
// parameters for the Authorization header.
func BaseString(req *http.Request, form []byte, protocol ...Param) (string, error) {
	s := newScratch()
	defer s.free()
	for _, p := range protocol {
		s.protocol.add(p.Name, p.Value)
	}
	if err := s.build(req, form, new(parameters)); err != nil {
		return "", err
	}
	return string(s.base), nil
}
