package digestauth

import (
	"fmt"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/assert"
)

func TestRefusalsAreLimitedInNumber(t *testing.T) {
	l := newLogin(new(connectorauth.Shared), "u", "p")
	now := time.Now()
	at := func(i int) login { return l.at(fmt.Sprint("https://", i)) }
	for i := range maxRefusals + 10 {
		at(i).refuse(refusal{now.Add(time.Duration(i) * time.Second), time.Hour})
	}
	assert.Len(t, refusals.list, maxRefusals)
	assert.Zero(t, at(9).refused(), "what ends first makes room")
	assert.Equal(t, time.Hour, at(maxRefusals+9).refused().pause)
	assert.Zero(t, newLogin(l.shared, "u", "q").at("https://100").refused(), "of another password")
	assert.Zero(t, newLogin(new(connectorauth.Shared), "u", "p").at("https://100").refused(), "of other programs, as it were")
	for i := range maxRefusals + 10 {
		at(i).forget()
	}
	_, kept := refusals.list[at(100)] // NotContains would read all of each key, which other tests may still use
	assert.False(t, kept)
}
