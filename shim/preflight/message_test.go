package preflight

import (
	"strings"
	"testing"

	"uvshim/shim/nixld/attribute"
)

func TestMessage(t *testing.T) {
	need := func(soname, dist, version, file string) Finding {
		a := attribute.Of(soname, "25.11")
		return Finding{Kind: MissingSoname, Severity: Required, Soname: soname, Distribution: dist, DistVersion: version,
			File: file, Module: file, Attribute: a.Attribute, AttributeKind: a.Kind, Note: a.Note}
	}
	numpy := need("libstdc++.so.6", "numpy", "2.5.5", "/p/.venv/lib/numpy/x.so")
	nix := Verdict{Outcome: NotCovered, NixLD: true, NixOS: true, Release: "25.11", Python: "/p/.venv/bin/python", Environment: "/p/.venv",
		Variable: "NIX_LD_LIBRARY_PATH", Version: "3.13"}
	with := func(v Verdict, findings ...Finding) Verdict {
		v.Findings = findings
		return v
	}
	other := nix
	other.NixLD, other.NixOS, other.Release = false, false, ""
	built := nix
	built.NixLD, built.Outcome = false, NotApplicable
	optional := numpy
	optional.Severity = Optional
	rows := []struct {
		name string
		v    Verdict
		w    Wording
		want string
	}{
		{name: "ok", v: Verdict{Outcome: OK}},
		{name: "optional", v: with(nix, optional)},
		{name: "one", v: with(nix, numpy), w: Wording{Dir: "/p", Now: "shim fix"}, want: `
numpy 2.5.5 needs libstdc++.so.6, which nix-ld does not provide
  needed by  .venv/lib/numpy/x.so
  fix        in configuration.nix, then nixos-rebuild switch:
               programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];
  or now     shim fix`},
		{name: "one_of_two", v: with(nix, numpy, need("libstdc++.so.6", "scipy", "1", "/x")), w: Wording{Libraries: []string{"icu", "stdenv.cc.cc.lib"}}, want: `
numpy 2.5.5, scipy 1 need libstdc++.so.6, which nix-ld does not provide
  needed by  /p/.venv/lib/numpy/x.so
  fix        in configuration.nix, then nixos-rebuild switch:
               programs.nix-ld.libraries = with pkgs; [ icu stdenv.cc.cc.lib ];`},
		{name: "many", v: with(nix, numpy, need("libz.so.1", "scipy", "1", "/x"), need("libGL.so.1", "cv", "5", "/y")), w: Wording{Dir: "/p"}, want: `
.venv needs 3 libraries that nix-ld does not provide
  missing    libstdc++.so.6: numpy 2.5.5
             libz.so.1: scipy 1
             libGL.so.1: cv 5
  fix        in configuration.nix, then nixos-rebuild switch:
               programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib zlib libGL ];`},
		{name: "many_of_one", v: with(nix, numpy, need("libz.so.1", "numpy", "2.5.5", "/x")), want: `
numpy 2.5.5 needs 2 libraries that nix-ld does not provide
  missing    libstdc++.so.6: numpy 2.5.5
             libz.so.1: numpy 2.5.5
  fix        in configuration.nix, then nixos-rebuild switch:
               programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib zlib ];`},
		{name: "driver", v: with(nix, need("libcuda.so.1", "torch", "2", "")), want: `
torch 2 needs libcuda.so.1, which nix-ld does not provide
  fix        export NIX_LD_LIBRARY_PATH="${NIX_LD_LIBRARY_PATH-/run/current-system/sw/share/nix-ld/lib}:/run/opengl-driver/lib"   # the graphics driver has it`},
		{name: "no_such_abi", v: with(nix, need("libffi.so.7", "old", "1", "")), want: `
old 1 needs libffi.so.7, which nix-ld does not provide
  fix        libffi.so.7: ` + attribute.Of("libffi.so.7", "25.11").Note},
		{name: "unknown", v: with(nix, need("libqqq.so.1", "q", "1", "")), want: `
q 1 needs libqqq.so.1, which nix-ld does not provide
  fix        nix-locate -w lib/libqqq.so.1   # finds the package of libqqq.so.1`},
		{name: "version", v: with(nix, Finding{Kind: MissingVersion, Severity: Required, Soname: "libstdc++.so.6", SymbolVersion: "GLIBCXX_3.4.32",
			Path: "/l/libstdc++.so.6", Attribute: "stdenv.cc.cc.lib", AttributeKind: attribute.Default, Distribution: "a", DistVersion: "1"}), want: `
a 1 needs GLIBCXX_3.4.32 of libstdc++.so.6, which /l/libstdc++.so.6 does not have
  fix        in configuration.nix, then nixos-rebuild switch:
               programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];`},
		{name: "glibc", v: with(nix, Finding{Kind: MissingVersion, Severity: Required, Soname: "libc.so.6", SymbolVersion: "GLIBC_2.50",
			Path: "/g/libc.so.6", AttributeKind: attribute.Glibc, Distribution: "a", DistVersion: "1"}), want: `
a 1 needs GLIBC_2.50 of libc.so.6, which /g/libc.so.6 does not have
  fix        this glibc is older than the wheel asks for: use a newer system, or an older wheel`},
		{name: "pythonpath", v: with(nix, Finding{Kind: ForeignPath, Severity: Required, File: "/nix/store/x", Module: "/nix/store/x"}), want: `
PYTHONPATH: /nix/store/x is for another Python than 3.13
  fix        unset PYTHONPATH   # which a Nix shell has set`},
		{name: "mixed", v: with(nix, numpy, Finding{Kind: ForeignPath, Severity: Required, File: "/nix/store/x", Module: "/nix/store/x"}), want: `
/p/.venv cannot work as it is, for 2 reasons
  missing    libstdc++.so.6: numpy 2.5.5
             /nix/store/x is for another Python than 3.13: PYTHONPATH
  fix        in configuration.nix, then nixos-rebuild switch:
               programs.nix-ld.libraries = with pkgs; [ stdenv.cc.cc.lib ];
             unset PYTHONPATH   # which a Nix shell has set`},
		{name: "other_linux", v: with(other, numpy), want: `
numpy 2.5.5 needs libstdc++.so.6, which this system does not have
  needed by  /p/.venv/lib/numpy/x.so
  fix        install the package of your distribution that has libstdc++.so.6`},
		{name: "nix_built", v: with(built, numpy), want: `
numpy 2.5.5 needs libstdc++.so.6, which it does not find: its Python was built by Nix and does not use nix-ld
  needed by  /p/.venv/lib/numpy/x.so
  fix        uv venv --managed-python   # a Python that uv manages`},
		{name: "nix_built_fine", v: built},
		{name: "loader", v: Verdict{Outcome: NoLoader, Certain: true, NixOS: true, Python: "/py", Reason: "there is no /lib64/x"}, want: `
/py cannot start: there is no /lib64/x
  fix        in configuration.nix, then nixos-rebuild switch:
               programs.nix-ld.enable = true;`},
		{name: "loader_elsewhere", v: Verdict{Outcome: NoLoader, Certain: true, Python: "/py", Reason: "there is no /lib64/x"}, want: `
/py cannot start: there is no /lib64/x`},
		{name: "nixld_broken", v: Verdict{Outcome: Broken, NixOS: true, Python: "/py", Reason: "too old"}, want: `
/py may not start: too old
  fix        unset NIX_LD NIX_LD_LIBRARY_PATH   # or log in anew`},
		{name: "collected", v: Verdict{Outcome: NotApplicable, Certain: true, Python: "/py", Reason: "gone"}, want: `
/py cannot start: gone
  fix        uv venv`},
		{name: "hostile", v: with(nix, need("lib\x1b[31m.so", "a\nb", "1", "/f\x07")), want: `
a\nb 1 needs lib\x1b[31m.so, which nix-ld does not provide
  needed by  /f\a
  fix        nix-locate -w $'lib/lib\x1b[31m.so'   # finds the package of lib\x1b[31m.so`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := row.v.Message(row.w); got != strings.TrimPrefix(row.want, "\n") {
				t.Errorf("got\n%s\nwant%s", got, row.want)
			}
		})
	}
}

func TestMessage_long(t *testing.T) {
	v := Verdict{Outcome: NotCovered, NixLD: true, Environment: "/e"}
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		v.Findings = append(v.Findings, Finding{Kind: MissingSoname, Severity: Required, Soname: "lib" + string(c) + ".so", AttributeKind: attribute.Unknown})
	}
	text := v.Message(Wording{})
	if n := strings.Count(text, "\n"); n > 30 || !strings.Contains(text, "and 14 more") {
		t.Errorf("%d lines:\n%s", n, text)
	}
}
