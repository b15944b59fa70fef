package serve

import "net/url"

// Mapped is what a request for sent becomes, and the way back.
type Mapped struct {
	Service, Base string
	Upstream      *url.URL
	Local         string // of Upstream
	Below         bool
}

// Map maps what a program has sent to a URL below base.
func Map(sent string, base *url.URL) (Mapped, error) {
	t, err := parseTarget(sent)
	if err != nil {
		return Mapped{}, err
	}
	u, err := t.upstream(base)
	if err != nil {
		return Mapped{}, err
	}
	m := Mapped{Service: t.service, Base: t.base, Upstream: u}
	m.Local, m.Below = t.local(base, u)
	return m, nil
}

// Advised is the error of Listen for an error of the system.
func Advised(err error, port int, six bool) error { return advised(err, port, six) }
