package doctor

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// library is the path of the library's module.
const library = "github.com/connectorauth/connectorauth"

// versions returns the versions of the program, the library, Go and the system.
func versions() map[string]string {
	v := map[string]string{"go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v["program"] = strings.TrimSpace(info.Main.Path + " " + info.Main.Version)
	for _, m := range info.Deps {
		if m.Path == library {
			v["library"] = m.Version
		}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
			v[s.Key] = s.Value
		}
	}
	return v
}

// Bundle writes the report as a text for a bug report: the advice, the steps, the requests
// with the headers of their responses, the definition, and the versions. The text has no
// secret: see Report. The text does have the names of hosts, the ID of the account, what the
// service calls the account, and at most 300 bytes of a refusal. The error is the error of w.
// A Report decoded from JSON lacks the definition.
func Bundle(w io.Writer, r Report) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "connectorauth doctor, %s\n", r.Time.Format("2006-01-02 15:04:05 UTC"))
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(b, "%s: %s\n", name, r.Versions[name])
	}
	fmt.Fprintf(b, "account: %s\ndefinition: %s\nmethod: %s\n\n== steps\n\n", r.Account, r.Definition, r.Method)
	writeSteps(b, r, false)
	fmt.Fprint(b, "\n== requests\n")
	for _, e := range r.Exchanges {
		fmt.Fprintf(b, "\n%s %s\n", e.Method, e.URL)
		if e.Error != "" {
			fmt.Fprintf(b, "error: %s\n", e.Error)
			continue
		}
		fmt.Fprintf(b, "status %d\n", e.Status)
		for _, name := range slices.Sorted(maps.Keys(e.Header)) {
			for _, v := range e.Header[name] {
				fmt.Fprintf(b, "%s: %s\n", name, v)
			}
		}
	}
	fmt.Fprint(b, "\n== definition\n\n")
	if len(r.document) == 0 {
		fmt.Fprintln(b, "none")
	}
	b.Write(r.document)
	fmt.Fprintln(b)
	return b.Flush()
}
