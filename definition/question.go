package definition

// A Draft is what an importer makes of a document of another format: see the packages
// openapi and cyclr.
type Draft struct {
	// Definition is the draft. Once no question is open, Parse takes the Document of the
	// draft, with Options.AnyHost if an answer has allowed any host.
	Definition *Definition
	// Questions are what the document leaves open. Importers ask, and do not guess: a
	// program answers in the options of the importer, and imports again.
	Questions []Question
	// Notes say what of the document cannot be a definition, and is left out.
	Notes []Finding
}

// A Question is what a document of another format leaves open, such as how a client
// authenticates.
type Question struct {
	// Finding says where in the document the question comes from. Text is the question.
	Finding
	// ID names the question in the answers. The same document has the same IDs.
	ID string
	// Choices are possible answers. Other: any other text is an answer too. No Choices
	// means any text.
	Choices []Choice
	Other   bool
}
