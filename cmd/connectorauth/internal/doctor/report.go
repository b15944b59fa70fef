package doctor

import (
	"encoding/json"
	"net/http"
	"time"
)

// An Outcome is what a step has found.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"      // nothing is wrong
	Warning Outcome = "warning" // something is odd, or will be wrong later
	Fault   Outcome = "fault"   // the account cannot work like this
	Skipped Outcome = "skipped" // there is nothing to look at, or an earlier step is in the way
)

// A Step is a part of an examination.
type Step struct {
	// Name says what was looked at, such as "tls". Stable, for programs.
	Name string `json:"name"`
	// Target is the host and port, or the endpoint. Empty means the account itself.
	Target string `json:"target,omitempty"`
	// Outcome is what was found.
	Outcome Outcome `json:"outcome"`
	// Detail says what was found, in a single line.
	Detail string `json:"detail"`
	// Cause is what is wrong. Empty with OK and Skipped.
	Cause Cause `json:"cause,omitempty"`
	// Duration is how long the step took. Steps of several hosts overlap. 0 means no time to
	// speak of. JSON has the text of time.Duration.
	Duration time.Duration `json:"-"`

	advice string // what to do about the Cause
}

// MarshalJSON returns the members of the struct, and duration.
func (s Step) MarshalJSON() ([]byte, error) {
	type plain Step
	return json.Marshal(struct {
		plain
		Duration string `json:"duration,omitempty"`
	}{plain(s), spelled(s.Duration)})
}

// spelled returns d to the tenth of a millisecond, or nothing for 0.
func spelled(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.Round(100 * time.Microsecond).String()
}

// A Report is the result of Run. A Report has no secret: the values of secret inputs,
// tokens, cookies, client secrets, and whatever else requests carry, are replaced by
// "[redacted]" in every usual spelling. Values shorter than four bytes stay.
type Report struct {
	// Account is the ID of the account, and Definition and Method are the account's.
	Account    string `json:"account"`
	Definition string `json:"definition"`
	Method     string `json:"method,omitempty"`
	// Time is when Run began, by this machine's clock.
	Time time.Time `json:"time"`
	// Outcome is OK or Warning if the test request passed, or if there is no test and no
	// step is a Fault.
	Outcome Outcome `json:"outcome"`
	// Cause is what Advice is about. Empty means nothing is wrong.
	Cause Cause `json:"cause,omitempty"`
	// Advice says what to do, in a single sentence.
	Advice string `json:"advice"`
	Steps  []Step `json:"steps"`
	// Exchanges are the requests, in the order in which they began.
	Exchanges []Exchange `json:"exchanges,omitempty"`
	// Versions are the versions of program, library, Go and system, by name.
	Versions map[string]string `json:"versions"`

	document []byte // of the definition
}

// An Exchange is a request and its response, without bodies.
type Exchange struct {
	Method string `json:"method"`
	// URL has no values in its query.
	URL string `json:"url"`
	// Status is 0 without a response, and Error says why.
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
	// Header is the header of the response. Only fields known to be harmless have
	// their values.
	Header http.Header `json:"header,omitempty"`
}
