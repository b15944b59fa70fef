package pending

import (
	"errors"
	"net/url"
)

// Kinds of bad callbacks, for the pages of package consent.
const (
	Invalid = "invalid" // not a callback of this library
	Expired = "expired" // the account owner took too long
	MixUp   = "mixup"   // the callback of another consent
	Used    = "used"    // the consent was finished before
)

// A BadCallback is a callback, or a pending value, that Finish refuses.
type BadCallback struct{ kind, text string }

// Error says why the callback is refused.
func (e *BadCallback) Error() string { return "connectorauth: " + e.text }

// BadCallback returns the kind.
func (e *BadCallback) BadCallback() string { return e.kind }

// NewMixUp returns the error of a callback that belongs to another consent.
func NewMixUp(text string) error { return &BadCallback{MixUp, text} }

// Open returns err as the error of a consent that is still open: nothing was sent,
// and the same callback can be finished again.
func Open(err error) error { return &open{err} }

type open struct{ error }

// Unwrap returns the cause.
func (e *open) Unwrap() error { return e.error }

// Temporary returns true: the same callback may succeed later.
func (*open) Temporary() bool { return true }

// Over reports whether a consent is over after Finish returned err. A callback that
// does not belong to the consent, and an error of Open, leave the consent open.
func Over(err error) bool {
	if bad := new(BadCallback); errors.As(err, &bad) {
		return bad.kind == Expired || bad.kind == Used
	}
	return !errors.As(err, new(*open))
}

// AtMostOne returns the value of a callback parameter that must not be repeated. An
// empty value means that the parameter is absent (RFC 6749 section 3.1). RFC 5849 has
// no parameter of a callback whose empty value says anything else.
func AtMostOne(callback url.Values, name string) (string, error) {
	if len(callback[name]) > 1 {
		return "", &BadCallback{Invalid, "the callback has more than one " + name}
	}
	return callback.Get(name), nil
}

// One returns the value of a callback parameter that must be present exactly
// once.
func One(callback url.Values, name string) (string, error) {
	value, err := AtMostOne(callback, name)
	if value == "" && err == nil {
		err = &BadCallback{Invalid, "the callback has no " + name}
	}
	return value, err
}
