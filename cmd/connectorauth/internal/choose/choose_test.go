package choose_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/choose"
	"github.com/connectorauth/connectorauth/definition"
)

// mail is a definition that had another name.
var mail = &definition.Definition{Name: "mail", Was: []string{"post"}}

func find(name string) *definition.Definition {
	if name == mail.Name || slices.Contains(mail.Was, name) {
		return mail
	}
	return nil
}

func TestANameMeansOneAccount(t *testing.T) {
	account := func(id, service, label string, status accounts.Status) accounts.Account {
		return accounts.Account{ID: id, Definition: service, Label: label, Status: status}
	}
	mine := account("mail-1", "mail", "ada", accounts.StatusOK)
	early := account("early", "post", "bob", accounts.StatusFailing) // of a time when mail was called post
	ending := account("mail-2", "mail", "ada", accounts.StatusDisconnected)
	named := account("shop-1", "shop", "mail", accounts.StatusOK)
	for name, row := range map[string]struct {
		all  []accounts.Account
		name string
		want []string // one account, or those of an AmbiguousError; none means an UnknownError
	}{
		"ID":                             {[]accounts.Account{mine, ending}, "mail-2", []string{"mail-2"}},
		"ID before a label":              {[]accounts.Account{mine, account("x", "shop", "mail-1", "")}, "mail-1", []string{"mail-1"}},
		"label":                          {[]accounts.Account{mine, early}, "bob", []string{"early"}},
		"service":                        {[]accounts.Account{mine}, "mail", []string{"mail-1"}},
		"former name":                    {[]accounts.Account{mine}, "post", []string{"mail-1"}},
		"account of the former name":     {[]accounts.Account{early}, "mail", []string{"early"}},
		"both names":                     {[]accounts.Account{mine, early}, "post", []string{"mail-1", "early"}},
		"another's label":                {[]accounts.Account{mine, named}, "mail", []string{"mail-1"}},
		"another's label, a former name": {[]accounts.Account{mine, account("shop-1", "shop", "post", "")}, "post", []string{"mail-1"}},
		"another's label, and no account of the service":      {[]accounts.Account{named}, "mail", nil},
		"another's label, and a service that nobody knows":    {[]accounts.Account{account("x", "gone", "", ""), account("y", "shop", "gone", "")}, "gone", []string{"x"}},
		"another's label, and a consent that is not finished": {[]accounts.Account{account("mail-3", "mail", "", accounts.StatusConnecting), named}, "mail", []string{"mail-3"}},
		"an end and an account":                               {[]accounts.Account{ending, mine}, "ada", []string{"mail-1"}},
		"no consent yet":                                      {[]accounts.Account{account("mail-3", "mail", "", accounts.StatusConnecting), mine}, "mail", []string{"mail-1"}},
		"no consent alone":                                    {[]accounts.Account{account("mail-3", "mail", "", accounts.StatusConnecting)}, "mail", []string{"mail-3"}},
		"an end alone":                                        {[]accounts.Account{ending}, "mail", []string{"mail-2"}},
		"no such":                                             {[]accounts.Account{mine}, "shop", nil},
		"letter case":                                         {[]accounts.Account{mine}, "Mail", nil},
		"empty name and label":                                {[]accounts.Account{account("a", "b", "", "")}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := choose.Account(row.all, row.name, find)
			var unknown *choose.UnknownError
			var several *choose.AmbiguousError
			switch len(row.want) {
			case 0:
				require.ErrorAs(t, err, &unknown)
				assert.ErrorIs(t, err, accounts.ErrNotFound)
			case 1:
				require.NoError(t, err)
				assert.Equal(t, row.want[0], a.ID)
			default:
				require.ErrorAs(t, err, &several)
				var ids []string
				for _, a := range several.Accounts {
					ids = append(ids, a.ID)
				}
				assert.Equal(t, row.want, ids)
				assert.NotErrorIs(t, err, accounts.ErrNotFound)
			}
		})
	}
}

func TestAnErrorIsShort(t *testing.T) {
	_, err := choose.Account([]accounts.Account{{ID: "mail-1"}}, strings.Repeat("é", 1<<19), find)
	var unknown *choose.UnknownError
	require.True(t, errors.As(err, &unknown))
	assert.Empty(t, unknown.Near)
	assert.Less(t, len(err.Error()), 600)
}
