package policy

import "testing"

func TestUndeclaredPython(t *testing.T) {
	versions := []string{"3.14", "3.13", "pypy@3.11"}
	const line = `versions = ["3.14", "3.13", "pypy@3.11", `
	for name, row := range map[string]struct {
		versions []string
		request  string
		want     string // the line; empty: declared
	}{
		"listed":             {versions, "3.13", ""},
		"listed_spelling":    {versions, "cpython@3.13", ""},
		"patch":              {versions, "3.13.1", ""},
		"range":              {versions, ">=3.12,<3.14", ""},
		"other_minor":        {versions, "3.12", line + `"3.12"]`},
		"major":              {versions, "3", line + `"3"]`},
		"default":            {versions, "default", line + `"default"]`},
		"default_newest":     {[]string{">=3.12"}, "default", ""},
		"freethreaded":       {versions, "3.14t", line + `"3.14t"]`},
		"implementation":     {versions, "pypy@3.11", ""},
		"implementation_new": {versions, "pypy", line + `"pypy"]`},
		"cpython_of_pypy":    {versions, "3.11", line + `"3.11"]`},
		"without_versions":   {nil, "3.12", ""},
		"path":               {versions, "/usr/bin/python3", ""},
		"name":               {versions, "snake", ""},
		"too_old":            {versions, "3.5", ""},
		"listed_verbatim":    {[]string{"default"}, "default", ""},
	} {
		p := Default()
		p.Python.Versions = row.versions
		if got, undeclared := p.UndeclaredPython(row.request); got != row.want || undeclared != (row.want != "") {
			t.Errorf("%s: %q is undeclared: %v, %q, want %q", name, row.request, undeclared, got, row.want)
		}
	}
	if versions[0] != "3.14" || len(versions) != 3 {
		t.Errorf("the list was changed: %q", versions)
	}
}

func TestUndeclaredTool(t *testing.T) {
	packages := []string{"ruff", "Zope.Interface>=5", "git+https://example.org/a.git", "b @ https://example.org/x.zip"}
	const line = `packages = ["ruff", "Zope.Interface>=5", "git+https://example.org/a.git", "b @ https://example.org/x.zip", `
	for name, row := range map[string]struct {
		packages    []string
		requirement string
		want        string
	}{
		"listed":           {packages, "ruff", ""},
		"constraint":       {packages, "Ruff==0.14", ""},
		"latest":           {packages, "ruff@latest", ""},
		"extra":            {packages, "ruff[x]", ""},
		"normalised":       {packages, "zope_interface", ""},
		"URL_of_name":      {packages, "ruff @ git+https://example.org/r.git", ""},
		"name_of_URL":      {packages, "b", ""},
		"egg":              {packages, "git+https://example.org/r.git#egg=ruff", ""},
		"wheel":            {packages, "./ruff-0.14-py3-none-any.whl", ""},
		"URL_listed":       {packages, "git+https://example.org/a.git", ""},
		"URL_other":        {packages, "git+https://example.org/ruff.git", line + `"git+https://example.org/ruff.git"]`},
		"other":            {packages, "black", line + `"black"]`},
		"without_packages": {nil, "black", ""},
		"nothing_named":    {[]string{"git+https://example.org/a.git"}, "./a", `packages = ["git+https://example.org/a.git", "./a"]`},
	} {
		p := Default()
		p.Tool.Packages = row.packages
		if got, undeclared := p.UndeclaredTool(row.requirement); got != row.want || undeclared != (row.want != "") {
			t.Errorf("%s: %q is undeclared: %v, %q, want %q", name, row.requirement, undeclared, got, row.want)
		}
	}
}
