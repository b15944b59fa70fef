package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
)

// places are where a scheme puts its credential, as far as the config tells.
type places struct {
	header string   // the canonical name of a header, or empty
	others []string // such as: query parameter "key", cookie "session"
	stage  stage
	alter  bool // the credential goes into the URL or into the body
}

// all lists the places in words.
func (p places) all() []string {
	if p.header == "" {
		return p.others
	}
	return append(slices.Clip(p.others), "header "+p.header)
}

// stage orders the credentials of a request. A signature comes last and covers the
// other credentials.
type stage int

const (
	stagePlace  stage = iota // a value with a place in the header, query, cookie or body
	stageCustom              // functions
	stageSign                // a signature over the request
	stageLast                // functions that sign; OAuth1 may sign in the query, which they cover
)

// builtin is a Connector of this package with credentials.
type builtin interface {
	Connector
	inner() *core
	// with returns a copy of the connector with another core.
	with(*core) Connector
}

// Join returns a connector that adds the credentials of all connectors to each
// request: fields and values with a place first, signatures last, and after the hooks the
// proof of possession of an OAuth2. Two credentials
// for the same place are refused, such as Basic for a gateway and a bearer token for the
// API behind the gateway: one of the two needs another place, which the service names.
// The credentials of a proxy belong in the URL of [http.Transport.Proxy]. A request must
// be allowed by the Hosts of every connector. Hooks of a connector keep running.
//
// If the API rejects a request, every connector that recognizes the rejection
// renews its credential once, and the request is sent once more.
//
// The connectors are those of this library and of [NewCustom], such as the connectors of
// package session, a signature of awsauth, or the certificate of a CertificateTransport.
// Other implementations of [Connector] are refused. [None] adds nothing.
func Join(connectors ...Connector) (Connector, error) {
	var problems check.List
	var parts []joinPart
	var hosts []origin.Set
	var from []int // which connector each of hosts is from
	for i, c := range connectors {
		switch c := c.(type) {
		case builtin:
			if reflect.ValueOf(c).IsNil() || c.inner() == nil {
				problems.Add("connector %d: is an empty %T; use the constructor", i, c)
				continue
			}
			for j, other := range hosts {
				if !other.Meets(c.inner().hosts) {
					problems.Add("connectors %d and %d: no host is among the Hosts of both", from[j], i)
				}
			}
			for _, p := range partsOf(c.inner()) {
				p.from = i
				parts = append(parts, p)
			}
			hosts, from = append(hosts, c.inner().hosts), append(from, i)
		case None:
		default:
			problems.Add("connector %d: is %T; only connectors of this library, and of NewCustom, can be joined", i, c)
		}
	}
	for i, p := range parts {
		for _, place := range p.scheme.places().all() {
			taken := func(other joinPart) bool {
				return slices.ContainsFunc(other.scheme.places().all(), func(t string) bool { return overlap(t, place) })
			}
			if j := slices.IndexFunc(parts[:i], taken); j >= 0 {
				problems.Add("two credentials for the %s, from connectors %d and %d: remove one, or choose another place for one", place, parts[j].from, p.from)
			}
		}
	}
	if len(parts) == 0 {
		problems.Add("there is no connector with credentials; use None for a service without credentials")
	}
	if err := problems.Err("Join"); err != nil {
		return nil, err
	}
	slices.SortStableFunc(parts, func(a, b joinPart) int {
		return cmp.Compare(a.scheme.places().stage, b.scheme.places().stage)
	})
	c := &core{scheme: newJoinedScheme(parts), hosts: origin.Intersect(hosts...), header: parts[0].header}
	for i, p := range parts {
		for _, h := range p.hooks {
			if h.part >= 0 {
				h.part = i
			}
			c.hooks = append(c.hooks, h)
		}
	}
	return &joined{c.hide()}, nil
}

// overlap reports whether two places are the same, or a place in a body is within
// the other.
func overlap(a, b string) bool {
	return a == b || strings.HasPrefix(a, "body field") && (strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/"))
}

// joinPart is one connector of a Join.
type joinPart struct {
	scheme scheme
	header string // what scheme sets; see core
	hooks  []hook
	from   int // which argument of Join the part is from
}

// partsOf returns the parts of a connector. A Join has several.
func partsOf(c *core) []joinPart {
	s, ok := c.scheme.(*joinedScheme)
	if !ok {
		return []joinPart{{scheme: c.scheme, header: c.header, hooks: c.hooks}}
	}
	parts := make([]joinPart, len(s.parts))
	for i := range parts {
		parts[i].scheme, parts[i].header = s.parts[i], s.headers[i]
	}
	for _, h := range c.hooks {
		i := max(h.part, 0)
		parts[i].hooks = append(parts[i].hooks, h)
	}
	return parts
}

// joined is the Connector that Join returns.
type joined struct{ core hidden }

func (*joined) AuthType() AuthType { return AuthTypeJoined }

// String names the type. A connector prints nothing of its credentials.
func (*joined) String() string { return "connectorauth.Join" }

func (c *joined) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *joined) inner() *core             { return c.core.get() }
func (*joined) with(inner *core) Connector { return &joined{inner.hide()} }

