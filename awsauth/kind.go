package awsauth

import (
	"errors"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// Kind returns the type AWS of definitions, for definition.Options. The members of a method
// are service, region and payload, as in [Config], and one of two:
//
//   - accessKeyId and secretAccessKey, and perhaps sessionToken, are the credentials of the
//     account owner.
//   - roleArn is a role of the account owner, and externalId what both sides have agreed on:
//     see [RoleConfig]. The role is assumed with the credentials of source, which are the
//     program's. Connection.Store keeps the credentials of the role, so an account with
//     another role needs another Account.
//
// A nil source means that definitions have no roles. The credentials of the program serve
// for roles alone, and sign no request of a definition.
func Kind(source Source) definition.Kind {
	return definition.Kind{
		Name: "AWS",
		Members: []definition.Member{
			{Name: "service", Required: true}, {Name: "region", Required: true},
			{Name: "payload", Enum: []string{string(PayloadSigned), string(PayloadUnsigned), string(PayloadChunked)}},
			{Name: "accessKeyId", Secret: true}, {Name: "secretAccessKey", Secret: true}, {Name: "sessionToken", Secret: true},
			{Name: "roleArn"}, {Name: "externalId", Secret: true},
		},
		Connect: func(texts map[string]connectorauth.Secret, hosts []string, c definition.Connection) (connectorauth.Connector, error) {
			config := Config{
				Service: string(texts["service"]), Region: string(texts["region"]), Payload: Payload(texts["payload"]),
				Hosts: hosts, Account: c.Account, Shared: c.Shared, RenewBefore: c.RenewBefore, Observe: c.Observe,
			}
			role, id, key, session := texts["roleArn"], texts["accessKeyId"], texts["secretAccessKey"], texts["sessionToken"]
			switch {
			case role != "" && id+key+session != "":
				return nil, errors.New("awsauth: roleArn and accessKeyId exclude each other")
			case role != "" && source == nil:
				return nil, errors.New("awsauth: the program has no credentials with which a role could be assumed; give awsauth.Kind a source")
			case role != "":
				config.Store = c.Store
				config.Credentials = AssumeRole(RoleConfig{
					RoleARN: string(role), ExternalID: texts["externalId"], Region: config.Region, HTTPClient: c.HTTPClient,
				}, source)
			default:
				if err := (Credentials{AccessKeyID: string(id), SecretAccessKey: key, SessionToken: session}).check(); err != nil {
					return nil, errors.New("awsauth: accessKeyId and secretAccessKey are required, unless there is a roleArn, and have neither spaces nor line breaks")
				}
				config.Credentials = Static(string(id), key, session)
			}
			return New(config)
		},
	}
}
