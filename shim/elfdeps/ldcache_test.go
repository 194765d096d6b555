package elfdeps

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A cacheEntry is one library for makeCache.
type cacheEntry struct {
	name, path string
	flags      uint32
	hwcap      uint64
}

// makeCache writes an ld.so.cache in the new form. The entries must be in ldconfig's order:
// downwards by name, those of glibc-hwcaps subdirectories first.
func makeCache(entries []cacheEntry, hwcaps ...string) []byte {
	le := binary.LittleEndian
	strings := []byte{}
	start := newHeader + newEntry*len(entries)
	str := func(s string) uint32 {
		off := start + len(strings)
		strings = append(append(strings, s...), 0)
		return uint32(off)
	}
	out := append([]byte(newMagic), make([]byte, newHeader-len(newMagic))...)
	le.PutUint32(out[20:], uint32(len(entries)))
	out[28] = 2
	for _, e := range entries {
		out = le.AppendUint32(out, e.flags)
		out = le.AppendUint32(out, str(e.name))
		out = le.AppendUint32(out, str(e.path))
		out = le.AppendUint32(out, 0)
		out = le.AppendUint64(out, e.hwcap)
	}
	var names []uint32
	for _, name := range hwcaps {
		names = append(names, str(name))
	}
	le.PutUint32(out[24:], uint32(len(strings)))
	out = append(out, strings...)
	for len(out)%8 != 0 {
		out = append(out, 0)
	}
	le.PutUint32(out[32:], uint32(len(out)))
	section := uint32(len(out) + 8 + 16)
	for _, v := range []uint32{extensionMagic, 1, extensionHWCaps, 0, section, uint32(4 * len(names))} {
		out = le.AppendUint32(out, v)
	}
	for _, name := range names {
		out = le.AppendUint32(out, name)
	}
	return out
}

// oldCache writes the old form.
func oldCache(entries []cacheEntry) []byte {
	le := binary.LittleEndian
	out := append([]byte(oldMagic), 0)
	out = le.AppendUint32(out, uint32(len(entries)))
	var text []byte
	for _, e := range entries {
		out = le.AppendUint32(out, e.flags)
		out = le.AppendUint32(out, uint32(len(text)))
		text = append(append(text, e.name...), 0)
		out = le.AppendUint32(out, uint32(len(text)))
		text = append(append(text, e.path...), 0)
	}
	return append(out, text...)
}

func TestCache_Lookup(t *testing.T) {
	const ext = uint64(1) << 62
	entries := []cacheEntry{
		{"libz.so.1", "/lib32/libz.so.1", 3, 0},
		{"libz.so.1", "/lib/libz.so.1", 0x303, 0},
		{"libx.so.10", "/lib/libx.so.10", 0x303, 0},
		{"libx.so.9", "/lib/libx.so.9", 0x303, 0},
		{"libn.so", "/new/libn.so", 0x303, ext | 4<<32},
		{"libn.so", "/lib/libn.so", 0x303, 0},
		{"libm.so", "/v3/libm.so", 0x303, ext | 1},
		{"libm.so", "/v2/libm.so", 0x303, ext},
		{"libm.so", "/lib/libm.so", 0x303, 0},
		{"libh.so", "/old/libh.so", 0x303, 1 << 5},
		{"libh.so", "/lib/libh.so", 0x303, 0},
		{"libg.so", "/x86_64/libg.so", 0x303, 1 << 1},
		{"libg.so", "/lib/libg.so", 0x303, 0},
		{"libe.so", "/lib/libe.so", 1, 0},
		{"liba.so", "/arm/liba.so", 0xa03, 0},
	}
	data := makeCache(entries, "x86-64-v2", "x86-64-v3")
	compat := oldCache(entries[:2])
	for len(compat)%8 != 0 {
		compat = append(compat, 0)
	}
	old := compat
	// ldconfig puts the new form where the strings of the old one begin, and those behind it
	compat = append(oldCache(nil), data...)
	v3 := []string{"x86-64-v3", "x86-64-v2"}
	tests := []struct {
		name, soname string
		data         []byte
		machine      uint16
		hwcaps       []string
		want         string
	}{
		{"flags_chooseTheMachine", "libz.so.1", data, MachineX86_64, v3, "/lib/libz.so.1"},
		{"flags_aarch64", "liba.so", data, MachineAArch64, nil, "/arm/liba.so"},
		{"flags_otherMachine", "liba.so", data, MachineX86_64, nil, ""},
		{"flags_anyELF", "libe.so", data, MachineX86_64, nil, "/lib/libe.so"},
		{"order_numbersByValue", "libx.so.9", data, MachineX86_64, nil, "/lib/libx.so.9"},
		{"order_numbersByValueUp", "libx.so.10", data, MachineX86_64, nil, "/lib/libx.so.10"},
		{"name_unknown", "libq.so", data, MachineX86_64, nil, ""},
		{"hwcaps_best", "libm.so", data, MachineX86_64, v3, "/v3/libm.so"},
		{"hwcaps_lesser", "libm.so", data, MachineX86_64, v3[1:], "/v2/libm.so"},
		{"hwcaps_none", "libm.so", data, MachineX86_64, nil, "/lib/libm.so"},
		{"hwcaps_levelTooHigh", "libn.so", data, MachineX86_64, v3, "/lib/libn.so"},
		{"hwcaps_ofOldKind", "libh.so", data, MachineX86_64, v3, "/lib/libh.so"},
		{"hwcaps_ofOldKindThatAllHave", "libg.so", data, MachineX86_64, v3, "/x86_64/libg.so"},
		{"old_form", "libz.so.1", old, MachineX86_64, nil, "/lib/libz.so.1"},
		{"compat_newInsideOld", "libm.so", compat, MachineX86_64, v3, "/v3/libm.so"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := ParseCache(test.data)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := c.Lookup(test.soname, Class64, test.machine, test.hwcaps)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("got %q %v, want %q", got, ok, test.want)
			}
		})
	}
}

