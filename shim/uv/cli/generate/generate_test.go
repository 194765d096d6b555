package main

import (
	"os"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

func TestTable_isTheCommittedOne(t *testing.T) {
	path := parts.UV(t)
	want, err := os.ReadFile("../table.go")
	if err != nil {
		t.Fatal(err)
	}
	version, err := uv(path).version()
	if err != nil {
		t.Fatal(err)
	}
	if header, _, _ := strings.Cut(string(want), "\n"); !strings.Contains(header, "uv "+version+";") {
		t.Skipf("uv %s is here, and the table is another's: %s", version, header)
	}
	got, err := Table(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("go generate ./shim/uv/cli makes another table.go")
	}
}

func TestCompletion(t *testing.T) {
	entries := map[string]string{
		`'(-v --verbose)*-q[Use quiet output]' \ `:                  "q",
		`'--offline[Disable it \[env\: UV_OFFLINE=\]]' \ `:          "offline",
		`'*--index=[The indexes]:INDEX:_default' \ `:                "index=",
		`'-p+[The Python interpreter]:PYTHON:' \ `:                  "p=",
		`'--color=[Colours]:COLOR:((auto\:"A" never\:"B [x]"))' \ `: "color=",
	}
	for entry, want := range entries {
		var c command
		if err := c.read(entry); err != nil || len(c.options) != 1 || c.options[0].String() != want {
			t.Errorf("%s: %v, %v, want %s", entry, c.options, err, want)
		}
	}
	for _, entry := range []string{`'--maybe=[text]::VALUE:' \ `, `'--odd' \ `, `'word[text]' \ `} {
		if err := new(command).read(entry); err == nil {
			t.Errorf("%s is understood", entry)
		}
	}
	var c command
	for _, entry := range []string{`'-p+[One]:P:' \ `, `'--python=[One]:P:' \ `, `'-q[Two]' \ `, `'--other[Three]' \ `, `'::path -- where:' \ `} {
		if err := c.read(entry); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.options) != 3 || c.options[0].String() != "p,python=" || c.options[1].String() != "q" || c.words != 1 {
		t.Errorf("%v, %d words", c.options, c.words)
	}
	for _, text := range []string{"", "case $state in\n(a)\n", "esac\n"} {
		if _, err := completion(text); err == nil {
			t.Errorf("%q is understood", text)
		}
	}
}

func TestVariable(t *testing.T) {
	for text, want := range map[string]string{
		"Avoid it [env: UV_NO_CACHE=]":                       "UV_NO_CACHE",
		"The store [env:\n          UV_SYSTEM_CERTS=]":       "UV_SYSTEM_CERTS",
		"The index [env: UV_INDEX]":                          "UV_INDEX",
		"The group [env: `UV_NO_GROUP`=]":                    "UV_NO_GROUP",
		`Disable it. [env:` + "\n" + `"UV_DOWNLOADS=never"]`: "",
		"Nothing": "",
	} {
		if got := variable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
