package elfdeps

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// tags of the dynamic section, as in elf.h
const (
	dtNull      = 0
	dtNeeded    = 1
	dtStrtab    = 5
	dtSoname    = 14
	dtRPath     = 15
	dtRunPath   = 29
	dtRelr      = 36
	dtVersym    = 0x6ffffff0
	dtFlags1    = 0x6ffffffb
	dtVerdef    = 0x6ffffffc
	dtVerneed   = 0x6ffffffe
	dtAuxiliary = 0x7ffffffd
	dtFilter    = 0x7fffffff

	df1NoOpen   = 0x40
	df1NoDefLib = 0x800
	df1PIE      = 0x08000000
)

// Read returns the facts of the ELF file r of size bytes. It looks at what the loader looks at: the
// ELF header, the program headers, and what PT_DYNAMIC points at, by address; never at section
// headers, which a file need not have. Files that are not ELF, are damaged, have tables without
// end, or are not little endian give a FormatError, other errors are r's. With an error, Class and
// Machine of the result are set as far as the loader would have accepted them before.
func Read(r io.ReaderAt, size int64) (Facts, error) {
	arena := arenas.Get().(*[arenaSize]byte)
	defer arenas.Put(arena)
	im := &image{r: r, size: size, left: maxRead, textLeft: maxText, arena: arena[:]}
	var f Facts
	err := im.facts(&f)
	return f, err
}

// facts reads the header, in the order in which open_verify of elf/dl-load.c tests it: class and
// machine decide whether the loader passes the file over, all else is an error. The header of a 32
// bit file is shorter than the 64 bytes asked for, but not with the segments it needs.
func (im *image) facts(f *Facts) error {
	if im.size < 64 {
		return badFormat("file too short")
	}
	head, err := im.at(0, 64)
	if err != nil {
		return err
	}
	if string(head[:4]) != "\x7fELF" {
		return badFormat("invalid ELF header")
	}
	f.Class = head[4]
	switch f.Class {
	case Class32:
	case Class64:
		im.wide = true
	default:
		f.Class = max(f.Class, Class64+1) // some other one: 0 would mean that it is not known
		return badFormat("unknown ELF class %d", head[4])
	}
	machine := binary.LittleEndian.Uint16(head[18:])
	if err := ident(head); err != nil {
		f.Machine = machine // of another one it is passed over all the same
		return err
	}
	if binary.LittleEndian.Uint32(head[20:]) != 1 {
		return badFormat("ELF file version does not match current one")
	}
	f.Machine = machine
	f.Type = binary.LittleEndian.Uint16(head[16:])
	if f.Type != TypeDyn && f.Type != TypeExec {
		return badFormat("only ET_DYN and ET_EXEC can be loaded")
	}
	phoff, sizes, entry := uint64(binary.LittleEndian.Uint32(head[28:])), head[42:], 32
	if im.wide {
		phoff, sizes, entry = binary.LittleEndian.Uint64(head[32:]), head[54:], 56
	}
	if int(binary.LittleEndian.Uint16(sizes)) != entry {
		return badFormat("ELF file's phentsize not the expected size")
	}
	count := int(binary.LittleEndian.Uint16(sizes[2:]))
	if phoff > uint64(im.size) || uint64(count*entry) > uint64(im.size)-phoff {
		return badFormat("cannot read file data")
	}
	table, err := im.at(int64(phoff), count*entry)
	if err != nil {
		return err
	}
	return im.segments(f, table[:count*entry], entry)
}

// ident checks what e_ident says behind the class.
func ident(head []byte) error {
	switch osabi, abiversion := head[7], head[8]; {
	case head[5] != 1:
		return badFormat("ELF file data encoding not little-endian")
	case head[6] != 1:
		return badFormat("ELF file version ident does not match current one")
	case osabi != 0 && osabi != 3:
		return badFormat("ELF file OS ABI invalid")
	case abiversion != 0 && osabi == 0, abiversion > 3:
		return badFormat("ELF file ABI version invalid")
	case string(head[9:16]) != "\x00\x00\x00\x00\x00\x00\x00":
		return badFormat("nonzero padding in e_ident")
	}
	return nil
}

