package uv

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// ScriptEnvironment returns the environment that uv keeps in its cache for the script at path, which
// is absolute and not cleaned: uv's name for it comes from the path as text (uv-python-discovery,
// ScriptInterpreter::root).
func ScriptEnvironment(cache, path string) string {
	name := pathDigest(path)
	stem := filepath.Base(path)
	if dot := strings.LastIndexByte(stem, '.'); dot > 0 {
		stem = stem[:dot]
	}
	if stem = cacheName(stem); stem != "" && utf8.ValidString(path[strings.LastIndexByte(path, '/')+1:]) {
		name = stem + "-" + name
	}
	return filepath.Join(cache, environmentsBucket, name)
}

// InCache reports whether dir, links not followed, lies among the environments in uv's cache.
func InCache(cache, dir string) bool {
	return cache != "" && strings.HasPrefix(dir, filepath.Join(cache, environmentsBucket)+"/")
}

// environmentsBucket is the part of the cache that has the environments of scripts.
const environmentsBucket = "environments-v2"

// cacheName makes a name fit for the cache: lower case, everything but letters and digits a dash, at
// most 100 bytes, which were cut before (uv-cache-key, cache_name).
func cacheName(name string) string {
	name = name[:min(len(name), 100)]
	var out []byte
	for i := range len(name) {
		switch c := name[i]; {
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
			out = append(out, c)
		case c >= 'A' && c <= 'Z':
			out = append(out, c+'a'-'A')
		case len(out) == 0 || out[len(out)-1] != '-':
			out = append(out, '-')
		}
	}
	return strings.TrimSuffix(string(out), "-")
}

// pathDigest returns uv's digest of an absolute path (uv-cache-key, cache_digest): SeaHash over what
// Rust's std hashes of a Path, which are the parts between slashes, "." left out, and a word that is
// made of their lengths.
func pathDigest(path string) string {
	var data []byte
	var lengths uint64
	for i, part := range strings.Split(path, "/") {
		if part == "" || part == "." && i > 0 {
			continue
		}
		lengths = bits.RotateLeft64(lengths+uint64(len(part)), -2)
		data = append(data, part...)
	}
	data = binary.LittleEndian.AppendUint64(data, lengths)
	return hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, seaHash(data)))
}

// seaHash is SeaHash 4 with its default seeds (docs.rs/seahash, reference.rs).
func seaHash(data []byte) uint64 {
	diffuse := func(x uint64) uint64 {
		x *= 0x6eed0e9da4d94a4f
		x ^= (x >> 32) >> (x >> 60)
		return x * 0x6eed0e9da4d94a4f
	}
	state := [4]uint64{0x16f11fe89b0d677c, 0xb480a793d8e6c86c, 0x6fe2e5aaf078ebc9, 0x14f994a4c5259381}
	size := uint64(len(data))
	for i := 0; len(data) > 0; i++ {
		var word [8]byte
		n := copy(word[:], data)
		data = data[n:]
		state[i%4] = diffuse(state[i%4] ^ binary.LittleEndian.Uint64(word[:]))
	}
	return diffuse(state[0] ^ state[1] ^ state[2] ^ state[3] ^ size)
}
