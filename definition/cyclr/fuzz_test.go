package cyclr_test

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/cyclr"
	"github.com/stretchr/testify/require"
)

// FuzzImport looks for a connector that breaks Import, takes long, makes a draft without
// open questions that Parse refuses, or breaks Export or ReadAccount.
func FuzzImport(f *testing.F) {
	f.Add([]byte(file(f, "crm.json")), byte(0), "https://{{A}}.example.com")
	f.Add([]byte(`{"Name": "Pipes", "AuthType": "ApiKey", "Script": "x"}`), byte(1), "header X")
	f.Add([]byte(`{"Name": "a", "AuthType": "OAuth2", "AccessTokenUrl": "{{B}}/x", "Parameters": [{"TargetName": "B", "IsAccountConnectorProperty": true}]}`), byte(2), ".example.com")
	f.Fuzz(func(t *testing.T, document []byte, choice byte, text string) {
		given := answers{}
		for range 6 {
			began := time.Now()
			draft, err := cyclr.Import("f", document, cyclr.Options{Answers: given})
			require.Less(t, time.Since(began), 30*time.Second+20*time.Millisecond*time.Duration(len(document)/1000))
			if err != nil {
				require.NotEmpty(t, err.Error())
				return
			}
			written, err := draft.Definition.Document()
			require.NoError(t, err)
			if len(draft.Questions) == 0 {
				d, err := definition.Parse("f", written, definition.Options{AnyHost: true})
				require.NoError(t, err, string(written))
				_, _, err = cyclr.Export(d, draft.Clients)
				require.NoError(t, err)
				for _, m := range d.Methods {
					if account, err := cyclr.ReadAccount(d, m.Name, document); err == nil {
						_, _ = account.Document(d)
					}
				}
				return
			}
			for _, q := range draft.Questions {
				require.NotEmpty(t, q.Text)
				if given[q.ID] = text; len(q.Choices) > 0 && (!q.Other || choice%2 == 0) {
					given[q.ID] = q.Choices[int(choice)%len(q.Choices)].Value
				}
			}
		}
	})
}
