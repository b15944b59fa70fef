package definition

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Set is definitions by name. A name may have several revisions. A Set is immutable and
// safe for concurrent use.
type Set struct {
	revisions map[string][]*Definition // by name, the newest first
	former    map[string]string        // names by former name
}

// NewSet returns a Set of definitions, such as the definitions of a catalogue and of the
// program. Two definitions with the same name and revision are an error. A former name must
// lead to a single name.
func NewSet(definitions ...*Definition) (*Set, error) {
	s, clashes := newSet(definitions)
	if len(clashes) == 0 {
		return s, nil
	}
	var texts []string
	for _, c := range clashes {
		texts = append(texts, c.text(definitions[c.first].Name))
	}
	return nil, fmt.Errorf("definition: %s", strings.Join(texts, "\n"))
}

// clash is a name of two definitions.
type clash struct {
	first, other int    // of the definitions
	name         string // of both
	at           *path  // of the name in other
	revision     int    // of both; 0 means that a former name is in the way
}

// text says what is wrong. where is the place of the first definition.
func (c clash) text(where string) string {
	if c.revision > 0 {
		return fmt.Sprintf("%s, revision %d, is there twice: see %s", shown(c.name), c.revision, where)
	}
	return fmt.Sprintf("%s is a name, or a former name, of another definition: see %s; after a rename, all revisions have the new name", shown(c.name), where)
}

// newSet returns the Set, and the clashes.
func newSet(definitions []*Definition) (*Set, []clash) {
	s := &Set{revisions: map[string][]*Definition{}, former: map[string]string{}}
	var clashes []clash
	type owner struct {
		index int
		name  string // the present name
	}
	owners, revisions := map[string]owner{}, map[string]int{}
	for i, d := range definitions {
		key := fmt.Sprint(d.Name, " ", d.Revision)
		if first, twice := revisions[key]; twice {
			clashes = append(clashes, clash{first, i, d.Name, (*path)(nil).member("name"), d.Revision})
			continue
		}
		revisions[key] = i
		for j, name := range append([]string{d.Name}, d.Was...) {
			at := (*path)(nil).member("name")
			if j > 0 {
				at = (*path)(nil).member("was").element(j - 1)
			}
			known, taken := owners[name]
			if taken && known.name != d.Name {
				clashes = append(clashes, clash{known.index, i, name, at, 0})
				continue
			}
			if !taken {
				owners[name] = owner{i, d.Name}
			}
			if name != d.Name {
				s.former[name] = d.Name
			}
		}
		s.revisions[d.Name] = append(s.revisions[d.Name], d)
	}
	for _, list := range s.revisions {
		slices.SortFunc(list, func(a, b *Definition) int { return cmp.Compare(b.Revision, a.Revision) })
	}
	return s, clashes
}

// Definitions returns the newest revision of each name, sorted by name.
func (s *Set) Definitions() []*Definition {
	list := make([]*Definition, 0, len(s.revisions))
	for _, name := range slices.Sorted(maps.Keys(s.revisions)) {
		list = append(list, s.revisions[name][0])
	}
	return list
}

// Revisions returns all revisions of a definition, the newest first. The name is a name
// or a former name. Empty means that the Set has no such definition.
func (s *Set) Revisions(name string) []*Definition {
	if present, ok := s.former[name]; ok {
		name = present
	}
	return slices.Clone(s.revisions[name])
}

// Lookup returns the newest revision of a definition. The name is a name or a former
// name. The error suggests a name that was probably meant.
func (s *Set) Lookup(name string) (*Definition, error) {
	list := s.Revisions(name)
	if len(list) == 0 {
		return nil, fmt.Errorf("definition: there is no definition %s%s", shown(name), hint(name, slices.Sorted(maps.Keys(s.revisions))))
	}
	return list[0], nil
}

// revision checks the revision of a definition, and fills in the empty one.
func (c *checker) revision(p *path) {
	if _, given := p.find(&c.root); given && c.d.Revision < 1 {
		c.add(p, "want a whole number from 1")
	}
	c.d.Revision = max(c.d.Revision, 1)
}
