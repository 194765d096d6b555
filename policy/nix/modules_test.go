package nix

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// What is wrong in a configuration ends its evaluation, and says what and where.
func TestModules_wrong(t *testing.T) {
	both := map[string]struct{ module, want string }{
		"option_name":         {`programs.shim.enabel = true;`, "The option `programs.shim.enabel' does not exist."},
		"enable_type":         {`programs.shim.enable = "yes";`, "`programs.shim.enable' is not of type `boolean'"},
		"package_type":        {`programs.shim.package = "shim";`, "`programs.shim.package' is not of type `null or package'"},
		"settings_type":       {`programs.shim.settings.python.prune = null;`, "`programs.shim.settings.python.prune' is not of type `TOML value'"},
		"table_name":          {`programs.shim.settings.pyhton.prune = true;`, "programs.shim.settings.pyhton: unknown table, want one of nix-ld, pip, preflight, python, tool, uv"},
		"table_type":          {`programs.shim.settings.python = [ "3.14" ];`, "programs.shim.settings.python: want a table with"},
		"key_name":            {`programs.shim.settings.python.verions = [ "3.14" ];`, "programs.shim.settings.python.verions: unknown key, want one of auto-install"},
		"versions_type":       {`programs.shim.settings.python.versions = "3.14";`, "python.versions: want a list of strings"},
		"versions_element":    {`programs.shim.settings.python.versions = [ 3.14 ];`, "python.versions: want a list of strings"},
		"versions_twice":      {`programs.shim.settings.python.versions = [ "3.14" "3.14" ];`, "python.versions lists something twice"},
		"default_type":        {`programs.shim.settings.python.default = 3.14;`, "python.default: want a string or a list of strings"},
		"default_stranger":    {`programs.shim.settings.python = { versions = [ "3.14" ]; default = "3.13"; };`, "python.default: not in python.versions, spelt the same: 3.13"},
		"default_twice":       {`programs.shim.settings.python = { versions = [ "3.14" ]; default = [ "3.14" "3.14" ]; };`, "python.default lists something twice"},
		"prune_type":          {`programs.shim.settings.python.prune = "true";`, "python.prune: want true or false"},
		"environment_word":    {`programs.shim.settings.python.environment = "any";`, "python.environment: want one of active, project"},
		"auto_install_type":   {`programs.shim.settings.python.auto-install = 1;`, "python.auto-install: want true or false"},
		"undeclared_word":     {`programs.shim.settings.python.undeclared = true;`, "python.undeclared: want one of allow, warn, deny"},
		"packages_type":       {`programs.shim.settings.tool.packages = { };`, "tool.packages: want a list of strings"},
		"packages_twice":      {`programs.shim.settings.tool.packages = [ "ruff" "ruff" ];`, "tool.packages lists something twice"},
		"tool_prune_type":     {`programs.shim.settings.tool.prune = 0;`, "tool.prune: want true or false"},
		"libraries_type":      {`programs.shim.settings.nix-ld.libraries = [ { } ];`, "nix-ld.libraries: want a list of strings"},
		"loader_word":         {`programs.shim.settings.preflight.loader = "loud";`, "preflight.loader: want one of off, warn, strict"},
		"pf_libraries_word":   {`programs.shim.settings.preflight.libraries = false;`, "preflight.libraries: want one of off, warn, strict"},
		"ignore_type":         {`programs.shim.settings.preflight.ignore = "libx.so";`, "preflight.ignore: want a list of strings"},
		"supervise_type":      {`programs.shim.settings.uv.supervise = "no";`, "uv.supervise: want true or false"},
		"pip_word":            {`programs.shim.settings.pip.command = "pip";`, "pip.command: want one of uv, off"},
		"package_null_python": {`programs.shim = { package = null; settings.python.versions = [ "3.14" ]; };`, "programs.shim.package is null"},
		"package_null_tool":   {`programs.shim = { package = null; settings.tool.packages = [ "ruff" ]; };`, "programs.shim.package is null"},
		"package_null_prune":  {`programs.shim = { package = null; settings.tool.prune = true; };`, "programs.shim.package is null"},
	}
	uv := `programs.uv = { enable = true; python.versions = [ "3.14" ]; tool.packages = [ "ruff" ]; }; programs.shim.settings`
	homeOnly := map[string]struct{ module, want string }{
		"uv_other_versions":       {uv + `.python.versions = [ "3.13" ];`, "python.versions is another list than programs.uv.python.versions"},
		"uv_other_packages":       {uv + `.tool.packages = [ ];`, "tool.packages is another list than programs.uv.tool.packages"},
		"uv_two_pruners":          {uv + `.python.prune = true;`, "programs.shim.settings.python.prune beside programs.uv.python"},
		"uv_two_pruners_of_tools": {uv + `.tool.prune = true;`, "programs.shim.settings.tool.prune beside programs.uv.tool"},
		"uv_other_default":        {uv + `.python.default = "3.12";`, "python.default: not in python.versions"},
	}
	nixosOnly := map[string]struct{ module, want string }{
		"libraries_unknown":   {`programs.shim.settings.nix-ld.libraries = [ "zlip" ];`, "nix-ld.libraries: nixpkgs has no zlip"},
		"libraries_malformed": {`programs.shim.settings.nix-ld.libraries = [ "zlib." ];`, "nix-ld.libraries: nixpkgs has no zlib."},
		"libraries_injection": {`programs.shim.settings.nix-ld.libraries = [ "zlib ]; x = [" ];`, "nix-ld.libraries: nixpkgs has no zlib ]; x = ["},
	}
	check := func(t *testing.T, system, module, want string) {
		var messages []string
		complaint := evaluate(t, "failed ("+system+" [ { programs.shim.enable = lib.mkDefault true; "+"} { "+module+" } ])", &messages)
		if said := complaint + strings.Join(messages, "\n"); !strings.Contains(said, want) || complaint == "" && len(messages) != 1 {
			t.Errorf("says %q, want %q", said, want)
		}
	}
	for name, row := range both {
		t.Run(name, func(t *testing.T) {
			check(t, "home", row.module, row.want)
			check(t, "nixos", row.module, row.want)
		})
	}
	for name, row := range homeOnly {
		t.Run(name, func(t *testing.T) { check(t, "home", row.module, row.want) })
	}
	for name, row := range nixosOnly {
		t.Run(name, func(t *testing.T) { check(t, "nixos", row.module, row.want) })
	}
}

