package doctor

import "testing"

func TestFixed(t *testing.T) {
	const libraries = "home/.local/share/shim/libraries"
	list := "shim libraries 1\nzlib\tW/" + libraries + "/zlib/result/lib\t2026-11-22\t\ndriver\tW/driver\t2026-11-22\t\n"
	table(t, "fixed", []row{
		{"nothing", func(w *world) {}, "ok: shim fix provides nothing\n"},
		{"damaged", func(w *world) { w.file(libraries+"/list", "no list\n") }, `
warning: reading what shim fix has provided: the list is damaged, or another version's
  > shim fix --undo
`},
		{"gone", func(w *world) {
			w.file(libraries+"/list", list)
			w.file("driver/libcuda.so.1", "")
		}, `
warning: what shim fix provided was removed, or collected as garbage
  ~/.local/share/shim/libraries/zlib/result/lib
  > shim fix
`},
		{"there", func(w *world) {
			w.file(libraries+"/list", list)
			w.file("driver/libcuda.so.1", "")
			w.file(libraries+"/zlib/result/lib/libz.so.1", "")
		}, `
info: zlib, driver from shim fix, for what runs through shim only
  ~/.local/share/shim/libraries/zlib/result/lib
  W/driver
  > in configuration.nix, then nixos-rebuild switch:
  >   programs.nix-ld.libraries = with pkgs; [ zlib ];
`},
	})
}
