// Package index keeps the accounts of one person in one file: an accounts.Index for a program
// on a terminal, several of which may run at one time.
package index

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// version is the version of the file's format. A program of an earlier version leaves the file
// alone.
const version = 1

// key is the name of the index in the folder.
const key = "accounts"

// An Index is the accounts in a folder. An Index is safe for concurrent use by goroutines and
// by processes.
type Index struct {
	file    *tokenstore.File
	program string
}

// Open opens the index in a folder, and creates the folder if there is none. program is the
// name and the version of the program, for the *storeerror.Newer of an older program.
func Open(dir, program string) (*Index, error) {
	file, err := tokenstore.NewFile(dir)
	if err != nil {
		return nil, err
	}
	return &Index{file, program}, nil
}

// content is what the file has.
type content struct {
	Version  int                  `json:"version"`
	Program  string               `json:"program"`
	Accounts []accounts.Account   `json:"accounts"` // sorted by ID
	Claimed  map[string]time.Time `json:"claimed,omitempty"`
}

// read returns the content, and the bytes for a CompareAndSwap.
func (x *Index) read(ctx context.Context) (c content, raw []byte, err error) {
	if err := ctx.Err(); err != nil {
		return content{}, nil, err
	}
	raw, found, err := x.file.Load(ctx, key)
	if err != nil || !found {
		return content{}, nil, err
	}
	var head struct {
		Version int    `json:"version"`
		Program string `json:"program"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return content{}, nil, &storeerror.Damaged{Err: errors.New("the index of the accounts is damaged: no JSON")}
	}
	if head.Version > version {
		return content{}, nil, fmt.Errorf("the index of the accounts: %w", &storeerror.Newer{Version: head.Version, Known: version, Program: head.Program})
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return content{}, nil, &storeerror.Damaged{Err: fmt.Errorf("the index of the accounts is damaged: %w", err)}
	}
	return c, raw, nil
}

// change reads the content, lets edit change the content, and writes the content if edit says
// so. Where another process has written meanwhile, edit is called again with what that process
// wrote.
func (x *Index) change(ctx context.Context, edit func(*content) bool) error {
	for {
		c, old, err := x.read(ctx)
		if err != nil || !edit(&c) {
			return err
		}
		c.Version, c.Program = version, x.program
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if done, err := x.file.CompareAndSwap(ctx, key, old, text); err != nil || done {
			return err
		}
	}
}

// find returns where an account is, or would be.
func (c *content) find(id string) (at int, found bool) {
	return slices.BinarySearchFunc(c.Accounts, id, func(a accounts.Account, id string) int { return cmp.Compare(a.ID, id) })
}

// Get returns the account.
func (x *Index) Get(ctx context.Context, id string) (a accounts.Account, found bool, err error) {
	c, _, err := x.read(ctx)
	if err != nil {
		return accounts.Account{}, false, err
	}
	at, found := c.find(id)
	if found {
		a = c.Accounts[at]
	}
	return a, found, nil
}

// Put stores a if the stored account has a.Version.
func (x *Index) Put(ctx context.Context, a accounts.Account) (stored bool, err error) {
	err = x.change(ctx, func(c *content) bool {
		at, found := c.find(a.ID)
		switch {
		case found && c.Accounts[at].Version == a.Version:
			c.Accounts[at] = a
		case !found && a.Version == 0:
			c.Accounts = slices.Insert(c.Accounts, at, a)
		default:
			stored = false
			return false
		}
		c.Accounts[at].Version++
		delete(c.Claimed, a.ID)
		stored = true
		return true
	})
	return stored && err == nil, err
}

// Delete removes the account if the stored account has the version.
func (x *Index) Delete(ctx context.Context, id string, version int64) (deleted bool, err error) {
	err = x.change(ctx, func(c *content) bool {
		at, found := c.find(id)
		deleted = !found || c.Accounts[at].Version == version
		if !found || !deleted {
			return false
		}
		c.Accounts = slices.Delete(c.Accounts, at, at+1)
		delete(c.Claimed, id)
		return true
	})
	return deleted && err == nil, err
}

// List returns a page of accounts, sorted by ID.
func (x *Index) List(ctx context.Context, f accounts.Filter, after string, limit int) ([]accounts.Account, error) {
	c, _, err := x.read(ctx)
	var page []accounts.Account
	for _, a := range c.Accounts {
		if len(page) < limit && a.ID > after && chosen(f, a) {
			page = append(page, a)
		}
	}
	return page, err
}

// chosen reports whether f chooses a.
func chosen(f accounts.Filter, a accounts.Account) bool {
	return (f.Owner == "" || a.Owner == f.Owner) && (f.Status == "" || a.Status == f.Status) && (f.Identity == "" || a.Identity == f.Identity) &&
		(len(f.Definitions) == 0 || slices.Contains(f.Definitions, a.Definition))
}

// Claim returns due accounts, and claims the accounts.
func (x *Index) Claim(ctx context.Context, limit int, lease time.Duration) (claimed []accounts.Account, err error) {
	err = x.change(ctx, func(c *content) bool {
		now := time.Now()
		claimed = nil
		for _, a := range c.Accounts {
			if due(a, now) && !c.Claimed[a.ID].After(now) {
				claimed = append(claimed, a)
			}
		}
		slices.SortFunc(claimed, func(a, b accounts.Account) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
		claimed = claimed[:max(0, min(limit, len(claimed)))]
		for _, a := range claimed {
			if c.Claimed == nil {
				c.Claimed = map[string]time.Time{}
			}
			c.Claimed[a.ID] = now.Add(lease)
		}
		return len(claimed) > 0
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// due reports whether an account is to be looked at.
func due(a accounts.Account, now time.Time) bool { return !a.Due.IsZero() && !a.Due.After(now) }

// Stats counts the accounts.
func (x *Index) Stats(ctx context.Context) (accounts.Stats, error) {
	c, _, err := x.read(ctx)
	if err != nil {
		return accounts.Stats{}, err
	}
	stats, now := accounts.Stats{Accounts: map[accounts.Status]int{}}, time.Now()
	for _, a := range c.Accounts {
		stats.Accounts[a.Status]++
		if due(a, now) {
			stats.Due++
			if stats.Oldest.IsZero() || a.Due.Before(stats.Oldest) {
				stats.Oldest = a.Due
			}
		}
	}
	return stats, nil
}

// Format prints the same for every verb: an index may name many people.
func (*Index) Format(f fmt.State, _ rune) { io.WriteString(f, "index.Index") }
