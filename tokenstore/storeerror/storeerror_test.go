package storeerror_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheTextsNameWhatHelps(t *testing.T) {
	holder := storeerror.Holder{PID: 4711, Program: "worker", Host: "db7", Since: time.Date(2026, 1, 2, 15, 4, 5, 0, time.FixedZone("", 3600))}
	for _, test := range []struct {
		err  error
		want string
	}{
		{&storeerror.Newer{Version: 3, Known: 2}, "the record has version 3, and this program reads versions up to 2: use a newer version of the program"},
		{&storeerror.Newer{Version: 3, Known: 2, Program: "acme v9"}, "the record has version 3, and this program reads versions up to 2: use acme v9 or later"},
		{&storeerror.Sealed{Key: "old", Keys: []string{"b", "a"}}, `the value is sealed with the key "old", and the program has "b", "a" alone: add the key`},
		{&storeerror.Sealed{Key: "old", Keys: []string{"old"}}, `the value was changed, or moved from another store key, or sealed with another secret under the key ID "old"`},
		{&storeerror.Damaged{Err: errors.New("torn")}, "torn"},
		{&storeerror.Foreign{Record: "a", Config: "b"}, "the record belongs to a, not to b; use another Account"},
		{&storeerror.Foreign{Record: "a", Config: "b", Advice: "look"}, "the record belongs to a, not to b; look"},
		{&storeerror.Locked{Err: context.Canceled}, "the lock is held by another process: wait for the process, or end the process (context canceled)"},
		{&storeerror.Locked{Holder: holder, Err: context.Canceled},
			"the lock is held by process 4711 (worker) on host db7 since 2026-01-02 14:04:05 UTC: wait for the process, or end the process (context canceled)"},
	} {
		assert.EqualError(t, test.err, test.want)
	}
}

func TestWhatIsBehindAnError(t *testing.T) {
	sealed := &storeerror.Sealed{Key: "old"}
	var damaged interface{ Damaged() bool }
	for _, err := range []error{sealed, &storeerror.Damaged{Err: sealed}} {
		require.ErrorAs(t, err, &damaged)
		assert.True(t, damaged.Damaged())
		assert.ErrorAs(t, err, new(*storeerror.Sealed))
	}
	for _, err := range []error{new(storeerror.Newer), new(storeerror.Foreign), &storeerror.Locked{Err: context.Canceled}} {
		assert.False(t, errors.As(err, &damaged), "%T: nothing may replace the record", err)
	}
	assert.ErrorIs(t, &storeerror.Locked{Err: context.Canceled}, context.Canceled)
}

// An unknown holder has no members in JSON but the process.
func TestAHolderInJSON(t *testing.T) {
	text, err := json.Marshal(storeerror.Holder{})
	require.NoError(t, err)
	assert.JSONEq(t, `{"pid": 0}`, string(text))
}
