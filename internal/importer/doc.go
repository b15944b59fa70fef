// Package importer is what the importers of other formats have in common: documents
// whose values have places, and drafts of definitions with questions.
package importer
