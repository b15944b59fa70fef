package definition

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The right documents of the corpus have each member of the format at least once, with a
// value that is not empty.
func TestCorpusHasEveryMember(t *testing.T) {
	seen := map[reflect.Type]map[string]bool{}
	files, err := filepath.Glob("testdata/corpus/right/*.json")
	require.NoError(t, err)
	for _, file := range files {
		document, err := os.ReadFile(file)
		require.NoError(t, err)
		d, err := Parse(file, document, Options{})
		require.NoError(t, err)
		note(seen, reflect.ValueOf(d))
	}
	for of, s := range shapes() {
		for _, member := range s.names {
			// an input that may lead anywhere needs Options.AnyHost
			assert.True(t, seen[of][member] || member == "anyHost", "no right document of the corpus has %s of a %s", member, of)
		}
	}
}

// note notes the members of v, and of what is below, that are not empty.
func note(seen map[reflect.Type]map[string]bool, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			note(seen, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			note(seen, v.Index(i))
		}
	case reflect.Struct:
		s, ok := shapes()[v.Type()]
		if !ok {
			return
		}
		if seen[v.Type()] == nil {
			seen[v.Type()] = map[string]bool{}
		}
		for member, index := range s.fields {
			if field := v.FieldByIndex(index); !field.IsZero() {
				seen[v.Type()][member] = true
				note(seen, field)
			}
		}
		if s.scheme != nil {
			note(seen, v.FieldByIndex(s.scheme))
		}
	}
}
