package wire

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"
)

// Peek reads up to limit bytes of resp.Body, which must not be nil. Later reads
// of resp.Body still see the whole body, and the error that ended Peek early.
func Peek(resp *http.Response, limit int64) (head []byte, err error) {
	head, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = peeked{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return head, err
}

// peeked is a body with a Reader that repeats what Peek has read.
type peeked struct {
	io.Reader
	io.Closer
}

// failing is a Reader that always fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// PeekWithin reads up to limit bytes of resp.Body, as far as they arrive within
// wait. Later reads of resp.Body still see the whole body. A server may keep a
// body open without sending anything, so nobody must wait for a body that the
// caller may not want.
func PeekWithin(resp *http.Response, limit int, wait time.Duration) []byte {
	if resp.Body == http.NoBody {
		return nil
	}
	b := &slowBody{ReadCloser: resp.Body}
	b.more.L = &b.mu
	resp.Body = b
	done := make(chan struct{})
	go b.fill(limit, done)
	within(wait, done)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop = true
	return bytes.Clone(b.head)
}

// within waits for done, or for the time of wait in short steps. A program on a busy machine may not
// run for longer than wait, and go on after the end of a timer. Then only one step is over, and
// there is time left to read what has arrived.
func within(wait time.Duration, done <-chan struct{}) {
	const steps = 10
	timer := time.NewTimer(wait / steps)
	defer timer.Stop()
	for range steps {
		select {
		case <-done:
			return
		case <-timer.C:
			timer.Reset(wait / steps)
		}
	}
}

// Discard ends a response that nobody will see. Discard reads a short body, as far
// as the body has arrived, so the connection can be used again. A body that
// net/http decompresses is not read: net/http cannot close such a body while the
// first bytes are awaited.
func Discard(resp *http.Response) {
	if resp.StatusCode != http.StatusSwitchingProtocols && !resp.Uncompressed { // no body follows 101
		PeekWithin(resp, 4<<10, 50*time.Millisecond)
	}
	resp.Body.Close()
}

// slowBody is a body of which a goroutine reads the beginning.
type slowBody struct {
	io.ReadCloser
	mu   sync.Mutex
	more sync.Cond // head or over has changed
	head []byte    // was read, and not yet returned by Read
	stop bool      // the goroutine is to end after its present read
	over bool      // the goroutine has ended
	err  error     // of the goroutine's last read
}

// fill reads up to limit bytes into head.
func (b *slowBody) fill(limit int, done chan<- struct{}) {
	defer close(done)
	chunk := make([]byte, min(limit, 4<<10))
	for total := 0; ; {
		n, err := b.ReadCloser.Read(chunk[:min(limit-total, len(chunk))])
		total += n
		b.mu.Lock()
		b.head, b.err = append(b.head, chunk[:n]...), err
		b.over = err != nil || b.stop || total == limit
		over := b.over
		b.more.Broadcast()
		b.mu.Unlock()
		if over {
			return
		}
	}
}

// Read returns what the goroutine has read before anything else.
func (b *slowBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	for len(b.head) == 0 && !b.over {
		b.more.Wait()
	}
	n := copy(p, b.head)
	b.head = b.head[n:]
	err := b.err
	b.mu.Unlock()
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	if err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

// closeWait is how long Close waits for a body that is being read.
const closeWait = 50 * time.Millisecond

// Close closes the body. Close of net/http's own gzip bodies waits for the header of
// gzip while somebody reads, and nobody must wait for a body that nobody wants: then
// the body is closed later.
func (b *slowBody) Close() error {
	b.mu.Lock()
	over := b.over
	b.mu.Unlock()
	if over {
		return b.ReadCloser.Close()
	}
	closed := make(chan error, 1)
	go func() { closed <- b.ReadCloser.Close() }()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case err := <-closed:
		return err
	case <-timer.C:
		return nil
	}
}
