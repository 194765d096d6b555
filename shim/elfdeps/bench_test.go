package elfdeps

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// processor returns the processor time that this process has used, in ms: on a machine with other
// work a truer measure than the time on the wall.
func processor() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// BenchmarkRead reads the facts of every library of a tree, ELFDEPS_TREES or this machine's.
func BenchmarkRead(b *testing.B) {
	tree := os.Getenv("ELFDEPS_TREES")
	if tree == "" {
		tree = "/usr/lib/x86_64-linux-gnu"
	}
	paths := libraries(tree)
	if len(paths) == 0 {
		b.Skip("no libraries in " + tree)
	}
	b.ReportAllocs()
	before := processor()
	for b.Loop() {
		files := NewFiles(Host{}, nil)
		for _, path := range paths {
			files.Facts(path)
		}
	}
	b.ReportMetric(float64(len(paths)), "files")
	b.ReportMetric((processor()-before)/float64(b.N), "cpu-ms/op")
}

// BenchmarkOpen opens every extension module of a tree in a process of its own, cold.
func BenchmarkOpen(b *testing.B) {
	tree := os.Getenv("ELFDEPS_TREES")
	python := os.Getenv("ELFDEPS_PYTHON")
	if tree == "" || python == "" {
		b.Skip("ELFDEPS_TREES and ELFDEPS_PYTHON name no environment")
	}
	paths := libraries(tree)
	b.ReportAllocs()
	before := processor()
	problems := 0
	for b.Loop() {
		problems = 0
		base, _, err := Start(setting{dir: "/"}.system(b), python)
		if err != nil {
			b.Fatal(err)
		}
		for _, path := range paths {
			problems += len(base.Clone().Open(path, nil).Problems)
		}
	}
	b.ReportMetric(float64(len(paths)), "files")
	b.ReportMetric((processor()-before)/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(problems), "problems")
}

func libraries(tree string) []string {
	var paths []string
	filepath.WalkDir(tree, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), ".so") {
			paths = append(paths, path)
		}
		return nil
	})
	return paths
}
