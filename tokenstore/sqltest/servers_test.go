package sqltest

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/connectorauth/connectorauth/internal/replicas"
	"time"

	"github.com/stretchr/testify/require"
)

// A server is a database server that the tests start when first needed, unless
// the environment names one.
type server struct {
	name, variable, driver, account string
	crash                           syscall.Signal // ends it without a checkpoint
	start                           func(dir, port string) (dsn string, prepare, run []string, err error)

	once  sync.Once
	cmd   *exec.Cmd
	dir   string
	found string // the DSN
	err   error
}

var (
	postgresServer = &server{name: "PostgreSQL", variable: "CONNECTORAUTH_TEST_POSTGRES", driver: "pgx", account: "postgres", crash: syscall.SIGQUIT, start: startPostgres}
	mysqlServer    = &server{name: "MySQL", variable: "CONNECTORAUTH_TEST_MYSQL", driver: "mysql", account: "mysql", crash: syscall.SIGKILL, start: startMariaDB}
)

func startPostgres(dir, port string) (dsn string, prepare, run []string, err error) {
	bin := ""
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); len(found) > 0 {
		bin = slices.Max(found) + "/"
	}
	data := filepath.Join(dir, "data")
	return "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable",
		[]string{bin + "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"},
		[]string{bin + "postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir},
		nil
}

func startMariaDB(dir, port string) (dsn string, prepare, run []string, err error) {
	data, setup := filepath.Join(dir, "data"), filepath.Join(dir, "setup.sql")
	err = os.WriteFile(setup, []byte("CREATE DATABASE IF NOT EXISTS test;\nCREATE USER IF NOT EXISTS test IDENTIFIED BY 'test';\nGRANT ALL ON *.* TO test WITH GRANT OPTION;\n"), 0o644)
	return "test:test@tcp(127.0.0.1:" + port + ")/test",
		[]string{"mariadb-install-db", "--no-defaults", "--datadir=" + data, "--skip-test-db"},
		[]string{"mariadbd", "--no-defaults", "--datadir=" + data, "--bind-address=127.0.0.1", "--port=" + port,
			"--socket=" + filepath.Join(dir, "socket"), "--init-file=" + setup},
		err
}

// dsn returns how to connect to the server; without one the test is skipped.
func (s *server) dsn(t testing.TB) string {
	t.Helper()
	if dsn := os.Getenv(s.variable); dsn != "" {
		return dsn
	}
	s.once.Do(func() { s.found, s.err = s.startNow() })
	if s.err != nil {
		missing(t, s.name+" (install it, or set "+s.variable+")", s.err)
	}
	return s.found
}

func (s *server) startNow() (dsn string, err error) {
	if runtime.GOOS == "windows" {
		return "", errors.New("the tests do not start it on Windows")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	free.Close()
	_, port, _ := net.SplitHostPort(free.Addr().String())
	if s.dir, err = os.MkdirTemp("", "sqltest"); err != nil {
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

// run starts the server and waits until it answers.
func (s *server) run(dsn string, args []string) error {
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
	for range 600 {
		if err = db.Ping(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, _ := os.ReadFile(log.Name())
	return fmt.Errorf("%s does not answer: %w\n%s", args[0], err, said)
}

// crashAndRestart does so with a server that the tests started.
func (s *server) crashAndRestart(t *testing.T) {
	t.Helper()
	if s.cmd == nil {
		t.Skip("the server is not ours")
	}
	require.NoError(t, s.cmd.Process.Signal(s.crash))
	s.cmd.Wait()
	require.NoError(t, s.run(s.found, s.cmd.Args))
}

// lookPath also looks where Debian keeps servers.
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

// stop ends the server, if the tests started it.
func (s *server) stop() {
	if s.cmd != nil {
		s.cmd.Process.Signal(os.Interrupt) // both write nothing more that matters
		ended := make(chan struct{})
		go func() { s.cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			s.cmd.Process.Kill()
			<-ended
		}
	}
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}

func TestMain(m *testing.M) {
	replicas.Main(openReplica)
	if name := os.Getenv("SQLTEST_CHILD"); name != "" {
		runChild(name)
		return
	}
	code := m.Run()
	postgresServer.stop()
	mysqlServer.stop()
	os.Exit(code)
}
