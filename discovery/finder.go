package discovery

import (
	"context"
	"net/http"
	"time"

	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// Config describes a [Finder]. The zero value reaches public addresses only.
type Config struct {
	// HTTPClient makes all requests of the Finder. Only its Transport is used: see
	// connectorauth.OAuth2Config. Empty, or a client without a Transport, means a new
	// transport of package egress, which reaches public addresses only. URLs of metadata come
	// from strangers, so a Transport of the program's own should have a guard as well.
	// Loopback addresses, as in tests, need a Transport of the program's own, such as
	// http.DefaultTransport.
	HTTPClient *http.Client
}

// A Finder reads metadata, and keeps them for a while. A program needs one Finder. A
// Finder is safe for concurrent use.
type Finder struct {
	client *http.Client
	cache  cache
}

// New returns a Finder. New makes no request.
func New(config Config) (*Finder, error) {
	if config.HTTPClient != nil && config.HTTPClient.Transport != nil {
		return &Finder{client: config.HTTPClient}, nil
	}
	guarded, err := egress.New(egress.Config{})
	if err != nil {
		return nil, err
	}
	return &Finder{client: &http.Client{Transport: guarded}}, nil
}

// Guarded reports whether the requests of the Finder reach public addresses only: see
// egress.Guards.
func (f *Finder) Guarded() bool { return egress.Guards(f.client.Transport) }

// Server returns the metadata of an authorization server. Server tries these places, in
// this order, until one has metadata of the issuer:
//
//   - /.well-known/oauth-authorization-server, before the path of the issuer (RFC 8414
//     section 3.1)
//   - /.well-known/openid-configuration, before the path of the issuer (RFC 8414 section 5)
//   - /.well-known/openid-configuration, after the path, if the issuer has a path (OpenID
//     Connect Discovery 1.0 section 4)
//
// The issuer in the metadata must be identical to issuer (RFC 8414 section 3.3), with one
// tolerance: where the path is empty, either may have a slash at its end.
//
// Server returns what was read before as long as the response allows by its max-age, within
// a minute and a day; without a max-age, for an hour. Calls at the same time make one
// request. If ctx ends, Server returns at once. A failure is an [*Error], and is not kept.
func (f *Finder) Server(ctx context.Context, issuer string) (*Server, error) {
	places, err := serverPlaces(issuer)
	if err != nil {
		return nil, err
	}
	found, err := f.cache.get(ctx, "server "+issuer, false, func(ctx context.Context) (document, error) {
		return f.first(ctx, places, func(body []byte) (any, error) {
			s := &Server{client: f.client}
			if err := decode(body, s); err != nil {
				return nil, err
			}
			return s, s.check(issuer)
		})
	})
	if err != nil {
		return nil, err
	}
	return found.(*Server), nil
}

// Resource returns the metadata of an API (RFC 9728): which authorization servers issue
// tokens for the API. resource is the URL of the API. resp is a response of the API, such
// as a 401; its body is not read. A response of another origin, to which a redirect has
// led, is an error. If resp has a WWW-Authenticate header with resource_metadata, the
// metadata are there and nowhere else (RFC 9728 section 5.1), and are read anew, because
// they may have changed (RFC 9728 section 5.2). Otherwise, and without a resp, Resource
// tries these places, in this order:
//
//   - /.well-known/oauth-protected-resource, before path and query of resource (RFC 9728
//     section 3.1)
//   - /.well-known/oauth-protected-resource
//
// The resource in the metadata must be the URL resource, or a parent on the same origin
// (RFC 9728 section 3.3 and, for parents, the Model Context Protocol). The metadata are
// kept as those of [Finder.Server] are.
func (f *Finder) Resource(ctx context.Context, resource string, resp *http.Response) (*Resource, error) {
	places, told, err := resourcePlaces(resource, resp)
	if err != nil {
		return nil, err
	}
	found, err := f.cache.get(ctx, "resource "+resource+" "+places[0], told, func(ctx context.Context) (document, error) {
		return f.first(ctx, places, func(body []byte) (any, error) {
			r := new(Resource)
			if err := decode(body, r); err != nil {
				return nil, err
			}
			return r, r.check(resource)
		})
	})
	if err != nil {
		return nil, err
	}
	return found.(*Resource), nil
}

// first returns the first document that read accepts, of those at places. Only a response
// leads to the next place: where there is no connection, there is none for the others.
func (f *Finder) first(ctx context.Context, places []string, read func([]byte) (any, error)) (document, error) {
	var failed *Error
	for _, place := range places {
		resp, err := f.call(ctx, request{method: http.MethodGet, to: place})
		if err == nil {
			var value any
			if value, err = read(resp.Text()); err == nil {
				return document{value, len(resp.Body), time.Now().Add(lifetime(resp.Header))}, nil
			}
			err = &Error{URL: scrub.WithoutQuery(place), StatusCode: resp.StatusCode, cause: err}
		}
		next := err.(*Error)
		if next.before = failed; failed != nil && failed.Temporary() {
			next.temporary = true
		}
		if failed = next; failed.StatusCode == 0 {
			break
		}
	}
	return document{}, failed
}
