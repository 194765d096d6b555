package preflight

import (
	"os"
	"testing"

	"uvshim/shim/host"
	"uvshim/shim/nixld"
	"uvshim/shim/remember"
)

// request is for a Python that PREFLIGHT_PYTHON names.
func request(b *testing.B) Request {
	python := os.Getenv("PREFLIGHT_PYTHON")
	if python == "" {
		b.Skip("PREFLIGHT_PYTHON names no Python")
	}
	h := host.Host{Env: os.Environ(), UID: os.Geteuid()}.Env.With("XDG_CACHE_HOME", b.TempDir())
	return Request{System: nixld.Running(), Env: h, Python: python, Dir: "/", Memory: OpenMemory(remember.Open(host.Host{Env: h, UID: os.Geteuid()}))}
}

// BenchmarkCheck scans an environment of which nothing is remembered.
func BenchmarkCheck(b *testing.B) {
	r := request(b)
	r.Memory = nil
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad answers from memory, as every call of python does.
func BenchmarkLoad(b *testing.B) {
	r := request(b)
	if _, _, ok := Run(r, "2026-11-22"); !ok {
		b.Fatal("no verdict")
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := r.Memory.Load(r); !ok {
			b.Fatal("not remembered")
		}
	}
}
