package survey

import (
	"fmt"
	"slices"
	"strings"

	"uvshim/policy"
	"uvshim/shim/redact"
	"uvshim/shim/uv"
)

// tools sets the packages: what Home Manager installs, then what uv's receipts were written for.
func (f Found) tools(d *Draft) {
	const home = "Home Manager's programs.uv.tool.packages"
	for _, text := range f.Home.Packages {
		d.Packages = append(d.Packages, packageLine(text, home))
	}
	for _, t := range f.Tools {
		if slices.ContainsFunc(f.Home.Packages, func(text string) bool { return brings(text, t) }) {
			continue
		}
		if t.Request == "" {
			d.Packages = append(d.Packages, Line{Why: fmt.Sprintf("%s is not declared: %s", t.Name, oneLine(t.Broken))})
			continue
		}
		d.Packages = append(d.Packages, packageLine(t.Request, toolWhy(t)))
	}
}

// packageLine returns the line of a requirement, which is a comment where it cannot be declared. A
// password in its URL does not belong into a file that others may read.
func packageLine(text, why string) Line {
	if shown := redact.Value(text); shown != text {
		return Line{Why: fmt.Sprintf("%s is not declared, for its password (%s)", shown, why)}
	}
	if err := valid("tool", "packages", text); err != nil {
		return Line{Why: fmt.Sprintf("%v (%s)", err, why)}
	}
	return Line{text, why}
}

// brings reports whether the requirement is what the tool was installed for. Of a repository it does not
// tell the name.
func brings(text string, t uv.Tool) bool {
	if name, ok := policy.Name(text); ok {
		return name == t.Name
	}
	return strings.HasSuffix(t.Request, "@ "+text)
}

// toolWhy says what a tool is, and what of it a policy has no word for.
func toolWhy(t uv.Tool) string {
	why := "uv's tool " + t.Name
	if t.Version != "" {
		why += " " + t.Version
	}
	if strings.Contains(t.Request, "file://") {
		why += ", from this machine"
	}
	var unsaid []string
	for _, o := range []struct {
		option string
		values []string
	}{{"--with", t.With}, {"--constraint", t.Constraints}, {"--python", nonEmpty(t.Python)}} {
		for _, value := range o.values {
			unsaid = append(unsaid, o.option+" "+redact.Value(value))
		}
	}
	if unsaid != nil {
		why += "; what cannot be declared: " + strings.Join(unsaid, ", ")
	}
	if t.Broken != nil {
		why += "; shim sync installs it anew: " + oneLine(t.Broken)
	}
	return why
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// oneLine returns what an error of several says first.
func oneLine(err error) string {
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}