// A module that is there and not enabled changes nothing.
func TestModules_off(t *testing.T) {
	for _, system := range []string{"home", "nixos"} {
		var same bool
		mustEvaluate(t, `let
			off = `+system+` [ { programs.shim.settings.python.verions = 1; } ];
			on = `+system+` [ { programs.shim.enable = true; } ];
			seen = config: builtins.toJSON (builtins.removeAttrs config [ "programs" "assertions" ]);
		in failed off == [ ] && seen off == seen (`+system+` [ ]) && seen off != seen on`, &same)
		if !same {
			t.Errorf("%s: programs.shim acts unasked", system)
		}
	}
}

func TestHomeModule(t *testing.T) {
	type result struct {
		Failed, Path, Packages []string
		After                  []string
		Script                 string
		Settings               json.RawMessage
		Written                bool
	}
	ask := func(modules string) (r result) {
		mustEvaluate(t, `let config = home [ { programs.shim.enable = true; } `+modules+` ]; in {
			failed = failed config;
			path = config.home.sessionPath;
			packages = map (p: p.name) config.home.packages;
			after = config.home.activation.shim.after or [ ];
			script = config.home.activation.shim.data or "";
			settings = config.xdg.configFile."shim/policy.toml".source.value or null;
			written = config.xdg.configFile ? "shim/policy.toml";
		}`, &r)
		if len(r.Failed) > 0 {
			t.Errorf("%s: %q", modules, r.Failed)
		}
		return r
	}
	plain := ask("")
	if !slices.Equal(plain.Path, []string{"/home/u/it's data/shim/bin", "/home/u/.local/bin"}) {
		t.Errorf("the shims are not first: %q", plain.Path)
	}
	if plain.Written || !slices.Equal(plain.After, []string{"linkGeneration"}) || len(plain.Packages) != 1 || !strings.HasPrefix(plain.Packages[0], "shim-") {
		t.Errorf("%+v", plain)
	}
	if null := ask("{ programs.shim.package = null; programs.shim.settings.preflight.loader = \"off\"; }"); null.Script != "" || len(null.Packages) != 0 || !null.Written {
		t.Errorf("without a package: %+v", null)
	}
	for name, row := range map[string]struct{ modules, want string }{
		"own":           {`{ programs.shim.settings.python = { versions = [ "3.14" ]; prune = true; }; }`, `{"python":{"prune":true,"versions":["3.14"]}}`},
		"uv_pythons":    {`{ programs.uv = { enable = true; python.versions = [ "3.14" ]; python.default = "3.14"; python.prune = true; }; programs.shim.settings.tool.prune = true; }`, `{"python":{"default":["3.14"],"prune":false,"versions":["3.14"]},"tool":{"prune":true}}`},
		"uv_tools":      {`{ programs.uv = { enable = true; tool.packages = [ "ruff" ]; }; }`, `{"tool":{"packages":["ruff"],"prune":false}}`},
		"uv_off":        {`{ programs.uv.tool.packages = [ "ruff" ]; programs.shim.settings.tool.packages = [ "httpie" ]; }`, `{"tool":{"packages":["httpie"]}}`},
		"own_default":   {`{ programs.uv = { enable = true; python.versions = [ "3.14" "3.13" ]; }; programs.shim.settings.python.default = "3.13"; }`, `{"python":{"default":"3.13","prune":false,"versions":["3.14","3.13"]}}`},
		"uv_prune_only": {`{ programs.uv = { enable = true; python.prune = true; }; }`, `{"python":{"prune":false,"versions":[]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ask(row.modules); string(got.Settings) != row.want {
				t.Errorf("the policy is %s, want %s", got.Settings, row.want)
			}
		})
	}
}

func TestNixOSModule(t *testing.T) {
	var got struct {
		Failed    []string
		Enable    bool
		Libraries []string
		Settings  json.RawMessage
		Packages  []string
		Plain     bool
	}
	mustEvaluate(t, `let
		config = nixos [ {
			programs.shim = { enable = true; settings.nix-ld.libraries = [ "stdenv.cc.cc.lib" "\"odd name\"" ]; };
			programs.nix-ld.libraries = [ pkgs.icu74 ];
		} ];
		plain = nixos [ { programs.shim.enable = true; } ];
		off = nixos [ { programs.shim = { enable = true; settings.nix-ld.libraries = [ "zlib" ]; }; programs.nix-ld.enable = false; } ];
	in {
		failed = failed config ++ failed plain;
		inherit (config.programs.nix-ld) enable;
		libraries = map (p: p.name) config.programs.nix-ld.libraries;
		settings = config.environment.etc."shim/policy.toml".source.value;
		packages = map (p: p.name) config.environment.systemPackages;
		plain = !plain.programs.nix-ld.enable && plain.environment.etc == { } && !off.programs.nix-ld.enable;
	}`, &got)
	slices.Sort(got.Libraries)
	if len(got.Failed) > 0 || !got.Enable || !got.Plain || !slices.Equal(got.Libraries, []string{"gcc-lib", "icu74", "odd"}) || len(got.Packages) != 1 {
		t.Errorf("%+v", got)
	}
	if want := `{"nix-ld":{"libraries":["stdenv.cc.cc.lib","\"odd name\""]}}`; string(got.Settings) != want {
		t.Errorf("the policy is %s", got.Settings)
	}
}
