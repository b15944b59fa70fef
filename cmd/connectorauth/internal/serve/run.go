package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/connectorauth/connectorauth/internal/ports"
)

// Listen listens on 127.0.0.1, and with six on [::1] too, both at the same port. Port 0 means
// a free one.
func Listen(ctx context.Context, port int, six bool) (listeners []net.Listener, err error) {
	for range 10 { // the free port of one address may be taken at the other
		if listeners, err = listen(ctx, port, six); port != 0 || !ports.Taken(err) {
			break
		}
	}
	return listeners, advised(err, port, six)
}

// advised adds to an error of listen what a person can do.
func advised(err error, port int, six bool) error {
	switch {
	case !ports.Taken(err):
		return err
	case port != 0:
		return fmt.Errorf("port %d is taken by another program: name another port, or none for a free one: %w", port, err)
	case six:
		return fmt.Errorf("no port is free at both addresses: try again, or listen on 127.0.0.1 alone: %w", err)
	}
	return fmt.Errorf("no port of 127.0.0.1 is free: end other programs, or try again later: %w", err)
}

// listen is Listen for one attempt.
func listen(ctx context.Context, port int, six bool) ([]net.Listener, error) {
	var config net.ListenConfig
	four, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	if !six {
		return []net.Listener{four}, nil
	}
	taken := four.Addr().(*net.TCPAddr).Port
	l, err := config.Listen(ctx, "tcp6", net.JoinHostPort("::1", strconv.Itoa(taken)))
	if err != nil {
		return nil, errors.Join(err, four.Close())
	}
	return []net.Listener{four, l}, nil
}

// Serve serves until ctx ends, and closes the listeners. Requests then have Config.Grace to
// end; those left are broken off, and so are WebSockets. Serve returns nil after the end of
// ctx. Serve can be called once. The caller shuts the Registry down afterwards.
func (s *Server) Serve(ctx context.Context) error {
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := &http.Server{
		Handler: s, DisableGeneralOptionsHandler: true, BaseContext: func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: s.errorLog,
	}
	ended := make(chan error, len(s.config.Listeners))
	for _, l := range s.config.Listeners {
		go func() { ended <- server.Serve(l) }()
	}
	left, err := len(s.config.Listeners), error(nil)
	select {
	case <-ctx.Done():
	case err = <-ended:
		left--
	}
	ending, cancel := context.WithTimeout(requests, s.config.Grace)
	defer cancel()
	if server.Shutdown(ending) != nil {
		server.Close()
	}
	abort() // what is left, and the WebSockets, of which Shutdown knows nothing
	for range left {
		<-ended
	}
	s.running.Wait()
	return err
}

// Env returns CONNECTORAUTH_URL and CONNECTORAUTH_TOKEN, as in exec.Cmd.Env, for programs.
// The second is a secret.
func (s *Server) Env() []string {
	return []string{"CONNECTORAUTH_URL=" + s.url, "CONNECTORAUTH_TOKEN=" + s.token()}
}

// WriteEnv writes Env to a file, with the word export in front of each line, for a shell to
// read. The file has mode 0600 from the first byte on, and takes the place of an older file
// or link of the name. The caller calls RemoveEnv at the end of the run.
func (s *Server) WriteEnv(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".connectorauth-*")
	if err != nil {
		return fmt.Errorf("serve: WriteEnv: %w", err)
	}
	_, err = io.WriteString(file, s.exports())
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("serve: WriteEnv: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// RemoveEnv removes the file of WriteEnv. A file that another run has put in its place stays: a
// second run with the name may have begun before the first has ended.
func (s *Server) RemoveEnv(path string) error {
	info, err := os.Lstat(path)
	if err == nil && info.Mode().IsRegular() { // opening a FIFO would wait for a writer
		var text []byte
		if text, err = os.ReadFile(path); err == nil && equal(string(text), s.exports()) {
			err = os.Remove(path)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("serve: RemoveEnv: %w", err)
	}
	return nil
}

// exports returns Env as lines for a shell.
func (s *Server) exports() (lines string) {
	for _, line := range s.Env() {
		lines += "export " + line + "\n"
	}
	return lines
}
