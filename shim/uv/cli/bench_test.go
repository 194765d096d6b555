package cli

import (
	"strings"
	"testing"

	"uvshim/shim/host"
)

func BenchmarkParse(b *testing.B) {
	for _, line := range []string{
		"run --frozen -q python x.py",
		"--project /src/demo run --with numpy --python 3.12 --no-sync -- python -m pytest -q",
		"pip install -r requirements.txt --upgrade",
	} {
		args := strings.Fields(line)
		b.Run(strings.ReplaceAll(line, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !Parse("uv", args).Known {
					b.Fatal("not understood")
				}
			}
		})
	}
}

func BenchmarkWith(b *testing.B) {
	env := host.Env{}
	for range 60 {
		env = append(env, "SOME_VARIABLE=some value")
	}
	env = append(env, "UV_NO_SYNC=1")
	l := Parse("uv", []string{"run", "--frozen", "-q", "python", "x.py"})
	b.ReportAllocs()
	for b.Loop() {
		if !l.With(env).Has("no-sync") {
			b.Fatal("not found")
		}
	}
}
