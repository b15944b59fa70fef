package storeerror

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// A Newer says that a newer program has written a record. The program that finds
// the record leaves the record as it is, so old and new programs can run side by side.
type Newer struct {
	// Version is the version of the record. A program that reads this version can use
	// the record.
	Version int
	// Known is the newest version that this program reads.
	Known int
	// Program is the program that wrote the record, with its version, such as
	// "connectorauth v1.4.0". Empty means that the record does not say.
	Program string
}

// Error names both versions, and the program that reads the record.
func (e *Newer) Error() string {
	program := "a newer version of the program"
	if e.Program != "" {
		program = e.Program + " or later"
	}
	return fmt.Sprintf("the record has version %d, and this program reads versions up to %d: use %s", e.Version, e.Known, program)
}

// A Sealed says that a value is sealed, and that no key of the program opens the
// value. A Sealed has the method Damaged of connectorauth.TokenStore.
type Sealed struct {
	// Key is the ID of the key under which the value was sealed.
	Key string
	// Keys are the IDs of the program's keys. If Key is one of them, the value was
	// changed, moved from another account, or sealed with another secret under the
	// same ID.
	Keys []string
}

// Error names the key of the value, and the keys of the program.
func (e *Sealed) Error() string {
	for _, id := range e.Keys {
		if id == e.Key {
			return fmt.Sprintf("the value was changed, or moved from another store key, or sealed with another secret under the key ID %q", e.Key)
		}
	}
	return fmt.Sprintf("the value is sealed with the key %q, and the program has %s alone: add the key", e.Key, cmp.Or(quoted(e.Keys), "no key"))
}

// Damaged returns true: reading the value again with the same keys is useless.
func (*Sealed) Damaged() bool { return true }

// quoted returns the IDs of keys for people.
func quoted(ids []string) string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf("%q", id))
	}
	return strings.Join(all, ", ")
}

// A Damaged says that a value can never be read: the value is torn, edited, or of
// another kind. A Damaged has the method Damaged of connectorauth.TokenStore. A
// Damaged may wrap a [Sealed].
type Damaged struct {
	// Err says what is wrong. Required.
	Err error
}

// Error is the text of Err.
func (e *Damaged) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Damaged) Unwrap() error { return e.Err }

// Damaged returns true: reading the value again is useless.
func (*Damaged) Damaged() bool { return true }

// A Foreign says that the record under an Account is that of another client, token
// URL, issuer or server. The record is neither used nor changed.
type Foreign struct {
	// Record is whose record the store has, and Config is whose record the program
	// expects. Both are texts for people, without a secret.
	Record, Config string
	// Advice says what to do. Empty means to use another Account.
	Advice string
}

// Error names both.
func (e *Foreign) Error() string {
	return fmt.Sprintf("the record belongs to %s, not to %s; %s", e.Record, e.Config, cmp.Or(e.Advice, "use another Account"))
}

// A Locked says that somebody else has held the lock of a record for as long as the
// caller could wait. Wait for the holder, or end the holder: the lock of a dead process is
// free within 15 seconds.
type Locked struct {
	// Holder is who holds the lock.
	Holder Holder
	// Err is why the caller has stopped waiting, such as context.DeadlineExceeded.
	// Required.
	Err error
}

// Error names the holder.
func (e *Locked) Error() string {
	return fmt.Sprintf("the lock is held by %s: wait for the process, or end the process (%v)", e.Holder, e.Err)
}

// Unwrap returns Err.
func (e *Locked) Unwrap() error { return e.Err }

// A Holder is a process that holds a lock. The zero value means that the store does not
// know who holds the lock.
type Holder struct {
	// PID is the ID of the process on Host.
	PID int `json:"pid"`
	// Host is the name of the host, as the operating system says, and may be cut short.
	// Empty means unknown.
	Host string `json:"host,omitempty"`
	// Program is the name of the program's file, or what the program calls itself.
	// Empty means unknown. Arguments are left out, because arguments may be secret.
	Program string `json:"program,omitempty"`
	// Since is when the process took the lock, by the clock of Host, to the second.
	Since time.Time `json:"since,omitzero"`
}

// String describes the holder, such as "process 4711 (worker) on host db7 since 2026-01-02 15:04:05 UTC".
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	text := fmt.Sprintf("process %d", h.PID)
	if h.Program != "" {
		text += " (" + h.Program + ")"
	}
	if h.Host != "" {
		text += " on host " + h.Host
	}
	if !h.Since.IsZero() {
		text += " since " + h.Since.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return text
}
