package look

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
)

// maxLogo is the maximum size of a logo, in bytes.
const maxLogo = 64 << 10

// dataURL returns an image as a data URL (RFC 2397), or an empty text for no image.
// Browsers run no script of an image and load nothing for it.
func dataURL(image []byte) (string, error) {
	if len(image) == 0 {
		return "", nil
	}
	if len(image) > maxLogo {
		return "", errors.New("is larger than 64 KiB; every page contains the logo")
	}
	kind := http.DetectContentType(image)
	if !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
		if !isSVG(image) {
			return "", errors.New("is not an SVG, PNG, JPEG, GIF or WebP image")
		}
		kind = "image/svg+xml"
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(image), nil
}

// isSVG reports whether the first element of image is SVG's, in SVG's namespace:
// browsers show no other.
func isSVG(image []byte) bool {
	decoder := xml.NewDecoder(bytes.NewReader(image))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if element, ok := token.(xml.StartElement); ok {
			return element.Name == xml.Name{Space: "http://www.w3.org/2000/svg", Local: "svg"}
		}
	}
}
