package nix

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"uvshim/testscripts/parts"
)

// source returns the files that package.nix takes from root, sorted.
func source(root string) ([]string, error) {
	files := []string{"go.mod", "go.sum"}
	for _, top := range []string{"cmd", "policy", "shim"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || top == "policy" && strings.HasSuffix(path, ".nix") {
				return err
			}
			name, err := filepath.Rel(root, path)
			files = append(files, name)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return files, nil
}

// The hash in package.nix is that of what `go mod vendor` makes of those files, as buildGoModule has
// it made: the NAR of vendor/.
func TestVendorHash(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := source(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, error) {
		cmd := exec.Command(parts.Tool(t, "go"), args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("mod", "vendor"); err != nil {
		parts.Missing(t, fmt.Errorf("the modules are not to be had: %w: %s", err, out))
	}
	if out, err := run("list", "-mod=vendor", "-deps", "./cmd/shim"); err != nil {
		t.Errorf("the program cannot be made of those files: %v\n%s", err, out)
	}
	hash := sha256.New()
	narString(hash, "nix-archive-1")
	if err := nar(hash, filepath.Join(dir, "vendor")); err != nil {
		t.Fatal(err)
	}
	want := "sha256-" + base64.StdEncoding.EncodeToString(hash.Sum(nil))
	text, err := os.ReadFile("package.nix")
	if err != nil {
		t.Fatal(err)
	}
	if got := regexp.MustCompile(`vendorHash = "(.*)"`).FindSubmatch(text); got == nil || string(got[1]) != want {
		t.Errorf("policy/nix/package.nix is stale: vendorHash = %q;", want)
	}
}

// nar writes a file or directory in Nix's archive format (Dolstra, The Purely Functional Software
// Deployment Model, figure 5.2).
func nar(w io.Writer, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	narString(w, "(", "type")
	switch {
	case info.Mode().IsRegular():
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		narString(w, "regular")
		if info.Mode()&0o100 != 0 {
			narString(w, "executable", "")
		}
		narString(w, "contents", string(data))
	case info.IsDir():
		entries, err := os.ReadDir(path) // sorted
		if err != nil {
			return err
		}
		narString(w, "directory")
		for _, e := range entries {
			narString(w, "entry", "(", "name", e.Name(), "node")
			if err := nar(w, filepath.Join(path, e.Name())); err != nil {
				return err
			}
			narString(w, ")")
		}
	default:
		return fmt.Errorf("%s is neither a file nor a directory", path)
	}
	narString(w, ")")
	return nil
}

// narString writes texts with their lengths, padded to 8 bytes.
func narString(w io.Writer, texts ...string) {
	for _, text := range texts {
		binary.Write(w, binary.LittleEndian, uint64(len(text)))
		io.WriteString(w, text+strings.Repeat("\x00", (8-len(text)%8)%8))
	}
}

// What nar writes is what nix hashes.
func TestNAR(t *testing.T) {
	nix := parts.Tool(t, "nix-hash")
	dir := filepath.Join(t.TempDir(), "vendor")
	for name, mode := range map[string]fs.FileMode{"a/b.go": 0o644, "a/run.sh": 0o755, "a.go": 0o600, "Z/12345678": 0o644, "empty": 0o644} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.TrimPrefix(filepath.Base(path), "empty")), mode); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(nix, "--type", "sha256", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	narString(hash, "nix-archive-1")
	if err := nar(hash, dir); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x\n", hash.Sum(nil)); got != string(out) {
		t.Errorf("%s, nix says %s", got, out)
	}
}
