package definition

import "strings"

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
