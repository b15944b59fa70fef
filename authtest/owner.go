package authtest

import (
	"crypto/rand"
	"strings"
)

// An Owner is an account owner: a person who has an account at the provider.
type Owner struct {
	// Username and Password are for the consent page, the password grant, logins and
	// Basic. Username is required, is different for each Owner, and must not contain a
	// colon (RFC 7617). An empty Password means a random password.
	Username, Password string
	// APIKey is for the API key endpoints, and is different for each Owner. Empty means
	// a random key.
	APIKey string
	// ID and Label are what the API says of the account: see [Identity]. The ID may be
	// that of another Owner, as where several people of a company use one account. Empty
	// means that the API says nothing.
	ID, Label string
	// Tenant is the tenant to which the account belongs, a host label such as "acme".
	// Empty means none.
	Tenant string
}

// withOwners fills in the account owners, and what is theirs in c. Username, Password and
// APIKey of c are those of the first Owner.
func (c Config) withOwners() Config {
	if len(c.Owners) == 0 {
		setDefault(&c.Username, "user@example.com")
		c.Owners = []Owner{{Username: c.Username, Password: c.Password, APIKey: c.APIKey}}
	} else if c.Username+c.Password+c.APIKey != "" {
		panic("authtest: Username, Password and APIKey are those of an account owner: set them in Config or in Config.Owners, not in both")
	}
	owners := make([]Owner, len(c.Owners))
	for i, o := range c.Owners {
		setDefault(&o.Password, "pass word+/%:&=é"+rand.Text())
		setDefault(&o.APIKey, "key+/%&=~"+rand.Text())
		o.check()
		owners[i] = o
	}
	c.Owners, c.Username, c.Password, c.APIKey = owners, owners[0].Username, owners[0].Password, owners[0].APIKey
	return c
}

// check panics if an Owner cannot be one.
func (o Owner) check() {
	switch {
	case o.Username == "":
		panic("authtest: an Owner of Config.Owners has no Username")
	case strings.Contains(o.Username, ":"):
		panic("authtest: the Username of an account owner cannot contain a colon (RFC 7617 section 2)")
	case strings.Trim(o.Tenant, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		panic("authtest: the Tenant of an Owner must be a host label of a-z, 0-9 and -")
	}
}

// owners finds account owners. An owners is read only.
type owners struct {
	byName, byKey map[string]*Owner
	tenants       map[string]bool
}

func newOwners(list []Owner) owners {
	all := owners{map[string]*Owner{}, map[string]*Owner{}, map[string]bool{}}
	for _, o := range list {
		if all.byName[o.Username] != nil || all.byKey[o.APIKey] != nil {
			panic("authtest: two account owners of Config.Owners have the same Username or the same APIKey")
		}
		all.byName[o.Username], all.byKey[o.APIKey] = &o, &o
		if o.Tenant != "" {
			all.tenants[o.Tenant] = true
		}
	}
	return all
}

// signIn returns the account owner with a user name and password, and nil if there is
// none.
func (o owners) signIn(username, password string) *Owner {
	if found := o.byName[username]; found != nil && equal(password, found.Password) {
		return found
	}
	return nil
}

// identity returns the identity of a user. The user may be unknown, as the subject of an
// assertion.
func (o owners) identity(authType, username string) Identity {
	identity := Identity{AuthType: authType, User: username}
	if found := o.byName[username]; found != nil {
		identity.ID, identity.Label = found.ID, found.Label
	}
	return identity
}

// mustOwner returns the account owner with a user name. The name comes from a test, so an
// unknown name is a mistake in the test: mustOwner panics.
func (p *Provider) mustOwner(username string) *Owner {
	if o := p.owners.byName[username]; o != nil {
		return o
	}
	panic("authtest: this provider has no such account owner: use a Username of Provider.Owners")
}
