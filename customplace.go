package connectorauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/inject"
)

// errNoValue is why a credential cannot be sent.
var errNoValue = errors.New("is empty")

// customPlace is a CustomPlace without mistakes.
type customPlace struct {
	CustomPlace
	place  inject.Place
	prefix string
}

// placesOfCustom returns places, and lists what is wrong.
func placesOfCustom(problems *check.List, list []CustomPlace) (placed []customPlace) {
	var taken []string
	headers := 0
	for i, p := range list {
		name := fmt.Sprintf("Places[%d]", i)
		place, prefix, err := check.TokenPlace(p.Placement)
		problems.Field(name, err)
		if err != nil {
			continue
		}
		if place.Header() != "" {
			headers++
		}
		if p.Exact && headers != 1 {
			problems.Add("%s: Exact: is for the first header alone", name)
		}
		if slices.Contains(taken, place.String()) {
			problems.Add("%s: is the %v, where another value goes", name, place)
		}
		taken = append(taken, place.String())
		placed = append(placed, customPlace{p, place, prefix})
	}
	return placed
}

func (s *customScheme) places() places {
	p := places{stage: stagePlace}
	if s.config.Authenticate != nil {
		p.stage = stageCustom
	}
	if s.config.Signs {
		p.stage = stageLast
	}
	for _, c := range s.placed {
		switch of := placesOf(c.place); {
		case of.header != "" && p.header == "":
			p.header = of.header
		default:
			p.others, p.alter = append(p.others, of.all()...), p.alter || of.alter
		}
	}
	if s.config.Header != "" {
		p.others = append(p.others, "header "+http.CanonicalHeaderKey(s.config.Header))
	}
	if s.config.Transport != nil {
		p.others = append(p.others, "connection")
	}
	return p
}

// values returns the values of the places, without their prefixes.
func (s *customScheme) values(ctx context.Context, c CustomCredential) (values []string, err error) {
	for _, p := range s.placed {
		value := c.Value
		if p.Value != nil {
			if err := foreign("the Value of a place", func() (err error) { value, err = p.Value(ctx, c); return err }); err != nil {
				return nil, withhold(err, c.secrets()...)
			}
		}
		err = p.place.Check(p.prefix + string(value))
		if value == "" {
			err = errNoValue
		}
		if err != nil {
			return nil, fmt.Errorf("connectorauth: the value for the %v %w", p.place, err)
		}
		values = append(values, string(value))
	}
	return values, nil
}

// put puts the values into req. room is for the first value.
func (s *customScheme) put(req *http.Request, values []string, room inject.Room) error {
	first := true // of the headers, which req does not have
	for i, p := range s.placed {
		if name := p.place.Header(); name != "" {
			if !first {
				dropHeader(req.Header, req.Header, name)
			}
			first = false
		}
		if err := p.place.Put(req, p.place.Encode(p.prefix+values[i]), room); err != nil {
			return err
		}
		room = inject.Room{}
	}
	return nil
}
