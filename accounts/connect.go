package accounts

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

// consentTime is how long a new account may wait for the consent.
const consentTime = 24 * time.Hour

// idPattern matches the IDs of accounts.
var idPattern = lazy.Regexp(`^[A-Za-z0-9._:-]{1,100}$`)

// Connect connects a new account, and returns the account with an ID. If the account owner
// must consent first, the account is StatusConnecting, and Flow leads through the consent.
// Otherwise Connect makes the test request of the definition, if there is one. An account
// that does not pass the test is not kept, and the error is a *definition.CheckError. A
// mistake of the values is a *definition.InputError, and what the program lacks for the method a
// *definition.NotReadyError: see Ready. An account that the owner has already is
// a *DuplicateError, unless Request.Duplicate is set: a definition without Test.ID cannot
// tell. Of two Connects at the same instant, both may succeed. If ctx ends, the account is not
// kept.
func (r *Registry) Connect(ctx context.Context, q Request) (Account, error) {
	a, err := r.connect(ctx, &q)
	about := a
	if err != nil {
		about = Account{ID: q.ID, Owner: q.Owner, Definition: q.Definition}
	}
	r.audit(ActionConnect, about, err)
	return a, err
}

func (r *Registry) connect(ctx context.Context, q *Request) (Account, error) {
	a, d, err := r.newAccount("Connect", q)
	if err != nil {
		return Account{}, err
	}
	g, err := r.openNew(ctx, a, d, *q)
	if err != nil {
		return Account{}, err
	}
	return r.consentOrUse(ctx, a, g)
}

// newAccount returns the account of a Request, before anything is kept. call is for errors.
func (r *Registry) newAccount(call string, q *Request) (Account, *definition.Definition, error) {
	var problems []error
	if q.Owner == "" {
		problems = append(problems, errors.New("Owner: is missing"))
	}
	if err := tooLong("Owner", q.Owner, maxOwner); err != nil {
		problems = append(problems, err)
	}
	if q.Definition == "" {
		problems = append(problems, errors.New("Definition: is missing"))
	}
	if q.OtherIdentity {
		problems = append(problems, errors.New("OtherIdentity: is for Reconnect"))
	}
	if q.MoreScopes != nil {
		problems = append(problems, errors.New("MoreScopes: are for Reconnect; use Scopes"))
	}
	fresh := q.ID == ""
	if fresh {
		q.ID = NewID()
	} else if !idPattern().MatchString(q.ID) {
		problems = append(problems, errors.New("ID: want at most 100 letters, digits and characters of -_.:"))
	}
	if err := errors.Join(problems...); err != nil {
		return Account{}, nil, fmt.Errorf("accounts: %s: %w", call, err)
	}
	d, err := r.config.Definitions().Lookup(q.Definition)
	if err != nil {
		return Account{}, nil, err
	}
	m, err := d.Method(q.Method)
	if err != nil {
		return Account{}, nil, mistake{err}
	}
	a := begun(q.ID, q.Owner, d, m)
	if !fresh {
		a.First = 2 + mathrand.N(maxFirst)
		a.Last = a.First - 1
	}
	return a, d, nil
}

// begun returns an account that is not kept yet.
func begun(id, owner string, d *definition.Definition, m *definition.Method) Account {
	at := now()
	return Account{
		ID: id, Owner: owner, Definition: d.Name, Revision: d.Revision, Method: m.Name,
		Status: StatusConnecting, Since: at, Created: at, Due: at.Add(consentTime),
	}
}

// maxFirst is so large that an ID that is used again begins with another generation, and so
// small that generations fit into 32 bits. Processes may go on with a former account that had
// the ID.
const maxFirst = 1 << 30

// openNew opens the next generation of a new account.
func (r *Registry) openNew(ctx context.Context, a Account, d *definition.Definition, q Request) (*generation, error) {
	return r.open(ctx, a, a.Last+1, kept{duplicate: q.Duplicate}, func(connection definition.Connection) (*definition.Connected, error) {
		connection.Method, connection.Scopes = q.Method, q.Scopes
		connection.Values = merged(connection.Values, q.Values)
		err := d.Ready(r.config.Finder, connection)
		if err != nil {
			return nil, err
		}
		if connection.Server, err = d.Discover(ctx, r.config.Finder, connection); err != nil {
			return nil, err
		}
		return d.Connect(connection)
	})
}

// consentOrUse announces a generation in the Index, keeps the values, and puts the generation to
// use if no consent is necessary.
func (r *Registry) consentOrUse(ctx context.Context, a Account, g *generation) (Account, error) {
	return r.started(ctx, a, g, func(a Account) (Account, error) {
		consent, err := g.needsConsent(ctx)
		if err != nil || consent {
			return a, err
		}
		return r.complete(ctx, g)
	})
}

