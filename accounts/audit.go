package accounts

import "time"

// An Entry says who has done what to an account, for the audit log of a program. An Entry has
// no secret.
type Entry struct {
	// Sequence counts the entries of a Registry of this process, from 1. A missing number
	// is a lost entry. Entries come from several goroutines, and not in the
	// order of their numbers.
	Sequence uint64    `json:"sequence"`
	Time     time.Time `json:"time"`
	Action   Action    `json:"action"`
	Outcome  Outcome   `json:"outcome"`
	// Actor is who has acted: see Registry.As. Empty means the program itself.
	Actor string `json:"actor,omitempty"`
	// Account is the ID of the account. Account, Owner and Definition may be empty if a
	// Request has failed that lacks them.
	Account    string `json:"account,omitempty"`
	Owner      string `json:"owner,omitempty"`
	Definition string `json:"definition,omitempty"`
	// Error is why the action has failed, for developers. With ActionReauthRequired, Error says why
	// the account owner must connect the account again.
	Error string `json:"error,omitempty"`
}

// An Action is what was done to an account.
type Action string

// The actions.
const (
	ActionConnect        Action = "connect"         // Connect, and the consent that follows
	ActionReconnect      Action = "reconnect"       // Reconnect, and the consent that follows
	ActionImport         Action = "import"          // a row of Import; a row that is ErrExists is no Entry
	ActionTest           Action = "test"            // Test
	ActionReauthRequired Action = "reauth_required" // the account has become StatusReauthRequired, whoever noticed
	ActionDisconnect     Action = "disconnect"      // Disconnect, each call until the account is gone
)

// An Outcome is what has become of an Action.
type Outcome string

// The outcomes.
const (
	OutcomeOK      Outcome = "ok"      // done
	OutcomeConsent Outcome = "consent" // the account owner must consent: another Entry follows
	OutcomeFailed  Outcome = "failed"  // not done, and Error says why; with ActionTest, the account does not work
)

// As returns the Registry for an actor, such as the user who is signed in: what is done by
// the returned Registry is told to Config.Audit as done by the actor. All else is the same, and
// shared with r.
func (r *Registry) As(actor string) *Registry { return &Registry{r.state, actor} }

// audit tells the program what the actor of r has done.
func (r *Registry) audit(action Action, a Account, err error) {
	if r.config.Audit == nil {
		return
	}
	e := Entry{
		Sequence: r.entries.Add(1), Time: now(), Action: action, Outcome: OutcomeOK,
		Actor: r.actor, Account: a.ID, Owner: a.Owner, Definition: a.Definition,
	}
	switch {
	case err != nil:
		e.Outcome, e.Error = OutcomeFailed, err.Error()
	case a.Pending != 0 && (action == ActionConnect || action == ActionReconnect || action == ActionImport):
		e.Outcome = OutcomeConsent
	}
	r.config.Audit(e)
}

// auditReauth tells the program that an account needs its owner.
func (r *Registry) auditReauth(a Account) {
	if r.config.Audit != nil {
		r.config.Audit(Entry{
			Sequence: r.entries.Add(1), Time: now(), Action: ActionReauthRequired, Outcome: OutcomeOK,
			Account: a.ID, Owner: a.Owner, Definition: a.Definition, Error: a.Error,
		})
	}
}
