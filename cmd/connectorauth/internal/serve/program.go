package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// A Program is a program that runs while a Server serves.
type Program struct {
	Args           []string // the name, or the path, and the arguments; at least the name
	Stdin          io.Reader
	Stdout, Stderr io.Writer // all three as in exec.Cmd
	// Ended is called once, when the program has ended or could not be started, and before
	// requests that are left have Config.Grace to end. Nil means nothing is called.
	Ended func()
}

// Run serves while a program runs, which has Env in its environment beside that of this
// process. code is the exit code of the program, or 128 and the number of the signal that
// ended the program. If ctx ends, the program gets SIGTERM, and is killed after Config.Grace.
//
// SIGINT, SIGTERM and SIGHUP of this process are for the program. The first two go on to the
// program, and the third kills the program. A key such as Ctrl+C is a signal for all processes
// in the foreground of a terminal, and is not sent to the program a second time. After the end
// of the program, a signal does what the signal did before Run.
//
// Processes that the program leaves behind run on, without the Server.
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
	err = wait(command)
	if p.Ended != nil {
		p.Ended()
	}
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

// wait starts a program, passes signals on to the program, and waits for its end. Afterwards a
// signal does what the signal did before.
func wait(command *exec.Cmd) error {
	signals := make(chan os.Signal, 3)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // as nohup does
			signal.Notify(signals, sig)
		}
	}
	defer signal.Stop(signals)
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	go forward(command.Process, signals, ended)
	return command.Wait()
}

// forward passes signals on to a program until the program has ended. A signal that comes too
// late for the program is of no interest.
func forward(program *os.Process, signals <-chan os.Signal, ended <-chan struct{}) {
	for count := 1; ; count++ {
		select {
		case <-ended:
			return
		case sig := <-signals:
			switch {
			case count > 2:
				program.Kill()
			case !reached(sig):
				program.Signal(sig)
			}
		}
	}
}
