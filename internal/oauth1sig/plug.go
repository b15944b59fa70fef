package oauth1sig

import "github.com/dghubble/oauth1"

// Plug returns the config's signature method in the form that dghubble/oauth1's
// handshake takes. Its token secret comes with each call.
func (c Config) Plug() (oauth1.Signer, error) {
	c.Token, c.TokenSecret = "", ""
	s, err := New(c)
	if err != nil {
		return nil, err
	}
	c.Method = s.method
	return plug{c}, nil
}

type plug struct{ config Config }

func (p plug) Name() string { return string(p.config.Method) }

func (p plug) Sign(tokenSecret, base string) (string, error) {
	p.config.TokenSecret = tokenSecret
	sign, err := newSignFunc(p.config)
	if err != nil {
		return "", err
	}
	signature, err := sign(nil, []byte(base))
	return string(signature), err
}
