package pages

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
)

const (
	offerTime = time.Minute // for which a search trusts an answer of the Registry
	maxOffers = 50_000      // answers in memory
	maxFaults = 3           // of Connection, after which a request asks no further
)

// An offer is a method by which an owner wants to connect an account.
type offer struct {
	owner  string
	method *definition.Method
}

// offers remember for which methods the program is ready: a search may look at hundreds of
// methods, and Connection of the program may ask a database about each.
type offers struct {
	mu    sync.Mutex
	known map[offer]answer
	swept time.Time // when the answers that count no more went the last time
}

// An answer says for some time whether the program is ready.
type answer struct {
	ready bool
	until time.Time
}

// get returns an answer that still counts.
func (o *offers) get(of offer) (ready, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.known[of]
	return a.ready, time.Now().Before(a.until)
}

// put keeps an answer. Answers that count no more go once in offerTime, so that no method of former
// definitions stays for long, and when the memory is full. If more than half of a full memory
// counts, all goes: or else nearly every call would look for the few others.
func (o *offers) put(of offer, ready bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	full := len(o.known) >= maxOffers
	if full || now.Sub(o.swept) >= offerTime {
		maps.DeleteFunc(o.known, func(_ offer, a answer) bool { return !now.Before(a.until) })
		o.swept = now
	}
	if o.known == nil || full && len(o.known) > maxOffers/2 {
		o.known = map[offer]answer{}
	}
	o.known[of] = answer{ready, now.Add(offerTime)}
}

// ready returns what keeps the program from connecting an account by a method. A database that is
// down may take seconds to say so: after maxFaults faults, the answer is the first fault.
func (x *exchange) ready(a accounts.Account, m *definition.Method) error {
	if len(x.faults) >= maxFaults {
		return x.faults[0]
	}
	a.Method = m.Name
	err := x.registry.Ready(x.r.Context(), a)
	if err != nil && !isLack(err) {
		x.faults = append(x.faults, err)
	}
	return err
}

// needsNothing reports whether a method needs nothing of the program. A method with an Issuer
// does not count, because the Registry alone knows the Finder.
func needsNothing(d *definition.Definition, m *definition.Method) bool {
	return d.Ready(nil, definition.Connection{Method: m.Name}) == nil
}

// isLack reports whether the program lacks something for a method, as many programs do on
// purpose. Any other error is a fault.
func isLack(err error) bool { return errors.As(err, new(*definition.NotReadyError)) }

// newAccount is an account of the owner that is not there yet.
func (x *exchange) newAccount(d *definition.Definition) accounts.Account {
	return accounts.Account{Owner: x.owner, Definition: d.Name}
}

// offered returns the methods of a service that a search offers. A method about which nobody
// can say anything now is offered if the method needs nothing of the program.
func (x *exchange) offered(d *definition.Definition) (methods []*definition.Method) {
	for i := range d.Methods {
		of := offer{x.owner, &d.Methods[i]}
		ready, known := x.offers.get(of)
		if !known {
			err := x.ready(x.newAccount(d), of.method)
			ready = err == nil
			if ready || isLack(err) {
				x.offers.put(of, ready)
			} else {
				ready = needsNothing(d, of.method)
			}
		}
		if ready {
			methods = append(methods, of.method)
		}
	}
	return methods
}

// choose returns the method of the form for an account, and all methods that the form offers. An
// empty name means the method own, or another one if the program is not ready for own. An empty
// own means the default method, or the first.
//
// While Connection fails, the form has the method that was asked for all the same: the outage may
// be over when the form is sent, and a form that was sent comes again with what was typed.
func (x *exchange) choose(d *definition.Definition, a accounts.Account, name, own string) (m *definition.Method, offered []*definition.Method, err error) {
	var before *definition.Method // of the account; nil also if the method is gone
	if own != "" && name == "" {
		before = methodOf(d, own)
	}
	if m = methodOf(d, name); before != nil {
		m = before
	}
	if m == nil {
		return nil, nil, errMethod
	}
	wanted := name != "" || before != nil
	var lacks, faults []error
	for i := range d.Methods {
		each := &d.Methods[i]
		err := x.ready(a, each)
		if ended := x.r.Context().Err(); ended != nil {
			return nil, nil, ended
		}
		switch {
		case err == nil:
			offered = append(offered, each)
		case !isLack(err):
			if each == m && wanted || needsNothing(d, each) {
				offered = append(offered, each)
			}
		case each == m && name != "":
			return nil, nil, err
		case each == before:
			faults = append(faults, err)
		default:
			lacks = append(lacks, err)
		}
	}
	faults = append(faults, x.faults...)
	if len(offered) == 0 {
		return nil, nil, errors.Join(append(faults, lacks...)...)
	}
	if len(faults) > 0 {
		x.config.Failed(x.r, errors.Join(faults...))
	}
	if !slices.Contains(offered, m) {
		m = offered[max(0, slices.IndexFunc(offered, func(m *definition.Method) bool { return m.Default }))]
	}
	return m, offered, nil
}
