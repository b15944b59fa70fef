package connectorauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// customRecord is a CustomCredential, and the record in the store.
type customRecord struct {
	Version int       `json:"v"`
	Kind    string    `json:"kind"` // "custom"
	Value   string    `json:"value"`
	Issued  time.Time `json:"issued"`
	Expiry  time.Time `json:"expiry,omitzero"`

	More map[string]string         `json:"more,omitempty"`
	Vain int                       `json:"vain,omitempty"` // how many credentials before were rejected without ever being accepted
	note error                     // see CustomCredential
	mine bool                      // obtained by this process
	good atomic.Bool               // the API has accepted a request of this process
	bad  atomic.Bool               // the API has rejected a request of this process
	used atomic.Pointer[time.Time] // the last request of this process; nil if there was none
}

// credential returns the credential in r, which may be nil.
func (r *customRecord) credential() CustomCredential {
	if r == nil {
		return CustomCredential{}
	}
	value := CustomCredential{Value: Secret(r.Value), Expiry: r.Expiry}
	if len(r.More) > 0 {
		value.More = make(map[string]Secret, len(r.More))
	}
	for name, more := range r.More {
		value.More[name] = Secret(more)
	}
	return value
}

// maxVain is how many credentials in a row may be rejected without ever being accepted.
const maxVain = 1

// vainFor returns how long after the last of so many credentials in vain another one is
// of no use: first less than the first pause after a refusal, then twice as long each
// time. The pauses after refusals add up, to less than a day with the longest vainFor.
func vainFor(vain int) time.Duration {
	return min(45*time.Minute<<min(vain-maxVain-1, 4), 12*time.Hour)
}

// errVain is the error of a Login that the service does not refuse, and whose
// credentials are of no use.
var errVain = fmt.Errorf("%w: the API has rejected several credentials right after they were obtained", ErrReauthRequired)

// inVain returns how many credentials in a row were obtained in vain, r included, which
// may be nil. Only the process that has obtained r knows that nobody has used r before.
func (r *customRecord) inVain() int {
	switch {
	case r == nil || r.good.Load():
		return 0
	case r.mine && r.bad.Load():
		return r.Vain + 1
	}
	return r.Vain
}

// secrets returns what no error may quote of c.
func (c CustomCredential) secrets() []string {
	list := []string{string(c.Value)}
	for _, more := range c.More {
		list = append(list, string(more))
	}
	return list
}

// Encode returns the record of r.
func (*customScheme) Encode(r *customRecord) ([]byte, error) {
	return json.Marshal(&customRecord{Version: recordVersion, Kind: "custom", Value: r.Value, Issued: r.Issued, Expiry: r.Expiry, More: r.More, Vain: r.Vain})
}

// Decode reads a record.
func (*customScheme) Decode(stored []byte) (*customRecord, error) {
	r := new(customRecord)
	if err := decodeRecord(stored, r, &r.Version); err != nil {
		return nil, err
	}
	if r.Kind != "custom" {
		return nil, errors.New("the value is not the credential of a Custom connector")
	}
	return r, nil
}
