package nixroot

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// cutVersions takes the versions that are defined after limit out of an ELF file's list of
// definitions: those of the same family as limit, GLIBCXX_3.4.20 with GLIBCXX_3.4.19. The list
// is a chain of offsets (Linux Standard Base, symbol versioning), so nothing moves.
func cutVersions(content []byte, limit string) ([]byte, error) {
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	defs, names, count := file.Section(".gnu.version_d"), file.Section(".dynstr"), -1
	if defs == nil || names == nil {
		return nil, errors.New("it defines no symbol versions")
	}
	dynamic := file.Section(".dynamic")
	for at := int(dynamic.Offset); at < int(dynamic.Offset+dynamic.Size); at += 16 {
		if elf.DynTag(binary.LittleEndian.Uint64(content[at:])) == elf.DT_VERDEFNUM {
			count = at + 8
		}
	}
	if count < 0 {
		return nil, errors.New("it does not say how many versions it defines")
	}
	content = bytes.Clone(content)
	word := func(at int) int { return int(binary.LittleEndian.Uint32(content[at:])) }
	put := func(at, value int) { binary.LittleEndian.PutUint32(content[at:], uint32(value)) }
	const aux, next = 12, 16 // fields of Elf64_Verdef; a Verdaux begins with its name

	family, _, _ := strings.Cut(limit, "_")
	at, kept, last, past := int(defs.Offset), 0, -1, false
	for {
		name, _, _ := bytes.Cut(content[int(names.Offset)+word(at+word(at+aux)):], []byte{0})
		step := word(at + next)
		if !past || !strings.HasPrefix(string(name), family+"_") {
			if last >= 0 {
				put(last+next, at-last)
			}
			last, kept = at, kept+1
		}
		past = past || string(name) == limit
		if step == 0 {
			break
		}
		at += step
	}
	if !past {
		return nil, fmt.Errorf("it does not define %s", limit)
	}
	put(last+next, 0)
	put(count, kept)
	// and in the section's header, for those who read that
	header := int(binary.LittleEndian.Uint64(content[40:])) + 64*slices.Index(file.Sections, defs)
	put(header+44, kept)
	return content, nil
}
