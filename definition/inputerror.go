package definition

import (
	"errors"
	"strings"
)

// An InputError lists the mistakes of the values of an account, in words for the account
// owner. No text has a value in it.
type InputError struct {
	Definition string // its name
	Problems   []InputProblem
}

// An InputProblem is a mistake of the value of one input.
type InputProblem struct {
	Input string // its name
	Title string // its title for people
	Text  string // what is wrong, such as "is missing"
	// Reason is why, for programs that speak other languages.
	Reason InputReason
}

// An InputReason is why a value cannot be used.
type InputReason string

// The reasons.
const (
	InputMissing  InputReason = "missing"   // there is no value
	InputNoChoice InputReason = "no_choice" // the value is none of Limits.Enum
	InputFormat   InputReason = "format"    // the value is not of Limits.Format
	InputPattern  InputReason = "pattern"   // the value does not match Limits.Pattern
	InputSpace    InputReason = "space"     // a space at an end of the value is in the way
	InputHost     InputReason = "host"      // the host does not end in one of Limits.Suffixes
	InputUnusable InputReason = "unusable"  // the value cannot stand where it must, such as a key that is none
)

// A limitError is a value that Limits do not allow.
type limitError struct {
	reason InputReason
	text   string
}

func (e *limitError) Error() string { return e.text }

// reasonOf returns the reason of an error of a value.
func reasonOf(err error) InputReason {
	var limit *limitError
	if errors.As(err, &limit) {
		return limit.reason
	}
	return InputUnusable
}

// Error lists the mistakes.
func (e *InputError) Error() string {
	var b strings.Builder
	b.WriteString("definition: " + e.Definition)
	for _, p := range e.Problems {
		b.WriteString("\n" + p.Title + ": " + p.Text)
	}
	return b.String()
}
