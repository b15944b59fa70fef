package importer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/importer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValuesAndPlaces(t *testing.T) {
	d, err := importer.Parse([]byte("\ufeff{\"é\": 1.50,\n  \"b\": [true , {\"c\" : \"x\"}, null]}"), nil)
	require.NoError(t, err)
	assert.Equal(t, "1.50", d.Root().Get("é").Scalar())
	list := d.Root().Get("b").Elements()
	require.Len(t, list, 3)
	assert.True(t, list[0].True())
	assert.Equal(t, []string{"x", "x", "", "true"}, []string{list[1].Get("c").Text(), list[1].Get("c").Scalar(), list[2].Scalar(), list[0].Scalar()})
	for path, want := range map[importer.Value]string{
		d.Root(): "1:1 ", d.Root().Get("é"): `1:7 "é"`, list[1]: "2:16 b[1]", list[1].Get("c"): "2:23 b[1].c", list[1].Get("none").Get("more"): "2:16 b[1].none.more",
	} {
		line, column := d.Position(path)
		assert.Equal(t, want, fmt.Sprintf("%d:%d %s", line, column, path.Path))
	}
	assert.False(t, d.Root().Get("none").Get("none").Exists())
	assert.Equal(t, "", d.Root().Get("none").Text())
	assert.True(t, d.Root().IsObject() && d.Root().Get("b").IsList() && !list[0].IsList())
	var names []string
	for name, v := range d.Root().Members() {
		names = append(names, name+" "+v.Path)
	}
	assert.Equal(t, []string{`é "é"`, "b b"}, names)
}

func TestPlacesOfAnotherDocument(t *testing.T) {
	d, err := importer.Parse([]byte(`{"a": 1}`), func(line, column int) (int, int) { return line + 10, column + 20 })
	require.NoError(t, err)
	line, column := d.Position(d.Root().Get("a"))
	assert.Equal(t, [2]int{11, 27}, [2]int{line, column})
}

func TestTextsThatAreNoDocument(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "1:1: is not JSON",
		"{\n\"a\": }":             "2:6: is not JSON",
		"{} {}":                   "1:4: is not JSON",
		"{\"a\": 1,\n \"a\": 2}":  `2:2: "a" is there twice`,
		"{\"\xff\": 1}":           "1:3: is not valid UTF-8",
		strings.Repeat("[", 1000): "1:1000: is not JSON",
		`{"a": 1`:                 "1:7: is not JSON",
		strings.Repeat("[", 600) + strings.Repeat("]", 600): "1:502: is more than 500 deep",
	} {
		_, err := importer.Parse([]byte(text), nil)
		var mistake *importer.Mistake
		require.ErrorAs(t, err, &mistake, "%.20q", text)
		assert.True(t, strings.HasPrefix(err.Error(), want), "%.20q: %s", text, err)
	}
}
