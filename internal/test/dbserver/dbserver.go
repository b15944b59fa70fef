// Package dbserver starts database servers for tests.
package dbserver

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/stores"
)

// A Server is a database server. The tests start the server when a test first
// needs the server, unless the environment names a running server.
type Server struct {
	name, variable, driver, account string
	crash                           syscall.Signal // ends the server without a checkpoint
	start                           func(dir, port string) (dsn string, prepare, run []string, err error)

	once  sync.Once
	cmd   *exec.Cmd
	dir   string
	found string // the DSN
	err   error
}

// NewPostgres returns a server that does not run so far. variable names the environment
// variable with the data source name of a running server; empty means that there is none.
// The program has the driver pgx.
func NewPostgres(variable string) *Server {
	return &Server{name: "PostgreSQL", variable: variable, driver: "pgx", account: "postgres", crash: syscall.SIGQUIT, start: startPostgres}
}

// NewMySQL is NewPostgres for MySQL, with the driver mysql.
func NewMySQL(variable string) *Server {
	return &Server{name: "MySQL", variable: variable, driver: "mysql", account: "mysql", crash: syscall.SIGKILL, start: startMariaDB}
}

func startPostgres(dir, port string) (dsn string, prepare, run []string, err error) {
	bin := ""
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); len(found) > 0 {
		bin = slices.Max(found) + "/"
	}
	data := filepath.Join(dir, "data")
	return "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable",
		[]string{bin + "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"},
		[]string{bin + "postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir, "-N", "1000"},
		nil
}

func startMariaDB(dir, port string) (dsn string, prepare, run []string, err error) {
	data, setup := filepath.Join(dir, "data"), filepath.Join(dir, "setup.sql")
	// A server that starts removes the temporary tables of all others in its
	// folder for temporary files.
	tmpdir := "--tmpdir=" + dir
	err = os.WriteFile(setup, []byte("CREATE DATABASE IF NOT EXISTS test;\nCREATE USER IF NOT EXISTS test IDENTIFIED BY 'test';\nGRANT ALL ON *.* TO test WITH GRANT OPTION;\n"), 0o644)
	return "test:test@tcp(127.0.0.1:" + port + ")/test",
		[]string{"mariadb-install-db", "--no-defaults", "--datadir=" + data, tmpdir, "--skip-test-db"},
		[]string{"mariadbd", "--no-defaults", "--datadir=" + data, tmpdir, "--bind-address=127.0.0.1", "--port=" + port, "--max-connections=1000",
			"--socket=" + filepath.Join(dir, "socket"), "--init-file=" + setup},
		err
}

// DSN returns the data source name of the server. Without a server the test is
// skipped.
func (s *Server) DSN(t testing.TB) string {
	t.Helper()
	if dsn := os.Getenv(s.variable); s.variable != "" && dsn != "" {
		return dsn
	}
	s.once.Do(func() { s.found, s.err = s.startNow() })
	if s.err != nil {
		stores.Missing(t, s.name, "install the server, or set "+s.variable, s.err)
	}
	return s.found
}

func (s *Server) startNow() (dsn string, err error) {
	if runtime.GOOS == "windows" {
		return "", errors.New("the tests do not start servers on Windows")
	}
	port, err := stores.FreePort()
	if err != nil {
		return "", err
	}
	if s.dir, err = os.MkdirTemp("", "dbserver"); err != nil {
		return "", err
	}
	dsn, prepare, run, err := s.start(s.dir, port)
	if err != nil {
		return "", err
	}
	for _, args := range [][]string{prepare, run} {
		if args[0], err = lookPath(args[0]); err != nil {
			return "", err
		}
	}
	command := exec.Command(prepare[0], prepare[1:]...)
	if err := runAs(command, s.account, s.dir); err != nil {
		return "", err
	}
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", prepare[0], err, out)
	}
	return dsn, s.run(dsn, run)
}

// run starts the server and waits until the server accepts connections.
func (s *Server) run(dsn string, args []string) error {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := runAs(s.cmd, s.account, s.dir); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	db, err := sql.Open(s.driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	for range 1800 {
		if err = db.Ping(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, _ := os.ReadFile(log.Name())
	return fmt.Errorf("%s does not accept connections: %w\n%s", args[0], err, said)
}

// CrashAndRestart crashes the server and starts the server again. If the tests
// have not started the server, the test is skipped.
func (s *Server) CrashAndRestart(t *testing.T) {
	t.Helper()
	if s.cmd == nil {
		t.Skip("the tests have not started this server")
	}
	s.CrashFor(t, 0)
}

// CrashFor crashes the server, which the tests have started, and starts the server
// again after the time given.
func (s *Server) CrashFor(t *testing.T, down time.Duration) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(s.crash))
	s.cmd.Wait()
	time.Sleep(down)
	require.NoError(t, s.run(s.found, s.cmd.Args))
}

// lookPath finds a program in the PATH, or in the folder where Debian keeps
// servers.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if _, statErr := os.Stat("/usr/sbin/" + name); !errors.Is(statErr, fs.ErrNotExist) {
		return "/usr/sbin/" + name, nil
	}
	return "", err
}

// PID returns the process of a server that the tests have started, or 0.
func (s *Server) PID() int {
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Stop ends the server if the tests have started the server.
func (s *Server) Stop() {
	if s.cmd != nil {
		s.cmd.Process.Signal(os.Interrupt) // ends both kinds of server quickly
		ended := make(chan struct{})
		go func() { s.cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			s.cmd.Process.Kill()
			<-ended
		}
	}
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}
