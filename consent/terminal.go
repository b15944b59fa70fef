package consent

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// pasteQuiet is how long no line comes after what a person has pasted. A code that is
// wrapped must not be sent before its last line has come.
const pasteQuiet = time.Second

// maxPasted is the maximum length of what a person pastes, in bytes.
const maxPasted = 4 * maxCallback

// ask tells the person what to paste.
func (l *loopback) ask() {
	if l.host != "" {
		fmt.Fprintln(l.out, "If your browser is on another machine, copy the last address in the browser and paste it here:")
		return
	}
	if l.alone == nil {
		fmt.Fprintln(l.out, "Then copy the last address in the browser and paste it here. A code alone is not enough:")
		return
	}
	fmt.Fprintln(l.out, "Then copy the code, or the last address in the browser, and paste it here:")
}

// takePasted finishes the consent with what the person has pasted, if the text has a
// callback of this consent. over is as for take.
func (l *loopback) takePasted(text string) (failed *Error, over bool) {
	var refusal *Error
	for _, query := range callbacksIn(text) {
		failed, over := l.take(query, true)
		if over {
			return failed, true
		}
		if failed.isUnbound() {
			refusal = failed
		}
	}
	if code := codeIn(text); code != "" && l.alone != nil {
		return l.take(l.alone(code), true)
	}
	if refusal != nil {
		return refusal, l.giveUp()
	}
	switch {
	case strings.TrimSpace(text) == "":
	case l.host != "":
		fmt.Fprintf(l.out, "This is not the right address. The right address begins with %s?\n", l.redirect)
	case l.alone == nil:
		fmt.Fprintln(l.out, "This is not an address of this sign-in. Paste the whole address: the code alone is not enough.")
	default:
		fmt.Fprintln(l.out, "This is not a code or an address of this sign-in. Try again:")
	}
	return nil, false
}

// readLines reads the lines of in. The function end stops the reading.
func readLines(in io.Reader) (lines <-chan string, end func()) {
	read, stop, done := make(chan string), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer close(read)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxPasted)
		for scanner.Scan() {
			select {
			case read <- scanner.Text():
			case <-stop:
				return
			}
		}
	}()
	return read, func() {
		close(stop)
		file, ok := in.(interface{ SetReadDeadline(time.Time) error })
		if ok && file.SetReadDeadline(time.Now()) == nil {
			<-done
			file.SetReadDeadline(time.Time{})
		}
	}
}
