package nix

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"uvshim/policy"
)

// Nix reads each string as what it was made of.
func TestQuoted_nix(t *testing.T) {
	want := []string{hostile, "", "$", "$$", "${", "$\x1b", "a\\", "''", "\x1b$", "\r\n"}
	for r := rune(1); r < 0xa1; r++ {
		want = append(want, "a"+string(r)+"b", "$"+string(r))
	}
	var w writer
	w.list("", quotedAll(want), "")
	var got []string
	mustEvaluate(t, w.String(), &got)
	if !slices.Equal(got, want) {
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%q became %q", want[i], got[i])
			}
		}
	}
	var replaced string
	mustEvaluate(t, String("a\x00b\xffc"), &replaced)
	if replaced != "a\ufffdb\ufffdc" {
		t.Errorf("what no string can hold: %q", replaced)
	}
}

// Below `with pkgs;` an attribute means what it means in pkgs, whatever names Nix has itself.
func TestAttribute_nix(t *testing.T) {
	var names []string
	mustEvaluate(t, "builtins.attrNames builtins", &names)
	names = append(names, "assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with",
		"a-b", "a'b", "_", "__curPos", "zlib")
	for _, name := range slices.Clone(names) {
		names = append(names, "__"+name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var list, set writer
	for _, name := range names {
		text, err := Attribute(name + "." + name)
		if err != nil {
			t.Fatal(err)
		}
		list.line("(%s)", text)
		set.line("%s.%s = %s;", String(name), String(name), String(name))
	}
	var got []string
	mustEvaluate(t, "let pkgs = { "+set.String()+" }; in with pkgs; [ "+list.String()+" ]", &got)
	for i, name := range names {
		if got[i] != name {
			t.Errorf("%s means %s", name, got[i])
		}
	}
}

// policies are what a policy.toml can say.
func policies() map[string]string {
	article := `[python]
versions = ["3.14", "3.13", "3.12"]
default = ["3.14"]
prune = true
[tool]
packages = ["ruff", "httpie", "pre-commit"]
prune = true
`
	return map[string]string{
		"nothing": "",
		"article": article,
		"all": strings.Replace(article, "prune = true\n", "prune = true\nenvironment = \"project\"\nauto-install = true\nundeclared = \"deny\"\n", 1) + `
[nix-ld]
libraries = ["stdenv.cc.cc.lib", "zlib", 'python3.pkgs."a b"']
[preflight]
loader = "warn"
libraries = "strict"
ignore = ["libmimerapi.so"]
[uv]
supervise = false
[pip]
command = "off"
`,
		"default_without_versions": "python.default = \"3.13\"\n",
		"default_and_prune":        "[python]\ndefault = [\"3.13\"]\nprune = true\n",
		"prune_without_lists":      "[python]\nprune = true\n[tool]\nprune = true\n",
		"two_defaults":             "[python]\nversions = [\"3.14\", \"pypy@3.11\"]\ndefault = [\"3.14\", \"pypy@3.11\"]\n",
		"awkward_tools":            "[tool]\npackages = ['a; python_version > \"3.9\"', \"b @ https://x/$${y}\", \"c''\\\\ \u202e${d}\"]\n",
	}
}

// What HomeManager writes holds the whole policy, and its modules take it.
func TestHomeManager_roundTrip(t *testing.T) {
	for name, text := range policies() {
		t.Run(name, func(t *testing.T) {
			loaded, err := policy.Load(policy.File{Path: "policy.toml", Data: []byte(text)})
			if err != nil {
				t.Fatal(err)
			}
			exported := HomeManager(loaded.Policy)
			if exported != HomeManager(loaded.Policy) {
				t.Error("another text the second time")
			}
			var got struct {
				UV     map[string]any
				Shim   map[string]map[string]any
				Failed []string
				Merged map[string]any
			}
			file := write(t, exported)
			mustEvaluate(t, `let
				raw = (import `+file+`).programs;
				config = home [ `+file+` { programs.shim.enable = true; } ];
			in {
				uv = raw.uv;
				shim = raw.shim.settings or { };
				failed = failed config;
				merged = config.programs.shim.settings;
			}`, &got)
			if len(got.Failed) > 0 {
				t.Errorf("assertions fail: %q", got.Failed)
			}
			if got.UV["enable"] != true {
				t.Error("programs.uv is not enabled")
			}
			delete(got.UV, "enable")
			whole := got.Shim
			if whole == nil {
				whole = map[string]map[string]any{}
			}
			for table, keys := range got.UV {
				if whole[table] == nil {
					whole[table] = map[string]any{}
				}
				for key, value := range keys.(map[string]any) {
					if _, twice := whole[table][key]; twice {
						t.Errorf("%s.%s stands twice", table, key)
					}
					whole[table][key] = value
				}
			}
			if back := load(t, whole); !reflect.DeepEqual(back, loaded.Policy) {
				t.Errorf("%+v came back as %+v", loaded.Policy, back)
			}
			// our module makes of both the same policy, but leaves the removing to programs.uv
			want := loaded.Policy
			want.Python.Prune, want.Tool.Prune = false, false
			if back := load(t, got.Merged); !reflect.DeepEqual(back, want) {
				t.Errorf("beside programs.uv the policy is %+v", back)
			}
		})
	}
}

// load reads a policy that was JSON.
func load(t *testing.T, tables any) policy.Policy {
	t.Helper()
	data, err := toml.Marshal(tables)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := policy.Load(policy.File{Path: "it", Data: data})
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return loaded.Policy
}

// Each key of the policy has its place: the row "all" above sets every one to what is no default.
func TestHomeManager_everyKey(t *testing.T) {
	all, err := policy.Load(policy.File{Path: "all", Data: []byte(policies()["all"])})
	if err != nil {
		t.Fatal(err)
	}
	usual := reflect.ValueOf(policy.Default())
	var known map[string]map[string]any
	mustEvaluate(t, `builtins.mapAttrs (_: builtins.mapAttrs (_: key: key.want)) (import (here + "/settings.nix") { inherit lib pkgs; }).known`, &known)
	keys := 0
	for i, table := range reflect.VisibleFields(usual.Type()) {
		for j, key := range reflect.VisibleFields(table.Type) {
			keys++
			if reflect.DeepEqual(reflect.ValueOf(all.Policy).Field(i).Field(j).Interface(), usual.Field(i).Field(j).Interface()) {
				t.Errorf("%s.%s is the default in that row", table.Name, key.Name)
			}
			if known[table.Tag.Get("toml")][key.Tag.Get("toml")] == nil {
				t.Errorf("settings.nix does not know %s.%s", table.Tag.Get("toml"), key.Tag.Get("toml"))
			}
		}
	}
	for _, table := range known {
		keys -= len(table)
	}
	if keys != 0 {
		t.Errorf("settings.nix knows %d keys more than the policy", -keys)
	}
}

func TestNixOS_nix(t *testing.T) {
	for name, row := range map[string]struct {
		libraries []Library
		want      []string
	}{
		"none": {nil, []string{}},
		"one":  {[]Library{{"stdenv.cc.cc.lib", []string{"~/a: x"}}}, []string{"gcc-lib"}},
		"odd":  {[]Library{{"map", nil}, {`"odd name"`, []string{hostile}}, {"zlib", nil}}, []string{"odd", "map", "zlib"}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := NixOS(row.libraries)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Local, Enable   bool
				Programs, Found []string
			}
			mustEvaluate(t, `let config = nixos [ `+write(t, text)+` ]; in {
				local = config.environment.localBinInPath;
				enable = config.programs.nix-ld.enable;
				programs = map (p: p.name) config.environment.systemPackages;
				found = map (p: p.name) config.programs.nix-ld.libraries;
			}`, &got)
			slices.Sort(got.Found)
			slices.Sort(row.want)
			if !got.Local || !got.Enable || !slices.Equal(got.Programs, []string{"uv"}) || !slices.Equal(got.Found, row.want) {
				t.Errorf("%+v, want %q", got, row.want)
			}
		})
	}
}

