package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Listen listens on 127.0.0.1, and with six on [::1] too, both at the same port. Port 0 means
// a free one.
func Listen(ctx context.Context, port int, six bool) ([]net.Listener, error) {
	var config net.ListenConfig
	four, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil || !six {
		return []net.Listener{four}, err
	}
	_, taken, err := net.SplitHostPort(four.Addr().String())
	if err == nil {
		var l net.Listener
		if l, err = config.Listen(ctx, "tcp6", net.JoinHostPort("::1", taken)); err == nil {
			return []net.Listener{four, l}, nil
		}
	}
	return nil, errors.Join(err, four.Close())
}

// Serve serves until ctx ends, and closes the listeners. Requests then have Config.Grace to
// end; those left are broken off, and so are WebSockets. Serve returns nil after the end of
// ctx. Serve can be called once. The caller shuts the Registry down afterwards.
func (s *Server) Serve(ctx context.Context) error {
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := &http.Server{
		Handler: s, BaseContext: func(net.Listener) context.Context { return requests },
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
// or link of the name. The caller removes the file at the end of the run.
func (s *Server) WriteEnv(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".connectorauth-*")
	if err != nil {
		return fmt.Errorf("serve: WriteEnv: %w", err)
	}
	for _, line := range s.Env() {
		if _, err = io.WriteString(file, "export "+line+"\n"); err != nil {
			break
		}
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("serve: WriteEnv: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// A Program is a program that runs while a Server serves.
type Program struct {
	Args           []string // the name, or the path, and the arguments; at least the name
	Stdin          io.Reader
	Stdout, Stderr io.Writer // all three as in exec.Cmd
}

// Run serves while a program runs, which has Env in its environment beside that of this
// process. code is the exit code of the program, or 128 and the number of the signal that
// ended the program. If ctx ends, the program gets SIGTERM, and is killed after Config.Grace.
// A person who presses Ctrl+C sends SIGINT to the program too: ctx should not end by that.
func (s *Server) Run(ctx context.Context, p Program) (code int, err error) {
	if len(p.Args) == 0 {
		return 0, errors.New("serve: Run: no program is named")
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	running, kill := context.WithCancel(ctx)
	defer kill()
	served := make(chan error, 1)
	go func() {
		served <- s.Serve(serving)
		kill()
	}()
	command := exec.CommandContext(running, p.Args[0], p.Args[1:]...)
	command.Env = append(os.Environ(), s.Env()...)
	command.Stdin, command.Stdout, command.Stderr = p.Stdin, p.Stdout, p.Stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = s.config.Grace
	err = command.Run()
	stop()
	failed := <-served
	if command.ProcessState == nil {
		return 0, fmt.Errorf("serve: Run: %w", err)
	}
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), failed
	}
	return command.ProcessState.ExitCode(), failed
}