// started announces a generation in the Index and keeps the values. If next fails, all is
// taken back.
func (r *Registry) started(ctx context.Context, a Account, g *generation, next func(Account) (Account, error)) (Account, error) {
	isNew, superseded := a.Version == 0, a.Pending
	a, stored, err := r.announce(ctx, a, g.number)
	switch {
	case err != nil:
		if isNew { // the Index may have the account nevertheless
			_, _ = r.abandon(ctx, a, g.number, true)
		}
		return Account{}, ofIndex(err)
	case !stored && isNew:
		return Account{}, ErrExists
	case !stored:
		return Account{}, ErrSuperseded
	}
	_ = r.discard(ctx, a, superseded)
	var done Account
	if err = r.save(ctx, g); err == nil {
		done, err = next(a)
	}
	if err != nil {
		switch used, taken := r.abandon(ctx, a, g.number, isNew); {
		case taken == nil:
			return used, nil
		case !errors.Is(err, ErrSuperseded) && (errors.Is(taken, ErrSuperseded) || errors.Is(taken, ErrNotFound)):
			err = errors.Join(ErrSuperseded, err)
		}
	}
	return done, err
}

// announce writes the number of a new generation into the Index. stored is false if the account
// was connected anew or disconnected meanwhile. What else was written meanwhile, such as the
// status of the generation in use, stays.
func (r *Registry) announce(ctx context.Context, a Account, number int) (_ Account, stored bool, err error) {
	for before := a; ; {
		a.Pending, a.Last = number, number
		if a.Current == 0 {
			a.Due = now().Add(consentTime)
		}
		stored, err = r.config.Index.Put(ctx, a)
		switch {
		case err != nil:
			return a, false, err
		case stored:
			a.Version++
			return a, true, nil
		case before.Current == 0: // a is not what the Index has
			return a, false, nil
		}
		found := false
		if a, found, err = r.config.Index.Get(ctx, before.ID); err != nil {
			return before, false, err
		}
		if !found || a.Status == StatusDisconnected || a.First != before.First ||
			a.Current != before.Current || a.Pending != before.Pending || a.Last != before.Last {
			return before, false, nil
		}
	}
}

// complete tests a generation and puts the generation to use.
func (r *Registry) complete(ctx context.Context, g *generation) (Account, error) {
	f, err := r.examine(ctx, g)
	if err == nil {
		err = f.failure
	}
	if err == nil {
		err = r.checkDuplicate(ctx, g, f.identity.ID)
	}
	if err != nil {
		return Account{}, err
	}
	return r.commit(ctx, g, f)
}

// commit puts a generation to use by one write to the Index.
func (r *Registry) commit(ctx context.Context, g *generation, f finding) (Account, error) {
	former := 0
	a, err := r.update(ctx, g.id, func(a *Account) error {
		switch {
		case a.Status != StatusDisconnected && a.Current == g.number:
			return errUnchanged // another process was faster, by Test or Finish
		case a.Status == StatusDisconnected, a.Pending != g.number:
			return ErrSuperseded
		}
		if a.Identity != "" && f.identity.ID != "" && a.Identity != f.identity.ID && !g.kept.otherIdentity {
			return ErrOtherIdentity
		}
		former = a.Current
		a.Current, a.Pending, a.Due = g.number, 0, r.due(g.connected, f.known)
		a.ReauthBy, a.Final = time.Time{}, false // of the former token
		now := g.connected.Account()
		a.Definition, a.Revision, a.Method = now.Definition, now.Revision, now.Method
		f.apply(a)
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return Account{}, err
	}
	_ = r.discard(ctx, a, former)
	return a, nil
}

// errTakenBack: what was announced is taken back.
var errTakenBack = errors.New("taken back")

// abandon takes back what started has announced, even if ctx has ended. The error is nil if the
// generation is in use nevertheless: the response of the Index to commit was lost, or another
// process was faster. As long as the Index does not say, nothing is taken back.
func (r *Registry) abandon(ctx context.Context, announced Account, number int, isNew bool) (Account, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	a, err := r.update(ctx, announced.ID, func(a *Account) error {
		switch {
		case a.Current == number && a.Status == StatusDisconnected:
			return ErrDisconnected
		case a.Current == number:
			return errUnchanged
		case a.Pending != number:
			return ErrSuperseded
		}
		a.Pending = 0
		return nil
	})
	switch {
	case errors.Is(err, errUnchanged):
		return a, nil
	case err != nil && !errors.Is(err, ErrSuperseded) && !errors.Is(err, ErrNotFound):
		return Account{}, err
	}
	gone := r.discard(ctx, announced, number)
	if gone == nil && err == nil && isNew && a.Current == 0 {
		_, _ = r.config.Index.Delete(ctx, a.ID, a.Version) // or else the account stays, connecting
	}
	if err == nil {
		err = errTakenBack
	}
	return Account{}, err
}

// NewID returns an ID for a new account: a UUID of version 7 (RFC 9562 section 5.7), which
// sorts by time.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16|uint64(b[6])<<8|uint64(b[7]))
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
