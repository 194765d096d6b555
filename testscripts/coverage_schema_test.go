package testscripts

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/check.schema.json
var checkSchema []byte

// A checkOutput is what tests look at of shim check --json.
type checkOutput struct {
	Attributes []string
	Targets    []struct {
		Path, Error, Outcome string
		Covered              bool
		Needs, Notes         []string
		Findings             []checkFinding
		Tree                 []struct{ Name, Path, How string }
	}
}

type checkFinding struct {
	Kind, Severity, Soname, Attribute, Distribution, File, Found, Detail string

	SymbolVersion string `json:"symbol-version"`
}

// checkJSON returns the JSON that a shim check printed, which is as its schema says, with the exit
// code that it is to have.
func checkJSON(t *testing.T, got result, code int) checkOutput {
	t.Helper()
	var out checkOutput
	if got.Code != code {
		t.Errorf("exit %d, want %d", got.Code, code)
	}
	var document, schema any
	if err := json.Unmarshal(checkSchema, &schema); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got.Stdout), &document); err != nil {
		t.Fatalf("%v\n%s%s", err, got.Stdout, got.Stderr)
	}
	v := validator{root: schema.(map[string]any)}
	v.check("", document, v.root)
	for _, fault := range v.faults {
		t.Errorf("not as the schema says: %s\n%s", fault, got.Stdout)
	}
	if err := json.Unmarshal([]byte(got.Stdout), &out); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(out.Attributes) {
		t.Errorf("attributes not sorted: %q", out.Attributes)
	}
	for _, target := range out.Targets {
		if !slices.IsSorted(target.Needs) {
			t.Errorf("needs not sorted: %q", target.Needs)
		}
	}
	return out
}

// A validator holds a document against a JSON schema, as far as testdata's use the language. A key
// of an object that the schema does not name is a fault: a new key has to be put there.
type validator struct {
	root   map[string]any
	faults []string
}

func (v *validator) fault(at, format string, args ...any) {
	v.faults = append(v.faults, at+": "+fmt.Sprintf(format, args...))
}

func (v *validator) check(at string, value any, schema map[string]any) {
	if ref, ok := schema["$ref"].(string); ok {
		node := any(v.root)
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			node = node.(map[string]any)[name]
		}
		schema = node.(map[string]any)
	}
	for _, word := range slices.Sorted(maps.Keys(schema)) {
		want := schema[word]
		switch word {
		case "$schema", "$defs", "title", "description":
		case "type":
			if kind := typeOf(value); kind != want && (kind != "integer" || want != "number") {
				v.fault(at, "is a %s, not a %s", kind, want)
			}
		case "const":
			if !reflect.DeepEqual(value, want) {
				v.fault(at, "is %v, not %v", value, want)
			}
		case "enum":
			if !slices.ContainsFunc(want.([]any), func(one any) bool { return reflect.DeepEqual(one, value) }) {
				v.fault(at, "is %v, none of %v", value, want)
			}
		case "pattern":
			if text, ok := value.(string); ok && !regexp.MustCompile(want.(string)).MatchString(text) {
				v.fault(at, "is %q, not like %s", text, want)
			}
		case "minimum":
			if number, ok := value.(float64); ok && number < want.(float64) {
				v.fault(at, "is %v", number)
			}
		case "required":
			object, _ := value.(map[string]any)
			for _, name := range want.([]any) {
				if _, ok := object[name.(string)]; !ok {
					v.fault(at, "has no %s", name)
				}
			}
		case "properties":
			object, _ := value.(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(object)) {
				if below, ok := want.(map[string]any)[name].(map[string]any); ok {
					v.check(at+"/"+name, object[name], below)
				} else {
					v.fault(at, "has a key %s", name)
				}
			}
		case "items":
			list, _ := value.([]any)
			for i, item := range list {
				v.check(fmt.Sprintf("%s/%d", at, i), item, want.(map[string]any))
			}
		case "uniqueItems":
			list, _ := value.([]any)
			seen := map[string]bool{}
			for _, item := range list {
				if text := fmt.Sprint(item); seen[text] {
					v.fault(at, "has %v twice", item)
				} else {
					seen[text] = true
				}
			}
		default:
			v.fault(at, "the schema has the word %s", word)
		}
	}
}

func typeOf(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if value == float64(int64(value)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// The validator sees what is wrong.
func TestSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(checkSchema, &schema); err != nil {
		t.Fatal(err)
	}
	finding := `{"kind":"missing-soname","severity":"required","soname":"","symbol-version":"","attribute":"","attribute-kind":"","note":"","distribution":"","distribution-version":"","file":"","module":"","found":"","detail":""}`
	target := `{"path":"/a","covered":true,"outcome":"ok","reason":"","needs":["l"],"findings":[` + finding + `],"notes":[],"tree":[{"name":"a","path":"","how":"","depth":0}]}`
	good := `{"version":1,"attributes":["stdenv.cc.cc.lib"],"targets":[` + target + `]}`
	for _, row := range []struct{ old, new, fault string }{
		{"", "", ""},
		{`"version":1`, `"version":2`, "/version: is 2, not 1"},
		{`"version":1,`, ``, ": has no version"},
		{`"version":1`, `"version":1,"extra":0`, ": has a key extra"},
		{`["stdenv.cc.cc.lib"]`, `["pkgs stdenv"]`, "/attributes/0: is \"pkgs stdenv\""},
		{`["stdenv.cc.cc.lib"]`, `["zlib","zlib"]`, "/attributes: has zlib twice"},
		{`["stdenv.cc.cc.lib"]`, `null`, "/attributes: is a null, not a array"},
		{`"covered":true`, `"covered":"yes"`, "/targets/0/covered: is a string, not a boolean"},
		{`"missing-soname"`, `"bad"`, "/targets/0/findings/0/kind: is bad"},
		{`"depth":0`, `"depth":-1`, "/targets/0/tree/0/depth: is -1"},
		{`"depth":0`, `"depth":0.5`, "/targets/0/tree/0/depth: is a number, not a integer"},
	} {
		text := good
		if row.old != "" {
			text = strings.Replace(good, row.old, row.new, 1)
		}
		var document any
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		v := validator{root: schema}
		v.check("", document, schema)
		if got := strings.Join(v.faults, "; "); (row.fault == "") != (got == "") || !strings.HasPrefix(got, row.fault) {
			t.Errorf("%s: %q, want %q", row.new, got, row.fault)
		}
	}
}
