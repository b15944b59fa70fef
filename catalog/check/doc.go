// Package check says what a definition of the catalogue lacks: the tests of the module and
// programs that check a contribution do the same.
//
//	for _, problem := range check.File(check.Draft, "acme.json", text) {
//		fmt.Println(problem)
//	}
//
// # What is checked
//
// [File] reads the definition as package definition does, asks for the sources of each fact,
// accepts a finding of Lint only with a reason, renders the form of each method, and leads an
// account of each method through its life, with a server that is made of the sources alone.
// Nothing reaches a network, so File says nothing of the live service.
//
// # Which shelf
//
// A definition of the shelf [Service] has two witnesses for each essential fact, and a [Draft]
// has one. A problem says so where a witness lacks. No problem at all is a nil list.
package check
