package elfdeps

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// MaxCache is the size of an ld.so.cache that is still read. A desktop's has some 300 KiB.
const MaxCache = 32 << 20

const (
	oldMagic  = "ld.so-1.7.0"
	newMagic  = "glibc-ld.so.cache1.1"
	oldHeader = 16 // magic, padding, number of entries
	oldEntry  = 12
	newHeader = 48
	newEntry  = 24

	extensionMagic  = 0xeaa42174
	extensionHWCaps = 1 // tag of the section that lists glibc-hwcaps subdirectories

	hwcapExtension = 1 << 62 // an entry from a glibc-hwcaps subdirectory, its index in the low half
	hwcapISALevel  = 1<<10 - 1
)

// A Cache is an /etc/ld.so.cache as ldconfig writes it, for looking up as elf/dl-cache.c does.
type Cache struct {
	entries []byte
	size    int    // of one entry
	strings []byte // where the offsets of names and paths count from
	hwcaps  []string
}

var errCache = errors.New("not an ld.so.cache")

// ParseCache returns the cache in data, which it keeps. Both forms are understood: the new one, and
// the old one with or without the new one inside.
func ParseCache(data []byte) (*Cache, error) {
	if len(data) > MaxCache {
		return nil, errors.New("ld.so.cache too large")
	}
	if bytes.HasPrefix(data, []byte(newMagic)) {
		return parseNew(data)
	}
	if !bytes.HasPrefix(data, []byte(oldMagic)) || len(data) < oldHeader {
		return nil, errCache
	}
	count := uint64(binary.LittleEndian.Uint32(data[12:]))
	if count > uint64(len(data)-oldHeader)/oldEntry {
		return nil, errCache
	}
	end := oldHeader + int(count)*oldEntry
	// the new form begins at the next multiple of 8, and its offsets count from there
	if inner := (end + 7) &^ 7; inner < len(data) && bytes.HasPrefix(data[inner:], []byte(newMagic)) {
		return parseNew(data[inner:])
	}
	return &Cache{entries: data[oldHeader:end], size: oldEntry, strings: data[end:]}, nil
}

func parseNew(data []byte) (*Cache, error) {
	if len(data) < newHeader {
		return nil, errCache
	}
	count := uint64(binary.LittleEndian.Uint32(data[20:]))
	if count > uint64(len(data)-newHeader)/newEntry {
		return nil, errCache
	}
	// 0 is what ldconfig wrote before it knew of byte order, 2 is little endian, 3 is big
	if order := data[28] & 3; order != 0 && order != 2 {
		return nil, errors.New("ld.so.cache is not little endian")
	}
	c := &Cache{entries: data[newHeader:][:count*newEntry], size: newEntry, strings: data}
	c.hwcaps = hwcapNames(data, binary.LittleEndian.Uint32(data[32:]))
	return c, nil
}

// hwcapNames returns the names of the glibc-hwcaps subdirectories in the extension at off. Without
// one, or with a damaged one, there are none.
func hwcapNames(data []byte, off uint32) []string {
	ext, ok := slice(data, uint64(off), 8)
	if off == 0 || !ok || binary.LittleEndian.Uint32(ext) != extensionMagic {
		return nil
	}
	count := uint64(binary.LittleEndian.Uint32(ext[4:]))
	sections, ok := slice(data, uint64(off)+8, count*16)
	if !ok {
		return nil
	}
	for ; len(sections) > 0; sections = sections[16:] {
		if binary.LittleEndian.Uint32(sections) != extensionHWCaps {
			continue
		}
		list, ok := slice(data, uint64(binary.LittleEndian.Uint32(sections[8:])), uint64(binary.LittleEndian.Uint32(sections[12:])))
		if !ok || len(list) > 4<<10 {
			return nil
		}
		var names []string
		for ; len(list) >= 4; list = list[4:] {
			name, _ := cstring(data, binary.LittleEndian.Uint32(list))
			names = append(names, string(name))
		}
		return names
	}
	return nil
}

// Lookup returns the path that the loader would take for the soname: for the machine's kind of
// library (class, machine), from the best of the glibc-hwcaps subdirectories in hwcaps, best first,
// if there is one.
func (c *Cache) Lookup(soname string, class byte, machine uint16, hwcaps []string) (string, bool) {
	if c == nil {
		return "", false
	}
	want := cacheFlags(class, machine)
	left, right := 0, len(c.entries)/c.size-1
	for left <= right {
		middle := (left + right) / 2
		key, ok := c.key(middle)
		if !ok {
			return "", false
		}
		if order := compareSoname(soname, key); order < 0 {
			// the table is sorted downwards
			left = middle + 1
		} else if order > 0 {
			right = middle - 1
		} else {
			return c.best(soname, middle, right, machine, want, hwcaps)
		}
	}
	return "", false
}

