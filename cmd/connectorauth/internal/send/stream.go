package send

import (
	"context"
	"io"
	"sync"
)

// A stream is a body whose Read ends with the context or with Close. A Read of a pipe, of a terminal
// or of a FIFO ends when somebody writes, and a request waits for the Read of its body.
type stream struct {
	*io.PipeReader
	begin func() // reads, in a goroutine that nobody waits for
	stop  func() bool
}

// newStream returns in as a body. Nothing is read before the first Read.
func newStream(ctx context.Context, in io.Reader) *stream {
	r, w := io.Pipe()
	return &stream{
		PipeReader: r,
		begin: sync.OnceFunc(func() {
			go func() {
				_, err := io.Copy(w, in)
				w.CloseWithError(err)
			}()
		}),
		stop: context.AfterFunc(ctx, func() { w.CloseWithError(context.Cause(ctx)) }),
	}
}

// Read reads a part of the body.
func (s *stream) Read(p []byte) (int, error) {
	s.begin()
	return s.PipeReader.Read(p)
}

// Close ends a Read.
func (s *stream) Close() error {
	s.stop()
	return s.PipeReader.Close()
}
