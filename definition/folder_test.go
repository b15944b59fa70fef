package definition_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// disk is a folder that counts how often files are read, and how often somebody looks.
type disk struct {
	fstest.MapFS
	reads, looks int
}

func (d *disk) Open(name string) (fs.File, error) {
	if name != "." {
		d.reads++
	}
	return d.MapFS.Open(name)
}

// Stat and Glob read no file. Glob is what package fs asks of a MapFS.
func (d *disk) Stat(name string) (fs.FileInfo, error) { return d.MapFS.Stat(name) }
func (d *disk) Glob(pattern string) ([]string, error) {
	d.looks++
	return d.MapFS.Glob(pattern)
}

// write changes a file now.
func (d *disk) write(name, text string) {
	d.MapFS[name] = &fstest.MapFile{Data: []byte(text), ModTime: time.Now()}
}

// opened returns a Folder over a disk with one definition, and what Observe was told.
func opened(t *testing.T) (*definition.Folder, *disk, *[]error) {
	d, told := &disk{MapFS: fstest.MapFS{}}, new([]error)
	d.write("a.json", named("acme", `"title": "one",`))
	f, err := definition.NewFolder(definition.FolderConfig{
		Files: d, Patterns: []string{"*.json"}, Observe: func(err error) { *told = append(*told, err) },
	})
	require.NoError(t, err)
	*told = nil
	time.Sleep(time.Minute)
	f.Set()
	return f, d, told
}

func title(t *testing.T, f *definition.Folder) string {
	t.Helper()
	d, err := f.Set().Lookup("acme")
	require.NoError(t, err)
	return d.Title
}

func TestChangedFileIsPickedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, told := opened(t)
		before := f.Set()
		d.write("a.json", named("acme", `"title": "two",`))
		d.write("b.json", named("beta", ""))
		assert.Same(t, before, f.Set(), "looks once in a second at most")
		time.Sleep(time.Second)
		assert.Equal(t, "two", title(t, f))
		assert.Len(t, f.Set().Definitions(), 2)
		assert.Equal(t, []error{nil}, *told)
		assert.Len(t, before.Definitions(), 1, "a Set does not change")

		delete(d.MapFS, "b.json")
		for range 3 {
			time.Sleep(time.Second)
			f.Set()
		}
		assert.Len(t, f.Set().Definitions(), 1)
	})
}

// A wrong file takes no service away, and the program is told once.
func TestWrongFileKeepsTheLastGoodDefinitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, told := opened(t)
		good := f.Set()
		d.write("a.json", named("acme", `"titel": "two",`))
		for range 30 {
			time.Sleep(time.Second)
			assert.Same(t, good, f.Set())
		}
		require.Len(t, *told, 1)
		assert.ErrorContains(t, (*told)[0], "a.json:1:38: titel: is no member here")
		assert.Equal(t, (*told)[0], f.Err())
		assert.Equal(t, f.Err(), f.Reload())

		d.MapFS = fstest.MapFS{} // as when a disk is gone
		time.Sleep(time.Second)
		f.Set()
		time.Sleep(time.Second)
		assert.Same(t, good, f.Set())
		assert.EqualError(t, f.Err(), "*.json: no file matches the pattern")

		d.write("a.json", named("acme", `"title": "three",`))
		time.Sleep(time.Second)
		assert.Equal(t, "three", title(t, f))
		assert.NoError(t, f.Err())
		assert.Len(t, *told, 3)
		assert.NoError(t, (*told)[2])
	})
}

// A file that is being written is not read, and neither is a folder from which an editor
// has taken a file to put another in its place.
func TestFilesThatAreBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, told := opened(t)
		text := named("acme", `"title": "two",`)
		for length := range len(text) {
			d.write("a.json", text[:length])
			time.Sleep(400 * time.Millisecond)
			require.Equal(t, "one", title(t, f))
		}
		d.write("a.json", text)
		assert.Empty(t, *told)
		time.Sleep(time.Second)
		assert.Equal(t, "two", title(t, f))

		delete(d.MapFS, "a.json")
		time.Sleep(time.Second)
		assert.Equal(t, "two", title(t, f))
		d.write("a.json", text)
		time.Sleep(time.Second)
		assert.Equal(t, "two", title(t, f))
		assert.Equal(t, []error{nil}, *told)
	})
}

// Tools that copy files keep times, and a time may be ahead.
func TestChangeThatTimesDoNotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, _ := opened(t)
		d.MapFS["a.json"].Data = []byte(named("acme", `"title": "two",`))
		time.Sleep(10 * time.Second)
		assert.Equal(t, "two", title(t, f))

		d.MapFS["a.json"] = &fstest.MapFile{Data: []byte(named("acme", `"title": "x",`)), ModTime: time.Now().Add(time.Hour)}
		for range 3 {
			time.Sleep(time.Second)
			f.Set()
		}
		assert.Equal(t, "x", title(t, f))
	})
}

func TestUnchangedFilesAreRarelyRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, told := opened(t)
		set := f.Set()
		d.reads, d.looks = 0, 0
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			assert.Same(t, set, f.Set())
		}
		assert.LessOrEqual(t, d.reads, 6, "in a minute")
		assert.LessOrEqual(t, d.looks, 66, "once in a second")
		assert.GreaterOrEqual(t, d.looks, 50, "once in a second")
		assert.Empty(t, *told)
	})
}

func TestReloadDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d, told := opened(t)
		d.write("a.json", named("acme", `"title": "two",`))
		require.NoError(t, f.Reload())
		assert.Equal(t, "two", title(t, f))
		d.write("a.json", "{")
		assert.Error(t, f.Reload())
		assert.Equal(t, "two", title(t, f))
		assert.Len(t, *told, 2)
	})
}

func TestFolderThatCannotBeRead(t *testing.T) {
	_, err := definition.NewFolder(definition.FolderConfig{Patterns: []string{"*.json"}})
	assert.EqualError(t, err, "definition: FolderConfig: Files: is missing")
	_, err = definition.NewFolder(definition.FolderConfig{Files: folder(map[string]string{"a.json": "{"}), Patterns: []string{"*.json"}})
	assert.ErrorContains(t, err, "a.json:1:2: the document ends too early")
}

// A real folder, with many goroutines, and an observer that uses the Folder.
func TestFolderOnDiskWhileManyAsk(t *testing.T) {
	dir := t.TempDir()
	write := func(title string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.json"), []byte(named("acme", `"title": "`+title+`",`)), 0o600))
	}
	write("one")
	var f *definition.Folder
	f, err := definition.NewFolder(definition.FolderConfig{Files: os.DirFS(dir), Patterns: []string{"*.json"}, Observe: func(error) {
		if f != nil {
			f.Set()
			f.Err()
		}
	}})
	require.NoError(t, err)
	var many sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		many.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					d, err := f.Set().Lookup("acme")
					if assert.NoError(t, err) {
						assert.Contains(t, []string{"one", "two"}, d.Title)
					}
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	write("two")
	require.NoError(t, f.Reload())
	assert.Equal(t, "two", title(t, f))
	close(stop)
	many.Wait()
}
