package definition

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// A FolderConfig configures a [Folder].
type FolderConfig struct {
	// Files is the folder, such as os.DirFS("definitions"). Required.
	Files fs.FS
	// Patterns and Options are as in Load. Patterns is required.
	Patterns []string
	Options  Options
	// Observe is told of each change of the files: nil means that the new definitions are
	// in use, and an error that the old ones stay. Observe is called by the goroutine that
	// called Set or Reload, one call at a time or several. Nil means that nobody is told.
	Observe func(error)
}

// The pace of a Folder.
const (
	lookEvery  = time.Second      // at names, sizes and times
	readEvery  = 10 * time.Second // for a change that leaves size and time as they were
	settleTime = time.Second      // a file that has changed since may be half written
)

// A Folder is a Set whose files may change while the program runs. A Folder has no
// goroutine: Set looks at the files, once in a second at most. A Folder is safe for
// concurrent use.
type Folder struct {
	config FolderConfig
	now    atomic.Pointer[reading]
	began  time.Time
	next   atomic.Int64 // when to look again, in time since began

	mu      sync.Mutex
	stamps  map[string]stamp // of the files that were read
	read    time.Duration    // when, in time since began
	sum     [sha256.Size]byte
	waiting map[string]stamp // of files that have changed, and may change further
	since   time.Duration    // when waiting was seen first, in time since began
}

// reading is what came of reading the files.
type reading struct {
	set *Set  // the last good one
	err error // of the last reading
}

// stamp is what a file system says of a file without reading the file.
type stamp struct {
	size, modified int64 // the time in Unix nanoseconds
}

// NewFolder reads the files. The error is that of [Load].
func NewFolder(config FolderConfig) (*Folder, error) {
	if config.Files == nil {
		return nil, errors.New("definition: FolderConfig: Files: is missing")
	}
	f := &Folder{config: config, began: time.Now()}
	if _, err := f.load(f.look()); err != nil {
		return nil, err
	}
	return f, nil
}

// Set returns the present definitions. Set picks up a change when the files have not
// changed for a second, so a file that is being written is not read. If a file is wrong,
// all files count as unchanged until the file is right: see Err and FolderConfig.Observe.
// A file that is gone for less than a second is not missed.
func (f *Folder) Set() *Set {
	if now := time.Since(f.began); now >= time.Duration(f.next.Load()) && f.mu.TryLock() { // somebody else looks already
		news, err := f.locked(func() (bool, error) { return f.refresh(now) })
		f.tell(news, err)
	}
	return f.now.Load().set
}

// Err returns why the present files are not in use, as Load returns the error. Nil means
// that the files were in use when Set or Reload looked last.
func (f *Folder) Err() error { return f.now.Load().err }

// Reload reads the files now, and does not wait until a change is a second old. The error
// is that of Load; the last good definitions stay in use then.
func (f *Folder) Reload() error {
	f.mu.Lock()
	news, err := f.locked(func() (bool, error) { return f.load(f.look()) })
	f.tell(news, err)
	return err
}

// locked unlocks the Folder after read, also after a panic of a Converter or a Kind.
func (f *Folder) locked(read func() (bool, error)) (news bool, err error) {
	defer f.mu.Unlock()
	return read()
}

func (f *Folder) tell(news bool, err error) {
	if news && f.config.Observe != nil {
		f.config.Observe(err)
	}
}

// refresh looks at the files, and reads them if they have changed.
func (f *Folder) refresh(now time.Duration) (news bool, err error) {
	f.next.Store(int64(now + lookEvery))
	stamps := f.look()
	if maps.Equal(stamps, f.stamps) {
		if f.waiting = nil; now-f.read < readEvery {
			return false, nil
		}
	} else if !f.settled(stamps, now) {
		return false, nil
	}
	return f.load(stamps)
}

// look returns the stamps of the files.
func (f *Folder) look() map[string]stamp {
	stamps := map[string]stamp{}
	l := &loader{files: f.config.Files}
	for _, name := range l.match(f.config.Patterns) {
		if info, err := fs.Stat(f.config.Files, name); err == nil {
			stamps[name] = stamp{info.Size(), info.ModTime().UnixNano()}
		}
	}
	return stamps
}

// settled reports whether the files have not changed for a second: either their times say
// so, or stamps that were seen a second ago. The time of a file that is gone says nothing.
func (f *Folder) settled(stamps map[string]stamp, now time.Duration) bool {
	if f.waiting == nil || !maps.Equal(stamps, f.waiting) {
		f.waiting, f.since = stamps, now
	}
	if now-f.since >= settleTime {
		return true
	}
	for name := range f.stamps {
		if _, there := stamps[name]; !there {
			return false
		}
	}
	for name, s := range stamps {
		if s != f.stamps[name] && time.Since(time.Unix(0, s.modified)) < settleTime {
			return false
		}
	}
	return true
}

// load reads the files whose stamps were seen right before. news reports whether the
// files have other contents than before.
func (f *Folder) load(stamps map[string]stamp) (news bool, err error) {
	now := time.Since(f.began)
	f.stamps, f.waiting, f.read = stamps, nil, now
	f.next.Store(int64(now + lookEvery))
	l := &loader{files: f.config.Files, options: f.config.Options}
	var files []file
	sum := sha256.New()
	for _, name := range l.match(f.config.Patterns) {
		read := l.read(name)
		files = append(files, read)
		fmt.Fprintf(sum, "%q %d %v\n", name, len(read.text), read.err)
		sum.Write(read.text)
	}
	last := f.now.Load()
	before := f.sum
	f.sum = [sha256.Size]byte(sum.Sum(nil))
	if last != nil && f.sum == before {
		return false, last.err
	}
	for _, read := range files {
		l.load(read)
	}
	set, err := l.set()
	if err != nil && last != nil {
		set = last.set
	}
	f.now.Store(&reading{set, err})
	return true, err
}
