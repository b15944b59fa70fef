package consent

import (
	"crypto/subtle"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"runtime"
)

// openBrowser shows a web address in the system's browser, without a shell.
func openBrowser(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" { // neither a file nor an option
		return errors.New("consent: not a web address")
	}
	name, args, err := browserCommand(runtime.GOOS, os.Getenv)
	if err != nil {
		return err
	}
	cmd := exec.Command(name, append(args, address)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait() // some browsers stay in the foreground: nobody waits for them
	return nil
}

// browserCommand returns what opens the browser on a system, but for the address.
func browserCommand(system string, env func(string) string) (name string, args []string, err error) {
	switch system {
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}, nil
	case "darwin":
		return "open", nil, nil
	}
	if env("DISPLAY") == "" && env("WAYLAND_DISPLAY") == "" { // a text browser would take the terminal
		return "", nil, errors.New("consent: there is no display")
	}
	return "xdg-open", nil, nil
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
