package canary

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"reflect"
	"strings"

	"github.com/stretchr/testify/assert"
)

// Reach requires that no program that walks memory by reflection finds a secret
// behind v: the diffs of testify's assertions, package gob, or a dumper that looks
// into every field and follows every pointer. Such programs call no method of v.
func (c *Canary) Reach(what string, v any) {
	c.T.Helper()
	c.Text(what, Reached(v))
	c.Text(what, failing(v))
	var encoded bytes.Buffer
	gob.NewEncoder(&encoded).Encode(v) // an error is as good
	c.Text(what, encoded.String())
}

// Reached returns all texts that reflection finds behind v.
func Reached(v any) string {
	w := walker{seen: make(map[visit]bool)}
	w.walk(reflect.ValueOf(v))
	return w.out.String()
}

type walker struct {
	out  strings.Builder
	seen map[visit]bool
}

// visit is a pointer that was followed.
type visit struct {
	to uintptr
	as reflect.Type
}

func (w *walker) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		w.out.WriteString(v.String() + "\n")
	case reflect.Interface:
		w.walk(v.Elem())
	case reflect.Pointer:
		if at := (visit{v.Pointer(), v.Type()}); !v.IsNil() && !w.seen[at] {
			w.seen[at] = true
			w.walk(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			w.walk(v.Field(i))
		}
	case reflect.Map:
		if at := (visit{v.Pointer(), v.Type()}); !w.seen[at] {
			w.seen[at] = true
			for entries := v.MapRange(); entries.Next(); {
				w.walk(entries.Key())
				w.walk(entries.Value())
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			for i := range v.Len() {
				w.out.WriteByte(byte(v.Index(i).Uint()))
			}
			w.out.WriteString("\n")
			return
		}
		for i := range v.Len() {
			w.walk(v.Index(i))
		}
	case reflect.Uint32: // of a key schedule
		w.out.Write(binary.BigEndian.AppendUint32(nil, uint32(v.Uint())))
	}
}

// failing returns what assertions print that fail because of v.
func failing(v any) string {
	var t recorder
	if of := reflect.TypeOf(v); of != nil {
		other := reflect.New(of).Elem()
		if of.Kind() == reflect.Pointer {
			other = reflect.New(of.Elem())
		}
		assert.Equal(&t, other.Interface(), v)
		assert.EqualExportedValues(&t, other.Interface(), v)
	}
	assert.Nil(&t, v)
	assert.Empty(&t, v)
	assert.Contains(&t, []any{v}, "nothing")
	assert.ElementsMatch(&t, []any{v}, []any{"nothing"})
	return t.String()
}

// recorder keeps what a failing assertion prints.
type recorder struct{ strings.Builder }

func (r *recorder) Errorf(format string, args ...any) { fmt.Fprintf(r, format, args...) }
