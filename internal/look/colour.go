package look

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

const (
	defaultAccent = "#2b59c3"
	lightCard     = "#ffffff" // --card of parts.html
	darkCard      = "#1b1e24" // --card of parts.html on dark pages
	// minShape is the contrast of a button to what is around it (WCAG 2.2 section
	// 1.4.11), and minText of a text to its background (section 1.4.3).
	minShape, minText = 3, 4.5
)

// accent is the colour of the main button and of the text on it, each as #rrggbb.
type accent struct{ background, text string }

// accentOn returns the accent of a colour, or of another colour if the first is
// empty. The accent is seen on a card of the colour card.
func accentOn(card, colour, otherwise string) (accent, error) {
	if colour == "" {
		return newAccent(otherwise).on(card), nil
	}
	if raw, err := hex.DecodeString(strings.TrimPrefix(colour, "#")); err != nil || len(raw) != 3 || colour[0] != '#' {
		return accent{}, fmt.Errorf("%q is not a colour such as #0a66c2", colour)
	}
	if c := contrast(colour, card); c < minShape {
		return accent{}, fmt.Errorf("%s cannot be seen on the page, which is %s: the contrast is %.2f:1, and must be %d:1 (WCAG 2.2 section 1.4.11)", colour, card, math.Floor(c*100)/100, minShape)
	}
	return newAccent(colour), nil
}

// newAccent chooses the text for a background. Black or white has a contrast of 4.58:1
// or more to every colour.
func newAccent(background string) accent {
	if contrast(background, "#ffffff") >= minText {
		return accent{background, "#ffffff"}
	}
	return accent{background, "#000000"}
}

// on returns a, as much lighter as a card of the colour card needs.
func (a accent) on(card string) accent {
	start := channels(a.background)
	for white := 0.0; contrast(a.background, card) < minShape; white += 0.05 {
		mixed := start
		for i, c := range start {
			mixed[i] = c + (1-c)*white
		}
		a.background = fmt.Sprintf("#%02x%02x%02x", byte(mixed[0]*255), byte(mixed[1]*255), byte(mixed[2]*255))
	}
	return newAccent(a.background)
}

// contrast returns the contrast ratio of two colours (WCAG 2.2, "contrast ratio"),
// from 1 to 21.
func contrast(a, b string) float64 {
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

// luminance returns the relative luminance of a colour, from 0 to 1.
func luminance(colour string) float64 {
	c := channels(colour)
	for i, v := range c {
		if v <= 0.04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
}

// channels returns red, green and blue of #rrggbb, each from 0 to 1.
func channels(colour string) (c [3]float64) {
	raw, _ := hex.DecodeString(colour[1:])
	for i, b := range raw {
		c[i] = float64(b) / 255
	}
	return c
}