// best chooses among the entries of a soname, of which middle is one and none is behind right.
func (c *Cache) best(soname string, middle, right int, machine uint16, want uint32, hwcaps []string) (string, bool) {
	first := middle
	for first > 0 {
		key, ok := c.key(first - 1)
		if !ok || compareSoname(soname, key) != 0 {
			break
		}
		first--
	}
	var path []byte
	bestRank := 0
	for i := first; i <= right; i++ {
		if i > middle {
			if key, ok := c.key(i); !ok || compareSoname(soname, key) != 0 {
				break
			}
		}
		entry := c.entries[i*c.size:]
		flags := binary.LittleEndian.Uint32(entry)
		value, ok := cstring(c.strings, binary.LittleEndian.Uint32(entry[8:]))
		if !ok || flags != want && flags != 1 {
			continue
		}
		named := false
		if c.size == newEntry {
			hwcap := binary.LittleEndian.Uint64(entry[16:])
			named = hwcap>>32&^hwcapISALevel == hwcapExtension>>32
			if !named && path != nil {
				break // those of subdirectories come first
			}
			if !named && hwcap&^oldHWCaps(machine) != 0 {
				continue
			}
			if named {
				// x86-64-v2 is level 1, and so on: as many levels as subdirectories
				if int(hwcap>>32&hwcapISALevel) > len(hwcaps) {
					continue
				}
				rank := c.rank(uint32(hwcap), hwcaps)
				if rank == 0 || path != nil && rank >= bestRank {
					continue
				}
				bestRank = rank
			}
		}
		path = value
		if !named && flags == want {
			break
		}
	}
	return string(path), path != nil
}

// oldHWCaps are the bits of subdirectories of the kinds that glibc 2.37 gave up, "tls" and
// "x86_64", which a loader still takes from a cache. Others depend on the processor.
func oldHWCaps(machine uint16) uint64 {
	if machine == MachineX86_64 {
		return 1<<63 | 1<<1
	}
	return 1 << 63
}

// rank is 1 for the first of hwcaps, 0 for what is none of them.
func (c *Cache) rank(index uint32, hwcaps []string) int {
	if uint64(index) >= uint64(len(c.hwcaps)) {
		return 0
	}
	return slices.Index(hwcaps, c.hwcaps[index]) + 1
}

func (c *Cache) key(i int) ([]byte, bool) {
	return cstring(c.strings, binary.LittleEndian.Uint32(c.entries[i*c.size+4:]))
}

// cacheFlags are the flags of libraries that the loader of the machine takes
// (sysdeps/generic/ldconfig.h: the kind of machine in the second byte, 3 is "libc6").
func cacheFlags(class byte, machine uint16) uint32 {
	switch {
	case machine == MachineX86_64 && class == Class64:
		return 0x303
	case machine == MachineX86_64:
		return 0x803
	case machine == MachineAArch64 && class == Class64:
		return 0xa03
	case machine == MachineARM:
		return 0x903
	case machine == MachineRISCV && class == Class64:
		return 0x1003
	}
	return 3
}

// compareSoname is _dl_cache_libcmp: numbers by value, so that the order is not that of bytes.
func compareSoname(name string, key []byte) int {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	at := func(i int) byte {
		if i < len(key) {
			return key[i]
		}
		return 0
	}
	i, k := 0, 0
	for i < len(name) {
		switch {
		case digit(name[i]) && digit(at(k)):
			var a, b int32 // overflow as in C
			for ; i < len(name) && digit(name[i]); i++ {
				a = a*10 + int32(name[i]-'0')
			}
			for ; digit(at(k)); k++ {
				b = b*10 + int32(key[k]-'0')
			}
			if a != b {
				return int(a) - int(b)
			}
		case digit(name[i]):
			return 1
		case digit(at(k)):
			return -1
		case name[i] != at(k):
			return int(int8(name[i])) - int(int8(at(k)))
		default:
			i, k = i+1, k+1
		}
	}
	return -int(int8(at(k)))
}

// cstring returns the string at off of data, which ends there with a zero.
func cstring(data []byte, off uint32) ([]byte, bool) {
	if uint64(off) >= uint64(len(data)) {
		return nil, false
	}
	data = data[off:]
	end := bytes.IndexByte(data, 0)
	if end < 0 {
		return nil, false
	}
	return data[:end], true
}

func slice(data []byte, off, n uint64) ([]byte, bool) {
	if off > uint64(len(data)) || n > uint64(len(data))-off {
		return nil, false
	}
	return data[off:][:n], true
}
