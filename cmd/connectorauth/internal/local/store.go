package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// patience is how long Lock waits for another process. A renewal takes 30 seconds at most.
const patience = 35 * time.Second

// A LockedError says that another process holds the lock of an account.
type LockedError struct {
	Holder Holder // zero if unknown
}

// A Holder is a process with a lock.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"` // such as "connectorauth serve", without arguments
	Since   time.Time `json:"since"`
}

// Error names the process.
func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return "the account is locked by another process; try again"
	}
	return fmt.Sprintf("the account is locked by process %d (%s) since %s; wait for that process, or end it", e.Holder.PID, e.Holder.Command, e.Holder.Since.Format(time.TimeOnly))
}

// store is a tokenstore.File whose locks say who holds them.
type store struct {
	*tokenstore.File
	dir     string // of the holders
	command string
}

// Lock waits for the lock as tokenstore.File does, for patience at most. The error is then a
// *LockedError.
func (s *store) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lease, err := s.File.Lock(limited, key)
	if err != nil {
		if limited.Err() != nil && ctx.Err() != context.Canceled {
			return nil, &LockedError{s.holder(key)}
		}
		return nil, err
	}
	path := s.path(key)
	text, err := json.Marshal(Holder{os.Getpid(), s.command, time.Now()})
	if err == nil && os.MkdirAll(s.dir, 0o700) == nil {
		os.WriteFile(path, text, 0o600) // for the text of an error alone
	}
	return &held{lease, path}, nil
}

// holder returns who holds the lock, or the zero Holder.
func (s *store) holder(key string) (h Holder) {
	text, err := os.ReadFile(s.path(key))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

// path returns the file that names the holder of a lock.
func (s *store) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:8])+".json")
}

// held is a Lease that forgets its holder at the end.
type held struct {
	tokenstore.Lease
	path string
}

// Unlock removes the name of the holder first, because the next holder writes a name, too.
func (h *held) Unlock() {
	os.Remove(h.path)
	h.Lease.Unlock()
}
