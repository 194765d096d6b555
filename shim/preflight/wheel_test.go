package preflight

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"uvshim/shim/elfdeps"
)

type entry struct{ name, content string }

func wheel(t testing.TB, entries ...entry) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, e.content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const wheelName = "/w/a_dist-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"

func TestWheel(t *testing.T) {
	info := []entry{{"a_dist-1.0.dist-info/METADATA", "Name: a-dist\n"}, {"a_dist-1.0.dist-info/RECORD", "a/b" + tag + ",,\n"}}
	rows := []struct {
		name    string
		wheel   string
		file    string
		entries []entry
		want    []string
		notes   string
	}{
		{name: "fine", entries: []entry{{"a/b" + tag, module()}}},
		{name: "misses", entries: append(info, entry{"a/b" + tag, module("libz.so.1")}), want: []string{"required missing-soname libz.so.1 of a-dist 1.0"}},
		{name: "own_library", entries: []entry{
			{"a/b" + tag, object{needed: []string{"libq-1.so.0"}, rpath: "$ORIGIN/../a.libs"}.String()}, {"a.libs/libq-1.so.0", lib("libq-1.so.0")}}},
		{name: "data", entries: []entry{{"a_dist-1.0.data/platlib/b" + tag, module("libz.so.1")}}, want: []string{"required missing-soname libz.so.1"}},
		{name: "data_scripts", entries: []entry{{"a_dist-1.0.data/scripts/b" + tag, module("libz.so.1")}}},
		{name: "other_python", file: "/w/a-1-cp312-cp312-linux_x86_64.whl",
			entries: []entry{{"b.cpython-312-x86_64-linux-gnu.so", module("libz.so.1")}}, want: []string{"required missing-soname libz.so.1"}},
		{name: "free_threaded", file: "/w/a-1-cp313-cp313t-linux_x86_64.whl",
			entries: []entry{{"b.cpython-313t-x86_64-linux-gnu.so", module("libz.so.1")}}, want: []string{"required missing-soname libz.so.1"}},
		{name: "name_leads_out", entries: []entry{{"../b" + tag, module("libz.so.1")}, {"/b" + tag, module("libz.so.1")}, {"a/../b" + tag, module("libz.so.1")}}, notes: "leads out"},
		{name: "name_backslash", entries: []entry{{"..\\b" + tag, module("libz.so.1")}}, notes: "leads out"},
		{name: "name_not_utf8", entries: []entry{{"\xff" + tag, module("libz.so.1")}}, notes: "UTF-8"},
		{name: "name_twice", entries: []entry{{"b" + tag, module()}, {"b" + tag, module("libz.so.1")}}, notes: "twice"},
		{name: "name_file_and_directory", entries: []entry{{"b/c" + tag, module()}, {"b", "x"}}, notes: "twice"},
		{name: "wheel_of_others", entries: []entry{{"b" + tag, module("libcublas.so.12")}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.file == "" {
				row.file = wheelName
			}
			sys := nixos().with(tree{row.file: wheel(t, row.entries...)}).root(t)
			v, err := Wheel(Request{System: sys, Python: venv + "/bin/python"}, row.file)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range v.Required() {
				got = append(got, short(f))
				if !strings.HasPrefix(f.File, row.file+"/") {
					t.Errorf("file %q", f.File)
				}
			}
			if !slices.Equal(got, row.want) || (v.Outcome == OK) != (len(row.want) == 0) {
				t.Errorf("%s: got %q, want %q", v.Outcome, got, row.want)
			}
			notes := strings.Join(v.Notes, "\n")
			if !strings.Contains(notes, row.notes) || row.notes == "" && notes != "" {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestWheel_fails(t *testing.T) {
	whole := wheel(t, entry{"b" + tag, module()})
	for name, files := range map[string]tree{
		"missing":         {"/x": ""},
		"directory":       {wheelName: "dir"},
		"no zip":          {wheelName: "text"},
		"cut":             {wheelName: whole[:len(whole)-30]},
		"large directory": {wheelName: wheel(t, slices.Repeat([]entry{{strings.Repeat("n", 60000), ""}}, 300)...)},
	} {
		if v, err := Wheel(Request{System: nixos().with(files).root(t), Python: venv + "/bin/python"}, wheelName); err == nil {
			t.Errorf("%s: no error: %+v", name, v)
		}
	}
}

// An archive that lies about its sizes is not unpacked to what it claims.
func TestWheel_bomb(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "b" + tag, Method: zip.Deflate, CompressedSize64: 10, UncompressedSize64: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	f.Write(make([]byte, 10))
	w.Close()
	v, err := Wheel(Request{System: nixos().with(tree{wheelName: out.String()}).root(t), Python: venv + "/bin/python"}, wheelName)
	if err != nil || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "unpack to more") {
		t.Errorf("%+v, %v", v, err)
	}
}

// However it is asked for, an entry reads like the file it was made of.
func TestWheelFile(t *testing.T) {
	const head = 1 << 20
	content := make([]byte, head+1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(random.Uint32()) & 3
	}
	data := wheel(t, entry{"x", string(content)})
	open := func(budget int64) *wheelFile {
		fs, err := openWheel(elfdeps.Host{}, "/w.whl", strings.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		fs.budget, fs.head = budget, head
		f, err := fs.Open("/w.whl/y/../x")
		if err != nil {
			t.Fatal(err)
		}
		return f.(*wheelFile)
	}
	f := open(maxUnpacked)
	for _, r := range [][2]int{{0, 64}, {100, 1 << 20}, {10, 20}, {head - 5, 10}, {head + 100, 5000}, {head + 50, 10}, {5, 5}, {len(content) - 10, 10}} {
		p := make([]byte, r[1])
		if n, err := f.ReadAt(p, int64(r[0])); n != len(p) || err != nil || !bytes.Equal(p, content[r[0]:r[0]+r[1]]) {
			t.Fatalf("at %d: %d bytes, %v", r[0], n, err)
		}
	}
	p := make([]byte, 20)
	if n, err := f.ReadAt(p, int64(len(content)-10)); n != 10 || err != io.EOF {
		t.Errorf("over the end: %d, %v", n, err)
	}
	var last error
	for range 100 {
		if _, last = f.ReadAt(p, head+1<<19); last != nil {
			break
		}
	}
	if !errors.Is(last, errAgain) {
		t.Errorf("back and forth: %v", last)
	}
	if _, err := open(1000).ReadAt(make([]byte, 100), head+1); !errors.Is(err, errBudget) {
		t.Errorf("over the budget: %v", err)
	}
}

func FuzzWheel(f *testing.F) {
	f.Add([]byte(wheel(f, entry{"a/b" + tag, module("libz.so.1")}, entry{"a-1.dist-info/METADATA", "Name: a\n"})))
	f.Add([]byte(wheel(f, entry{"../x.so", "x"}, entry{"x.so", "y"}, entry{"x.so/", ""})))
	f.Fuzz(func(t *testing.T, data []byte) {
		fs, err := openWheel(elfdeps.Host{}, "/w.whl", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		fs.budget = 64 << 20
		for _, rel := range sortedKeys(fs.files) {
			if !local(rel) {
				t.Fatalf("%q leads out", rel)
			}
			file, err := fs.Open(fs.root + "/" + rel)
			if err != nil {
				t.Fatal(err)
			}
			info, err := file.Info()
			if err != nil {
				t.Fatal(err)
			}
			elfdeps.Read(file, info.Size)
			file.Close()
		}
	})
}
