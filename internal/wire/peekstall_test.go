package wire_test

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// standing is a body that has arrived, in a program that stands still for a while at the first Read,
// and whose single processor others want at each Read.
type standing struct {
	io.Reader
	still time.Duration
}

func (s *standing) Read(p []byte) (int, error) {
	for began := time.Now(); time.Since(began) < s.still; { // takes the processor
	}
	s.still = 0
	runtime.Gosched()
	return s.Reader.Read(p)
}

// A busy machine may not let a program run for longer than the wait. What has arrived is read all the
// same.
func TestPeekWithinReadsWhatHasArrivedThoughTheProgramStoodStill(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 10 {
		body := &standing{iotest.OneByteReader(strings.NewReader("ok")), 22 * time.Millisecond}
		resp := &http.Response{Body: io.NopCloser(body), ContentLength: -1}
		assert.Equal(t, "ok", string(wire.PeekWithin(resp, 100, 20*time.Millisecond)))
	}
}
