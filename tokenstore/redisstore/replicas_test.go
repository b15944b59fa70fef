package redisstore_test

import (
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/connectorauth/connectorauth/internal/test/proxy"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/redisstore"
)

// A replicaPlace says where the replicas of a cell find their store.
type replicaPlace struct{ Address, Prefix string }

func (p replicaPlace) site() replicas.Site {
	encoded, _ := json.Marshal(p)
	return replicas.Site{Place: string(encoded)}
}

func openReplica(place string, lease time.Duration) (tokenstore.SharedStore, error) {
	var p replicaPlace
	if err := json.Unmarshal([]byte(place), &p); err != nil {
		return nil, err
	}
	client := redis.NewClient(&redis.Options{Addr: p.Address, ContextTimeoutEnabled: true})
	return redisstore.New(redisstore.Config{Client: client, Prefix: p.Prefix, Lease: lease})
}

func TestReplicas(t *testing.T) {
	address := address(t)
	replicas.Test(t, replicas.Store{
		Name: "Redis", Open: openReplica,
		New: func(*testing.T) replicas.Site {
			return replicaPlace{address, rand.Text() + ":"}.site()
		},
		Cut: func(t *testing.T) replicas.Site {
			through, cut := proxy.Start(t, address)
			site := replicaPlace{through, rand.Text() + ":"}.site()
			site.Disturb = func(time.Duration) { cut() }
			return site
		},
		Restart: func(t *testing.T) replicas.Site {
			s := newDurable(t)
			site := replicaPlace{Address: s.address}.site()
			site.Disturb = func(down time.Duration) { s.crash(t, down) }
			return site
		},
	})
}

// A program that has saved a token and never unlocks holds nobody up.
func TestCrowdBehindAnAbandonedLock(t *testing.T) {
	address := address(t)
	replicas.Crowd{Connectors: 100, Programs: 10, Renewal: time.Second, Vanish: true, Within: 300 * time.Millisecond}.Run(t, replicas.Store{
		Name: "Redis", Open: openReplica,
		New: func(*testing.T) replicas.Site { return replicaPlace{address, rand.Text() + ":"}.site() },
	})
}
