package uv

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"uvshim/shim/decode"
	"uvshim/shim/host"
)

// readReceipt sets what uv-receipt.toml in the tool's directory tells (uv-tool, tool.rs).
func (t *Tool) readReceipt() error {
	data, err := host.ReadFile(filepath.Join(t.Dir, "uv-receipt.toml"), maxToolFile)
	if err != nil {
		return fmt.Errorf("its receipt cannot be read: %w", err)
	}
	var doc struct {
		Tool *struct {
			Requirements, Constraints []any
			Python                    string
			Entrypoints               []struct {
				Name, From string
				Path       string `toml:"install-path"`
			}
		}
	}
	err = decode.TOML(data, &doc)
	if err == nil && doc.Tool == nil {
		err = errors.New("no table tool")
	}
	if err != nil {
		return fmt.Errorf("its receipt makes no sense: %w", err)
	}
	t.Python = doc.Tool.Python
	for _, e := range doc.Tool.Entrypoints {
		t.Entrypoints = append(t.Entrypoints, Entrypoint{e.Name, e.Path, e.From})
	}
	for i, r := range doc.Tool.Requirements {
		switch text, ok := requirement(r); {
		case !ok:
			return errors.New("its receipt makes no sense: a requirement without a name")
		case i == 0: // the tool itself; the others are of --with
			t.Request = text
		default:
			t.With = append(t.With, text)
		}
	}
	for _, c := range doc.Tool.Constraints {
		if text, ok := requirement(c); ok {
			t.Constraints = append(t.Constraints, text)
		}
	}
	if t.Request == "" {
		return errors.New("its receipt names no requirement")
	}
	return nil
}

// requirement returns a requirement of a receipt as PEP 508 has it. Where uv took it apart it is
// put together again (uv-distribution-types, RequirementSourceWire); before that, receipts had it
// as it was written.
func requirement(value any) (string, bool) {
	table, ok := value.(map[string]any)
	if !ok {
		text, ok := value.(string)
		return text, ok && text != ""
	}
	get := func(key string) string { text, _ := table[key].(string); return text }
	text := get("name")
	if text == "" {
		return "", false
	}
	if extras, ok := table["extras"].([]any); ok && len(extras) > 0 {
		words := make([]string, len(extras))
		for i := range extras {
			words[i], _ = extras[i].(string)
		}
		text += "[" + strings.Join(words, ",") + "]"
	}
	text += get("specifier")
	if source := direct(get); source != "" {
		text += " @ " + source
	}
	if marker := get("marker"); marker != "" {
		text += " ; " + marker
	}
	return text, true
}

// direct returns the URL of a requirement that names its source, "" for one from an index.
func direct(get func(string) string) string {
	if text := get("git"); text != "" {
		return gitURL(text)
	}
	if text := get("url"); text != "" {
		if sub := get("subdirectory"); sub != "" {
			text += "#subdirectory=" + sub
		}
		return text
	}
	for _, key := range [...]string{"path", "directory", "editable", "virtual"} {
		if text := get(key); text != "" {
			return (&url.URL{Scheme: "file", Path: text}).String()
		}
	}
	return ""
}

// gitURL returns the URL that was asked for: a receipt has the reference in the query, and behind
// it the commit that it led to, which was not asked for.
func gitURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "git+" + text
	}
	query := u.Query()
	u.RawQuery, u.Fragment = "", ""
	out := "git+" + u.String()
	for _, key := range [...]string{"rev", "tag", "branch"} {
		if reference := query.Get(key); reference != "" {
			out += "@" + reference
			break
		}
	}
	if sub := query.Get("subdirectory"); sub != "" {
		out += "#subdirectory=" + sub
	}
	return out
}
