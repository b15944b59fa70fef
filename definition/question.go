package definition

// A Question is what a document of another format leaves open, such as how a client
// authenticates. Importers ask, and do not guess.
type Question struct {
	// Finding says where the question comes from in the document, and asks.
	Finding
	// ID names the question in the answers that a program gives to the importer. The same
	// document has the same IDs.
	ID string
	// Choices are the possible answers. Empty means any text, as Text says.
	Choices []Choice
}
