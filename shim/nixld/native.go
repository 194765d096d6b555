package nixld

import (
	"runtime"

	"uvshim/shim/elfdeps"
)

// NativeInterp returns the path at which programs for this machine have glibc's loader, and their
// e_machine; "" for a machine that is not known.
func NativeInterp() (interp string, machine uint16) {
	switch runtime.GOARCH {
	case "amd64":
		return "/lib64/ld-linux-x86-64.so.2", elfdeps.MachineX86_64
	case "arm64":
		return "/lib/ld-linux-aarch64.so.1", elfdeps.MachineAArch64
	case "386":
		return "/lib/ld-linux.so.2", elfdeps.Machine386
	case "riscv64":
		return "/lib/ld-linux-riscv64-lp64d.so.1", elfdeps.MachineRISCV
	}
	return "", 0
}
