package digestauth

import (
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// Kind is the type Digest of definitions, for definition.Options. The members of a method
// are username, password, and allowMd5, which is "true" or "false": see [Config]. A
// definition whose username is a secret is a mistake, because requests show the user name.
func Kind() definition.Kind {
	return definition.Kind{
		Name: "Digest",
		Members: []definition.Member{
			{Name: "username", Required: true}, {Name: "password", Required: true, Secret: true},
			{Name: "allowMd5", Enum: []string{"true", "false"}},
		},
		Connect: func(texts map[string]connectorauth.Secret, hosts []string, c definition.Connection) (connectorauth.Connector, error) {
			return New(Config{
				Username: string(texts["username"]), Password: texts["password"], AllowMD5: texts["allowMd5"] == "true",
				Hosts: hosts, Account: c.Account, Shared: c.Shared, Observe: c.Observe,
			})
		},
	}
}
