package policy_test

import (
	"fmt"

	"uvshim/policy"
)

func ExampleLoad() {
	loaded, err := policy.Load(policy.File{Path: "policy.toml", Data: []byte(`
[python]
versions = ["3.14", "3.13", "3.12"]
default = ["3.14"]
prune = true
environment = "active"
auto-install = false
undeclared = "warn"

[tool]
packages = ["ruff", "httpie", "pre-commit"]
prune = true

[nix-ld]
libraries = ["stdenv.cc.cc.lib", "zlib"]

[preflight]
loader = "strict"
libraries = "warn"
ignore = ["libmimerapi.so"]

[uv]
supervise = true

[pip]
command = "uv"
`)})
	fmt.Println(err)
	fmt.Printf("%+v\n%+v\n%+v\n", loaded.Python, loaded.Tool, loaded.NixLD)
	fmt.Printf("%+v\n%+v\n%+v\n", loaded.Preflight, loaded.UV, loaded.Pip)
	fmt.Println(loaded.Source("python.default"))

	// Output:
	// <nil>
	// {Versions:[3.14 3.13 3.12] Default:[3.14] Prune:true Environment:active AutoInstall:false Undeclared:warn}
	// {Packages:[ruff httpie pre-commit] Prune:true}
	// {Libraries:[stdenv.cc.cc.lib zlib]}
	// {Loader:strict Libraries:warn Ignore:[libmimerapi.so]}
	// {Supervise:true}
	// {Command:uv}
	// policy.toml 4
}
