package pages_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// manyOffers are 20 services with a consent, and the services of offers.
func manyOffers() (documents []string) {
	for i := range 20 {
		documents = append(documents, fmt.Sprintf(`{"connectorauth": 1, "name": "a%02d", "baseUrl": "https://api.example.com", "methods": [
			{"name": "oauth", "type": "OAuth2", "tokenUrl": "https://login.example.com/t", "grant": {"authorizationCode": {"authUrl": "https://login.example.com/a"}}}]}`, i))
	}
	return append(documents, offers...)
}

// A search asks Connection no further after three faults, and offers what needs nothing of the
// program. Each search asks anew.
func TestSearchAsksAFailingConnectionThreeTimes(t *testing.T) {
	down := errors.New("the database is down")
	d := newDesk(t, func(accounts.Account) (definition.Connection, error) { return definition.Connection{}, down })
	d.define(manyOffers()...)
	for range 2 {
		assert.Equal(t, "acme(key free) crm(own!)", d.services("o1", ""))
		assert.Equal(t, []string{"o1 a00 oauth", "o1 a01 oauth", "o1 a02 oauth"}, d.asked)
		require.Len(t, d.failed, 1)
		assert.ErrorIs(t, d.failed[0], down)
	}
	d.connection = byOwner
	assert.Contains(t, d.services("o1", ""), "a00(oauth!) a01(oauth!)", "no failure is remembered")
	assert.Len(t, d.asked, 24, "also of a method about which the search did not ask")
}

// A search during an outage of Connection offers what a search of before has found.
func TestSearchOffersWhatIsRememberedWhileConnectionFails(t *testing.T) {
	d := newDesk(t, byOwner)
	d.define(manyOffers()...)
	assert.Equal(t, "books(oauth!)", d.services("o1", "?q=books"))
	d.services("o1", "?q=desk")
	d.connection = func(accounts.Account) (definition.Connection, error) {
		return definition.Connection{}, errors.New("the database is down")
	}
	assert.Equal(t, "acme(key free) books(oauth!) crm(own!) desk(key!)", d.services("o1", ""))
	assert.Len(t, d.asked, 3)
	status, _ := d.do("o1", "GET", "connect?q=a1", "")
	assert.Equal(t, http.StatusOK, status, "a page without a service is no mistake")
	assert.Len(t, d.asked, 3)
}