// joinedScheme adds the credentials of several schemes.
type joinedScheme struct {
	parts   []scheme
	headers []string // what each part sets; see core
}

// transport returns the Transport of the part that has one.
func (s *joinedScheme) transport() http.RoundTripper {
	for _, part := range s.parts {
		if own, ok := part.(connecting); ok && own.transport() != nil {
			return own.transport()
		}
	}
	return nil
}

func newJoinedScheme(parts []joinPart) *joinedScheme {
	s := new(joinedScheme)
	for _, p := range parts {
		s.parts = append(s.parts, p.scheme)
		s.headers = append(s.headers, p.header)
	}
	return s
}

func (s *joinedScheme) places() (all places) {
	for _, part := range s.parts {
		p := part.places()
		all.others = append(all.others, p.all()...)
		all.stage, all.alter = max(all.stage, p.stage), all.alter || p.alter
	}
	return all
}

func (s *joinedScheme) withHooks(h Hooks) scheme {
	hooked := &joinedScheme{parts: slices.Clone(s.parts), headers: s.headers}
	for i, part := range hooked.parts {
		hooked.parts[i] = schemeWithHooks(part, h)
	}
	return hooked
}

func (s *joinedScheme) authenticate(req *http.Request, first room) (credential, error) {
	sent := &joinedCredential{parts: make([]credential, len(s.parts)), rejects: make([]bool, len(s.parts))}
	for i, part := range s.parts {
		if i > 0 && s.headers[i] != "" {
			dropHeader(req.Header, req.Header, s.headers[i])
		}
		var err error
		if sent.parts[i], err = part.authenticate(req, first); err != nil {
			return nil, err
		}
		first = room{} // later parts need their own
	}
	return sent, nil
}

// joinedCredential is the credentials of one request.
type joinedCredential struct {
	parts   []credential
	rejects []bool // whether the response rejects the part
}

func (c *joinedCredential) auth(part int) Secret {
	if part < 0 {
		return ""
	}
	return c.parts[part].auth(0)
}

func (c *joinedCredential) rejected(resp *http.Response) bool {
	for i, part := range c.parts {
		c.rejects[i] = part.rejected(resp)
	}
	return slices.Contains(c.rejects, true)
}

// blamed returns the parts with a recognized rejection. If only a hook recognized
// the rejection, blamed returns every part.
func (c *joinedCredential) blamed() (parts []credential) {
	for i, part := range c.parts {
		if c.rejects[i] {
			parts = append(parts, part)
		}
	}
	if parts == nil {
		return c.parts
	}
	return parts
}

// refused returns the error of the first part that has one, or nil.
func (c *joinedCredential) refused(resp *http.Response) error {
	for _, part := range c.parts {
		if err := refused(part, resp); err != nil {
			return err
		}
	}
	return nil
}

// prove adds the proofs of all parts.
func (c *joinedCredential) prove(req *http.Request) error {
	for _, part := range c.parts {
		if err := prove(req, part); err != nil {
			return err
		}
	}
	return nil
}

// asksProof reports whether nothing but another proof of possession is missing.
func (c *joinedCredential) asksProof() bool {
	return !slices.ContainsFunc(c.blamed(), func(part credential) bool { return !asksProof(part) })
}

// replace renews every blamed part. A single success is enough to try again,
// unless another part needs the account owner.
func (c *joinedCredential) replace(ctx context.Context) error {
	var failed error
	replaced := false
	for _, part := range c.blamed() {
		switch err := part.replace(ctx); {
		case err == nil:
			replaced = true
		case isFinal(err):
			return err
		default:
			failed = passing(failed, err)
		}
	}
	if replaced {
		return nil
	}
	return failed
}

func (c *joinedCredential) replaceLater(ctx context.Context) (failed error) {
	started := false
	for _, part := range c.blamed() {
		err := part.replaceLater(ctx)
		started = started || err == nil
		failed = passing(failed, err)
	}
	if started {
		return nil
	}
	return failed
}

func (c *joinedCredential) rejectedAgain() (failed error) {
	for _, part := range c.blamed() {
		failed = passing(failed, part.rejectedAgain())
	}
	return failed
}

// passing returns the first of two errors that may pass.
func passing(a, b error) error {
	if errors.Is(a, errNotRenewable) {
		return cmp.Or(b, a)
	}
	return cmp.Or(a, b)
}
