package definition

import (
	"context"
	"errors"
	"net/http"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// checkOfKind is Check by the Kind of the method. ok is false if the Kind has none.
func (c *Connected) checkOfKind(ctx context.Context, client *http.Client) (id Identity, ok bool, err error) {
	s, isForeign := c.account().m.Scheme.(*Foreign)
	if !isForeign || s.kind.Check == nil {
		return Identity{}, false, nil
	}
	own := connectorauth.NewClient(c.connector, client)
	id, err = s.kind.Check(ctx, c.account().foreign.texts, func(req *http.Request) (*http.Response, error) {
		resp, err := own.Do(req)
		if err != nil {
			return nil, c.unsent(err)
		}
		if failed := c.judge(req, resp); failed != nil {
			resp.Body.Close()
			return nil, failed
		}
		return resp, nil
	})
	var failed *CheckError
	if errors.As(err, &failed) && failed.Definition == "" {
		failed.Definition = c.account().d.Name
		c.suspect(failed, c.inURL)
	}
	if err != nil {
		return Identity{}, true, err
	}
	secrets := c.secrets(ctx)
	if id.ID != scrub.Text(id.ID, maxID) || quotesSecret(id.ID, secrets) {
		return Identity{}, true, &CheckError{Definition: c.account().d.Name, Reason: ReasonNoMember}
	}
	id.Label = scrub.Text(id.Label, maxLabel-len("..."), secrets...)
	return id, true, nil
}

// test returns the test of the definition, or an empty one.
func (d *Definition) test() *Test {
	if d.Test == nil {
		return new(Test)
	}
	return d.Test
}

// checks reports whether a Kind makes the test of a method.
func (m *Method) checks() bool {
	s, ok := m.Scheme.(*Foreign)
	return ok && s.kind.Check != nil
}
