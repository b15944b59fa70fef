package renew

import (
	"context"
	"time"
)

// Store keeps generations between processes, as connectorauth.TokenStore does, which this
// package cannot import.
type Store interface {
	Load(ctx context.Context, key string) (value []byte, ok bool, err error)
	Save(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
}

// SharedStore is a Store that several processes share: connectorauth.SharedTokenStore. A
// test of package tokenstore compares the methods.
type SharedStore interface {
	Store
	Lock(ctx context.Context, key string) (Lease, error)
	CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error)
}

// Lease is a held lock: connectorauth.Lease.
type Lease = interface {
	Check(ctx context.Context) error
	Lost() <-chan struct{}
	Unlock()
}

// A Scheme is what differs from one kind of credential to the next. Several
// goroutines call the methods.
type Scheme[T any] interface {
	// Renew makes the one token request. A nil old means no credential
	// yet. ctx is bounded and outlives the caller that wanted the renewal. Renew may
	// return a value together with an error: a failed request may still have rotated
	// the refresh token. The value then replaces old.
	Renew(ctx context.Context, old *T) (*T, error)
	// Verdict classifies an error of Renew.
	Verdict(err error) Verdict
	// Expiry returns when the value was issued and when the value expires. A zero
	// expiry means that only a rejection tells.
	Expiry(value *T) (issued, expiry time.Time)
	// Encode and Decode turn a value into what the store keeps, and back.
	Encode(value *T) ([]byte, error)
	Decode(stored []byte) (*T, error)
	// Lead is how long before its expiry a value is renewed in the background, at
	// most a fifth of its lifetime.
	Lead() time.Duration
	// Observe is told what happened. Observe must not block for long.
	Observe(Event[T])
	// Secrets returns what no error may quote of a value, in every spelling. A nil
	// value has none.
	Secrets(value *T) []string

	// Identity names the account for people: the token URL, the client, the grant
	// and the user. Identity contains no secret.
	Identity() string
	// Succeeds reports whether a record of that former identity is of this account.
	Succeeds(identity string) bool
	// Login returns a salted hash of what the account owner types, such as a
	// password, or "" where nobody types anything. stored is the hash in the record,
	// or "". same reports whether stored is of the same login, or unknown.
	Login(stored string) (login string, same bool)
	// Endpoint describes the place that token requests go to.
	Endpoint() Endpoint
	// Alone reports whether Renew obtains a credential without a person.
	Alone() bool
	// SingleUse reports whether the renewal of old sends what a provider may accept
	// only once.
	SingleUse(old *T) bool
	// Rotated reports whether next has another single-use credential than old.
	Rotated(old, next *T) bool
	// Retakes reports whether the provider takes a single-use credential again within
	// a grace period.
	Retakes() bool
	// Restore returns the error of a token request that failed before, in this
	// process or another: for good with that code, or for after. The code InDoubtCode
	// means that a response was lost, or with after that a response is missing so far. of is
	// the value that the request was to replace; nil if there is none, or none is known.
	Restore(of *T, code string, dead bool, after time.Duration) error
}

// An Endpoint is a place that token requests go to.
type Endpoint struct {
	URL    string // empty: unknown, so there is no limit
	Client string // whose requests; with the URL, tells whether credentials rotate
	Most   int    // how many requests may be under way at one time
}

// A Verdict says what an error of Renew means.
type Verdict struct {
	Kind  Kind
	Code  string        // the provider's error code, for the record
	After time.Duration // the least time until the next attempt, as in a Retry-After header

	Unsent bool // nothing was sent
	Own    bool // After concerns this account alone, not the endpoint
	Idle   bool // there was nothing to send, so the next attempt need not wait
	Retry  bool // with Dead: try again after an hour, growing to a day
	Void   bool // with Dead: requests cannot use the present value either
}

// Kind tells errors of Renew apart.
type Kind int

const (
	// Temporary: try again later.
	Temporary Kind = iota
	// InDoubt: the request was sent and the response lost, so a single-use credential
	// may be spent: see Engine.
	InDoubt
	// Refused: the request itself is wrong, as with a wrong client secret. Trying
	// again soon is useless, but the credential is not to blame. The pauses grow from
	// a minute to an hour.
	Refused
	// Dead: the credential is no longer good for a renewal. Only Set helps.
	Dead
)

// An Event is something that happened to the credential.
type Event[T any] struct {
	Happened string        // what happened: a constant below
	Value    *T            // the value concerned; nil if there is none
	Err      error         // the reason of a failure
	Took     time.Duration // the time of the token request, for Renewed, Failed and ReauthRequired
	Cause    string        // what prevented a token request: a constant below; otherwise empty

	Context    context.Context // of the request that began the renewal, without its end; nil if unknown
	Waited     time.Duration   // from the beginning of the renewal to its token request, or to the end without one
	Background bool            // no request waited when the renewal began
}

// What can prevent a token request, in the words of logs and metrics.
const (
	CauseStore    = "store"    // the store failed
	CauseQueue    = "queue"    // the endpoint had no turn for too long
	CauseShutdown = "shutdown" // ErrShutdown
)

// What can happen, in the words of logs.
const (
	Renewing       = "renewing"        // a token request begins
	Renewed        = "renewed"         // a token request succeeded
	Failed         = "renewal_failed"  // a token request failed for now, or the store prevented the request
	ReauthRequired = "reauth_required" // a token request failed for good
	Saved          = "saved"           // the store has the new generation
	SaveFailed     = "save_failed"     // the store did not take the new generation, which stays in memory
	Adopted        = "adopted"         // the store had another generation, made by somebody else
)
