package sqltest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/dbserver"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func openReplica(encoded string, lease time.Duration) (tokenstore.SharedStore, error) {
	return openEncoded(encoded, lease)
}

func TestReplicas(t *testing.T) {
	for _, e := range []engine{sqliteWAL, postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			s := replicas.Store{Name: e.name, Open: openReplica, New: func(t *testing.T) replicas.Site {
				return replicas.Site{Place: newPlace(t, e).encode()}
			}}
			if e.kind == tokenstore.SQLite {
				s.In = inDirectory
			} else {
				e.dsn(t) // starts the server
				s.Cut, s.Restart = e.cut, e.restart
			}
			t.Parallel()
			replicas.Test(t, s)
		})
	}
}

// inDirectory is a SQLite database without WAL, which needs a new file for each
// change.
func inDirectory(_ *testing.T, dir string) replicas.Site {
	p := place{Driver: sqlite.driver, Engine: sqlite.kind, DSN: "file:" + filepath.Join(dir, "tokens.db"), Table: "tokens"}
	return replicas.Site{Place: p.encode()}
}

func (e engine) cut(t *testing.T) replicas.Site {
	p, cut := newPlace(t, e).proxied(t)
	return replicas.Site{Place: p.encode(), Disturb: func(time.Duration) { cut() }}
}

// restart is a store on a server of its own.
func (e engine) restart(t *testing.T) replicas.Site {
	s := dbserver.NewPostgres("")
	if e.kind == tokenstore.MySQL {
		s = dbserver.NewMySQL("")
	}
	p := place{Driver: e.driver, Engine: e.kind, DSN: s.DSN(t), Table: "tokens"}
	t.Cleanup(s.Stop)
	return replicas.Site{Place: p.encode(), Disturb: func(down time.Duration) { s.CrashFor(t, down) }}
}