func TestFlake_nix(t *testing.T) {
	for name, row := range map[string]struct {
		project  Project
		libs, ld string
	}{
		"plain":   {Project{Name: "demo"}, "", ""},
		"library": {Project{Name: hostile, Libraries: []Library{{"zlib", []string{"libz.so.1"}}}}, "-zlib/lib", "ld-linux-x86-64.so.2"},
		"driver":  {Project{Name: "d", Driver: true}, "/run/opengl-driver/lib", "ld-linux-x86-64.so.2"},
		"both":    {Project{Libraries: []Library{{"zlib", nil}}, Driver: true}, "-zlib/lib:/run/opengl-driver/lib", "ld-linux-x86-64.so.2"},
		"names":   {Project{Libraries: []Library{{"systems", nil}}}, "-systems/lib", "ld-linux-x86-64.so.2"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := Flake(row.project)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Description, Libs, LD string
				Programs, Systems     []string
			}
			mustEvaluate(t, `let
				flake = import `+write(t, text)+`;
				shells = (flake.outputs { self = flake; nixpkgs = { inherit lib; legacyPackages = { x86_64-linux = pkgs; aarch64-linux = pkgs; }; }; }).devShells;
				shell = shells.x86_64-linux.default.attrs;
			in {
				inherit (flake) description;
				systems = lib.attrNames shells;
				programs = map (p: p.name) shell.packages;
				libs = shell.NIX_LD_LIBRARY_PATH or "";
				ld = shell.NIX_LD or "";
			}`, &got)
			if got.Description != row.project.Name || !slices.Equal(got.Programs, []string{"uv"}) || len(got.Systems) != 2 {
				t.Errorf("%+v", got)
			}
			if !strings.HasSuffix(got.Libs, row.libs) || (got.Libs == "") != (row.libs == "") || !strings.HasSuffix(got.LD, row.ld) || (got.LD == "") != (row.ld == "") {
				t.Errorf("NIX_LD_LIBRARY_PATH is %q, NIX_LD is %q", got.Libs, got.LD)
			}
		})
	}
}

func TestPackage_nix(t *testing.T) {
	var got struct {
		Version string
		Source  []string
		LDFlags []string
	}
	mustEvaluate(t, `let package = pkgs.callPackage (here + "/package.nix") { }; in {
		inherit (package.attrs) version;
		source = package.attrs.src;
		ldFlags = package.attrs.ldflags;
	}`, &got)
	command, err := os.ReadFile(filepath.Join("..", "..", "shim", "command.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(command), fmt.Sprintf("var release = %q", got.Version)) {
		t.Errorf("package.nix says %s, shim/command.go another release", got.Version)
	}
	want, err := source(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Source, want) {
		t.Errorf("package.nix takes\n%s\nTestVendorHash\n%s", strings.Join(got.Source, "\n"), strings.Join(want, "\n"))
	}
	if flags := strings.Join(got.LDFlags, " "); flags != "-s -w -E uvshim/shim/host.entry" {
		t.Errorf("linked with %s", flags)
	}
}
