package definition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	slashed "path"
	"slices"
	"strings"
)

// A Converter makes JSON of a document in another notation. place returns where a line
// and a column of the JSON stand in the document. A nil place means that both are the
// same. An error that is an *Error has its places in the document; the name of the file
// is filled in.
type Converter func(document []byte) (json []byte, place func(line, column int) (int, int), err error)

// Load reads all files that match the patterns of path.Match: an embed.FS, or a folder by
// os.DirFS. The error is an *Error with the mistakes of all files. A pattern that no file
// matches is a mistake, and so are two definitions with one name and one revision. A file
// whose name does not end in .json needs one of Options.Converters.
func Load(files fs.FS, options Options, patterns ...string) (*Set, error) {
	l := &loader{files: files, options: options}
	for _, name := range l.match(patterns) {
		l.load(l.read(name))
	}
	return l.set()
}

// A loader reads several files, and lists their mistakes.
type loader struct {
	files       fs.FS
	options     Options
	definitions []*Definition
	documents   []document // of the definitions
	found       Error
}

// file is a file as it was read.
type file struct {
	name string
	text []byte
	err  error
}

// document is a file that is a definition.
type document struct {
	name  string
	json  string
	place func(line, column int) (int, int)
}

// match returns the names of the files, sorted.
func (l *loader) match(patterns []string) (names []string) {
	if len(patterns) == 0 {
		l.add(Finding{File: ".", Text: "give a pattern for the names of the files, such as *.json"})
	}
	for _, pattern := range patterns {
		matched, err := fs.Glob(l.files, pattern)
		switch {
		case err != nil:
			l.add(Finding{File: pattern, Text: "the pattern is wrong: see path.Match"})
		case len(matched) == 0:
			if err := l.unreadable(); err != nil { // Glob says nothing of such errors
				l.add(Finding{File: ".", Text: "the folder cannot be read: " + err.Error()})
				return nil
			}
			l.add(Finding{File: pattern, Text: "no file matches the pattern"})
		}
		names = append(names, matched...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unreadable returns why the folder itself cannot be read.
func (l *loader) unreadable() error {
	_, err := fs.Stat(l.files, ".")
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// add lists mistakes, up to a limit.
func (l *loader) add(list ...Finding) {
	kept := min(len(list), maxFindings-len(l.found.Findings))
	l.found.Findings = append(l.found.Findings, list[:kept]...)
	l.found.More += len(list) - kept
}

// read reads the beginning of a file, with a byte more than a definition may have.
func (l *loader) read(name string) file {
	switch info, err := fs.Stat(l.files, name); { // before Open, which waits for a writer of a named pipe
	case err != nil:
		return file{name: name, err: plain(err)}
	case info.IsDir():
		return file{name: name, err: fmt.Errorf("is a folder; give a pattern for its files, such as %s", slashed.Join(name, "*.json"))}
	case !info.Mode().IsRegular():
		return file{name: name, err: errors.New("is no regular file, but a pipe or a device")}
	}
	f, err := l.files.Open(name)
	if err != nil {
		return file{name: name, err: plain(err)}
	}
	defer f.Close()
	var text bytes.Buffer
	if info, err := f.Stat(); err == nil {
		text.Grow(int(min(max(info.Size(), 0), maxSize)) + bytes.MinRead)
	}
	_, err = text.ReadFrom(io.LimitReader(f, maxSize+1))
	return file{name, text.Bytes(), plain(err)}
}

// plain returns an error without the path, which a Finding names already.
func plain(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// load reads the definition of a file.
func (l *loader) load(f file) {
	if f.err != nil {
		l.add(Finding{File: f.name, Text: f.err.Error()})
		return
	}
	text, place, err := l.options.convert(f.name, f.text)
	if err != nil {
		l.mistakes(f.name, err, nil)
		return
	}
	json := string(text)
	d, _, err := parse(f.name, json, l.options)
	if err != nil {
		l.mistakes(f.name, err, place)
		return
	}
	l.definitions, l.documents = append(l.definitions, d), append(l.documents, document{f.name, json, place})
}

// convert makes JSON of a file in another notation.
func (o *Options) convert(name string, text []byte) ([]byte, func(line, column int) (int, int), error) {
	ending := slashed.Ext(name)
	converter := o.Converters[ending]
	switch {
	case converter != nil && len(text) > maxSize: // before the converter spends time
		return nil, nil, fmt.Errorf("is longer than %d bytes", maxSize)
	case converter != nil:
		return converter(text)
	case ending != ".json":
		return nil, nil, fmt.Errorf("is no .json file, and Options.Converters has nothing for the ending %s", shown(ending))
	}
	return text, nil, nil
}

// mistakes lists the mistakes of a file, with their places in the file.
func (l *loader) mistakes(name string, err error, place func(line, column int) (int, int)) {
	var failed *Error
	if !errors.As(err, &failed) {
		failed = &Error{Findings: []Finding{{Text: err.Error()}}}
	}
	for _, f := range failed.Findings {
		if f.File = name; place != nil {
			f.Line, f.Column = place(f.Line, f.Column)
		}
		l.add(f)
	}
	l.found.More += failed.More
}

// set returns the Set, or the mistakes.
func (l *loader) set() (*Set, error) {
	s, clashes := newSet(l.definitions)
	for _, c := range clashes {
		doc := l.documents[c.other]
		line, column := doc.find(c.at)
		l.add(Finding{doc.name, line, column, c.at.String(), c.text(l.documents[c.first].name)})
	}
	if len(l.found.Findings) > 0 {
		return nil, &l.found
	}
	return s, nil
}

// find returns the place of a member in the document.
func (d *document) find(at *path) (line, column int) {
	src := strings.TrimPrefix(d.json, "\ufeff")
	s := &scanner{src: src, report: func(int, string) {}}
	root, _ := s.document() // which Parse has read before
	line, column = position(src, at.in(&root))
	if d.place != nil {
		return d.place(line, column)
	}
	return line, column
}