func (im *image) segments(f *Facts, table []byte, entry int) error {
	const ptLoad, ptDynamic, ptInterp, ptStack = 1, 2, 3, 0x6474e551
	var dynamic, dynamicSize uint64
	for ; len(table) > 0; table = table[entry:] {
		flags := binary.LittleEndian.Uint32(table[24:])
		var off, addr, size uint64
		if im.wide {
			flags = binary.LittleEndian.Uint32(table[4:])
			off = binary.LittleEndian.Uint64(table[8:])
			addr = binary.LittleEndian.Uint64(table[16:])
			size = binary.LittleEndian.Uint64(table[32:])
		} else {
			off = uint64(binary.LittleEndian.Uint32(table[4:]))
			addr = uint64(binary.LittleEndian.Uint32(table[8:]))
			size = uint64(binary.LittleEndian.Uint32(table[16:]))
		}
		switch binary.LittleEndian.Uint32(table) {
		case ptLoad:
			f.Flags |= Loadable
			if (addr-off)%loaderPage != 0 {
				f.Flags |= Unaligned
			}
			im.loads = append(im.loads, load{addr, off, size})
		case ptDynamic:
			dynamic, dynamicSize = addr, size
		case ptInterp:
			if size == 0 || size > maxInterp || off > math.MaxInt64 {
				continue
			}
			data, err := im.at(int64(off), int(size))
			if err != nil {
				return err
			}
			data = data[:size]
			if end := bytes.IndexByte(data, 0); end >= 0 {
				f.Interp = string(data[:end])
			}
		case ptStack:
			f.Flags &^= StackExec
			f.Flags |= StackGiven
			if flags&1 != 0 {
				f.Flags |= StackExec
			}
		}
	}
	if dynamicSize == 0 {
		return nil
	}
	f.Flags |= Dynamic
	if !f.Has(Loadable) {
		return nil
	}
	return im.dynamic(f, dynamic)
}

// dynamic reads the dynamic section at addr. As in the loader DT_NULL ends it, and of a tag that
// may stand once the last counts.
func (im *image) dynamic(f *Facts, addr uint64) error {
	type name struct{ tag, off uint64 }
	var (
		names           []name
		verneed, verdef uint64
		soname, rpath   int64 = -1, -1
		runpath         int64 = -1
	)
	entry := 8
	if im.wide {
		entry = 16
	}
	var data []byte
	for i := 0; ; i++ {
		if i == maxDynamic {
			return badFormat("dynamic section too long")
		}
		if len(data) < entry {
			var err error
			if data, err = im.mapped(addr+uint64(i*entry), entry); err != nil {
				return err
			}
		}
		var tag, value uint64
		if im.wide {
			tag, value = binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])
		} else {
			tag, value = uint64(binary.LittleEndian.Uint32(data)), uint64(binary.LittleEndian.Uint32(data[4:]))
		}
		data = data[entry:]
		if tag == dtNull {
			break
		}
		switch tag {
		case dtNeeded, dtAuxiliary, dtFilter:
			names = append(names, name{tag, value})
		case dtStrtab:
			im.strtab = value
		case dtSoname:
			soname = int64(value & math.MaxInt64)
		case dtRPath:
			rpath = int64(value & math.MaxInt64)
		case dtRunPath:
			runpath = int64(value & math.MaxInt64)
		case dtRelr:
			f.Flags |= HasRelr
		case dtVersym:
			f.Flags |= HasVersym
		case dtVerneed:
			verneed = value
		case dtVerdef:
			verdef = value
		case dtFlags1:
			f.Flags &^= NoOpen | NoDefLib | PIE
			if value&df1NoOpen != 0 {
				f.Flags |= NoOpen
			}
			if value&df1NoDefLib != 0 {
				f.Flags |= NoDefLib
			}
			if value&df1PIE != 0 {
				f.Flags |= PIE
			}
		}
	}
	var err error
	for _, n := range names {
		text, err := im.text(n.off)
		if err != nil {
			return fmt.Errorf("reading the names of needed files: %w", err)
		}
		if n.tag == dtNeeded {
			f.Needed = append(f.Needed, text)
		} else {
			f.Filters = append(f.Filters, Filter{text, n.tag == dtAuxiliary, len(f.Needed)})
		}
	}
	if soname >= 0 {
		if f.Soname, err = im.text(uint64(soname)); err != nil {
			return fmt.Errorf("reading the soname: %w", err)
		}
	}
	switch {
	case runpath >= 0:
		f.Flags |= HasRunPath
		f.RunPath, err = im.text(uint64(runpath))
	case rpath >= 0:
		f.RPath, err = im.text(uint64(rpath))
	}
	if err != nil {
		return fmt.Errorf("reading the library path: %w", err)
	}
	if verneed != 0 {
		if err := im.verneed(f, verneed); err != nil {
			return fmt.Errorf("reading needed versions: %w", err)
		}
	}
	if verdef != 0 {
		if err := im.verdef(f, verdef); err != nil {
			return fmt.Errorf("reading defined versions: %w", err)
		}
	}
	return nil
}