func TestParseCache_refused(t *testing.T) {
	whole := makeCache([]cacheEntry{{"liba.so", "/lib/liba.so", 0x303, 0}})
	many := slices.Clone(whole)
	binary.LittleEndian.PutUint32(many[20:], 1<<31)
	big := slices.Clone(whole)
	big[28] = 3
	old := oldCache([]cacheEntry{{"liba.so", "/lib/liba.so", 3, 0}})
	binary.LittleEndian.PutUint32(old[12:], 1<<31)
	for name, data := range map[string][]byte{"empty": nil, "text": []byte("# a text"), "magic": []byte(newMagic),
		"oldMagic": []byte(oldMagic), "count": many, "oldCount": old, "bigEndian": big, "size": make([]byte, MaxCache+1)} {
		if _, err := ParseCache(data); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestCache_thisMachine holds every line of ldconfig -p against Lookup.
func TestCache_thisMachine(t *testing.T) {
	data, err := os.ReadFile("/etc/ld.so.cache")
	if err != nil {
		t.Skip("no ld.so.cache here: ", err)
	}
	c, err := ParseCache(data)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, path := range []string{"/sbin/ldconfig", "/usr/bin/ldconfig"} {
		if out, err = exec.Command(path, "-p").Output(); err == nil {
			break
		}
	}
	if err != nil {
		t.Skip("no ldconfig here: ", err)
	}
	line := regexp.MustCompile(`^\t(\S+) \(libc6,x86-64\) => (\S+)$`)
	paths := map[string]string{}
	for text := range strings.Lines(string(out)) {
		if m := line.FindStringSubmatch(strings.TrimSuffix(text, "\n")); m != nil && paths[m[1]] == "" {
			paths[m[1]] = m[2]
		}
	}
	for soname, want := range paths {
		if got, _ := c.Lookup(soname, Class64, MachineX86_64, nil); got != want {
			t.Errorf("%s: got %q, want %q", soname, got, want)
		}
	}
	t.Logf("%d sonames", len(paths))
}

func FuzzCache(f *testing.F) {
	entries := []cacheEntry{{"libb.so.2", "/lib/libb.so.2", 0x303, 0}, {"liba.so", "/v3/liba.so", 0x303, 1 << 62}, {"liba.so", "/lib/liba.so", 0x303, 0}}
	whole := makeCache(entries, "x86-64-v3")
	f.Add(whole)
	f.Add(oldCache(entries))
	f.Add(append(oldCache(nil), whole...))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCache(data)
		if err != nil {
			return
		}
		for _, name := range []string{"liba.so", "libb.so.2", "libb.so.10", ""} {
			if path, ok := c.Lookup(name, Class64, MachineX86_64, []string{"x86-64-v3"}); ok && !bytes.Contains(data, []byte(path)) {
				t.Errorf("%q is not from the cache", path)
			}
		}
	})
}
