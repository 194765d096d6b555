package elfdeps_test

import (
	"os"
	"testing"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld"
)

func TestMain(m *testing.M) {
	elfdeps.LibraryPath = func(env []string) string {
		return nixld.Environment(host.Env(env), nixld.Loader{Kind: nixld.NixLD, Major: 2, Machine: elfdeps.MachineX86_64}).Path
	}
	os.Exit(m.Run())
}