// verneed walks the chain at addr to its end, as the loader does, which has no use for
// DT_VERNEEDNUM. Offsets to the next entry are unsigned: it cannot turn back.
func (im *image) verneed(f *Facts, addr uint64) error {
	for total := 0; ; {
		data, err := im.mapped(addr, 16)
		if err != nil {
			return err
		}
		if version := binary.LittleEndian.Uint16(data); version != 1 {
			return badFormat("unsupported version %d of Verneed record", version)
		}
		auxAddr := addr + uint64(binary.LittleEndian.Uint32(data[8:]))
		next := uint64(binary.LittleEndian.Uint32(data[12:]))
		var need VersionNeed
		if need.File, err = im.text(uint64(binary.LittleEndian.Uint32(data[4:]))); err != nil {
			return err
		}
		for {
			if total++; total > maxVersions {
				return badFormat("too many versions")
			}
			aux, err := im.mapped(auxAddr, 16)
			if err != nil {
				return err
			}
			const weak = 2 // VER_FLG_WEAK
			v := Version{Weak: binary.LittleEndian.Uint16(aux[4:])&weak != 0}
			auxNext := uint64(binary.LittleEndian.Uint32(aux[12:]))
			if v.Name, err = im.text(uint64(binary.LittleEndian.Uint32(aux[8:]))); err != nil {
				return err
			}
			need.Versions = append(need.Versions, v)
			if auxNext == 0 {
				break
			}
			auxAddr += auxNext
		}
		f.Needs = append(f.Needs, need)
		if next == 0 {
			return nil
		}
		addr += next
	}
}

func (im *image) verdef(f *Facts, addr uint64) error {
	for {
		if len(f.Defs) == maxVersions {
			return badFormat("too many versions")
		}
		data, err := im.mapped(addr, 20)
		if err != nil {
			return err
		}
		if version := binary.LittleEndian.Uint16(data); version != 1 {
			return badFormat("unsupported version %d of Verdef record", version)
		}
		aux := addr + uint64(binary.LittleEndian.Uint32(data[12:]))
		next := uint64(binary.LittleEndian.Uint32(data[16:]))
		// the first name is the version's own, those after it are of what it was derived from
		if data, err = im.mapped(aux, 8); err != nil {
			return err
		}
		text, err := im.text(uint64(binary.LittleEndian.Uint32(data)))
		if err != nil {
			return err
		}
		f.Defs = append(f.Defs, text)
		if next == 0 {
			return nil
		}
		addr += next
	}
}
