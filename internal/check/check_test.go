package check_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/stretchr/testify/assert"
)

func TestEmptyListIsNoError(t *testing.T) {
	var l check.List
	l.Field("Key", nil)
	l.Join(nil)
	assert.NoError(t, l.Err("APIKeyConfig"))
	assert.NoError(t, l.Joined())
}

// Each mistake is named, with its field, in the order of the checks.
func TestListNamesEveryMistake(t *testing.T) {
	one, two, three, four := errors.New("one"), errors.New("two"), errors.New("three"), errors.New("four")
	var l check.List
	l.Add("Key: is %s", "empty")
	l.Field("Store", one)
	l.Field("Dialect", errors.Join(two, three))
	l.Join(errors.Join(four, nil))
	l.Join(errors.New("Name: is odd"))
	l.Field("Odd", noErrors{})
	assert.EqualError(t, l.Joined(), "Key: is empty\nStore: one\nDialect: two\nDialect: three\nfour\nName: is odd\nOdd: no errors")
	err := l.Err("OAuth2Config")
	assert.EqualError(t, err, "connectorauth: OAuth2Config: "+l.Joined().Error())
	for _, cause := range []error{one, two, three, four} {
		assert.ErrorIs(t, err, cause)
	}
}

// noErrors is an error that wraps none.
type noErrors struct{}

func (noErrors) Error() string   { return "no errors" }
func (noErrors) Unwrap() []error { return nil }

// An error with two causes has a text of its own, which must not be lost.
func TestErrorWithTwoCausesIsOneMistake(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	var l check.List
	l.Field("Grant", fmt.Errorf("neither %w nor %w", one, two))
	err := l.Err("OAuth2Config")
	assert.EqualError(t, err, "connectorauth: OAuth2Config: Grant: neither one nor two")
	assert.ErrorIs(t, err, two)
}
