package consent

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// openBrowser opens a web address in the system's default browser, without a
// shell. openBrowser does not wait for the browser.
func openBrowser(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" { // the command must not get a file name or an option
		return errors.New("consent: the authorization URL is not a web address")
	}
	name, args, err := browserCommand(runtime.GOOS, os.Getenv)
	if err != nil {
		return err
	}
	cmd := exec.Command(name, append(args, address)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // some browsers do not return until they are closed
	return nil
}

// openTime is how long open may take to fail. The person waits as long for the
// printed address.
const openTime = time.Second

// opens calls open in a goroutine, and reports whether open has opened a browser, or
// may still do so.
func opens(ctx context.Context, open func(url string) error, address string) bool {
	opened := make(chan bool, 1)
	go func() {
		ok := false
		defer func() {
			recover() // of the program's open: the person can open the address
			opened <- ok
		}()
		ok = open(address) == nil
	}()
	select {
	case ok := <-opened:
		return ok
	case <-time.After(openTime):
	case <-ctx.Done():
	}
	return true
}

// browserCommand returns the command that opens an address in the browser of a
// system, a GOOS. The address is the last argument, and is left out here.
func browserCommand(system string, env func(string) string) (name string, args []string, err error) {
	switch system {
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}, nil
	case "darwin":
		return "open", nil, nil
	}
	if env("DISPLAY") == "" && env("WAYLAND_DISPLAY") == "" { // a text browser would take over the terminal
		return "", nil, errors.New("consent: there is no display")
	}
	return "xdg-open", nil, nil
}
