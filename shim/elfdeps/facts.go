// Package elfdeps tells which shared objects a process would load, from where, and what would stop
// it, by the rules of glibc's dynamic loader (elf/dl-load.c, dl-deps.c, dl-version.c, dl-cache.c),
// without running anything. It reads ELF files itself, and only what the loader reads.
//
// Start gives the process of a program, an interpreter. Each of the modules that it could import is
// opened in a Clone of that process; where one relies on another having been loaded before, both are
// opened in one Clone.
package elfdeps

import (
	"encoding/binary"
	"errors"
)

// Values of Facts.Class, Facts.Type and Facts.Machine, as in elf.h.
const (
	Class32 = 1
	Class64 = 2

	TypeExec = 2
	TypeDyn  = 3

	Machine386     = 3
	MachineARM     = 40
	MachineX86_64  = 62
	MachineAArch64 = 183
	MachineRISCV   = 243
)

// Flags are the yes-or-no facts of a file.
type Flags uint16

const (
	Loadable   Flags = 1 << iota // has a PT_LOAD
	Dynamic                      // has a PT_DYNAMIC that is not empty
	Unaligned                    // a PT_LOAD whose address and offset differ within the page
	HasRunPath                   // DT_RUNPATH is there, even if empty; DT_RPATH then counts for nothing
	NoDefLib                     // DF_1_NODEFLIB: not from the cache's or loader's default directories
	NoOpen                       // DF_1_NOOPEN: not by dlopen
	PIE                          // DF_1_PIE: a program
	HasVersym                    // DT_VERSYM
	HasRelr                      // DT_RELR
	StackGiven                   // has a PT_GNU_STACK
	StackExec                    // and it asks for an executable stack
	numFlags   = iota
)

// Facts is what the loader reads of one ELF file before symbols come into it.
type Facts struct {
	Class   byte
	Machine uint16
	Type    uint16
	Flags   Flags
	Interp  string // PT_INTERP. Shared objects may carry one as well, even an empty one: only a program's counts
	Soname  string
	Needed  []string // DT_NEEDED in order, as written
	RPath   string   // as written, tokens not expanded; empty where DT_RUNPATH is there
	RunPath string
	Filters []Filter
	Needs   []VersionNeed // DT_VERNEED
	Defs    []string      // DT_VERDEF, the base version (the file's own name) included
}

// A Filter is a DT_FILTER or DT_AUXILIARY: an object loaded before the one that names it. Index is
// the number of DT_NEEDED entries before it.
type Filter struct {
	Name     string
	Optional bool // DT_AUXILIARY: its absence is no error
	Index    int
}

// A VersionNeed is the versions that are needed of one file, which is named as in DT_NEEDED.
type VersionNeed struct {
	File     string
	Versions []Version
}

// A Version is one needed version. That a weak one is not there is no error.
type Version struct {
	Name string
	Weak bool
}

// Has reports whether all of the flags are set.
func (f *Facts) Has(flags Flags) bool { return f.Flags&flags == flags }

// ExecStack reports whether loading the file asks for an executable stack. Without a PT_GNU_STACK
// most machines take it as asked for (glibc sysdeps/*/stackinfo.h).
func (f *Facts) ExecStack() bool {
	if !f.Has(StackGiven) {
		return f.Machine != MachineRISCV
	}
	return f.Has(StackExec)
}

// factsSchema is the first byte of serialised facts. A change of their form or meaning changes it.
const factsSchema = 1

// Append appends f in a compact form to b, for ParseFacts.
func (f *Facts) Append(b []byte) []byte {
	b = append(b, factsSchema, f.Class)
	b = binary.AppendUvarint(b, uint64(f.Machine))
	b = binary.AppendUvarint(b, uint64(f.Type))
	b = binary.AppendUvarint(b, uint64(f.Flags))
	b = appendString(b, f.Interp)
	b = appendString(b, f.Soname)
	b = appendStrings(b, f.Needed)
	b = appendString(b, f.RPath)
	b = appendString(b, f.RunPath)
	b = binary.AppendUvarint(b, uint64(len(f.Filters)))
	for _, filter := range f.Filters {
		b = appendMarked(b, filter.Name, filter.Optional)
		b = binary.AppendUvarint(b, uint64(filter.Index))
	}
	b = binary.AppendUvarint(b, uint64(len(f.Needs)))
	for _, need := range f.Needs {
		b = appendString(b, need.File)
		b = binary.AppendUvarint(b, uint64(len(need.Versions)))
		for _, v := range need.Versions {
			b = appendMarked(b, v.Name, v.Weak)
		}
	}
	return appendStrings(b, f.Defs)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

// appendMarked is appendString with one bit more, in the length.
func appendMarked(b []byte, s string, mark bool) []byte {
	n := uint64(len(s)) << 1
	if mark {
		n |= 1
	}
	return append(binary.AppendUvarint(b, n), s...)
}

var errFacts = errors.New("serialised facts are damaged or of another version")

// ParseFacts returns the facts that Append wrote. Anything else is an error.
func ParseFacts(b []byte) (*Facts, error) {
	if len(b) < 2 || b[0] != factsSchema {
		return nil, errFacts
	}
	// one copy, which the strings of the result share
	p := &parser{rest: string(b[2:])}
	f := &Facts{Class: b[1]}
	f.Machine = uint16(p.number(1<<16 - 1))
	f.Type = uint16(p.number(1<<16 - 1))
	f.Flags = Flags(p.number(1<<numFlags - 1))
	f.Interp = p.text()
	f.Soname = p.text()
	f.Needed = p.texts()
	f.RPath = p.text()
	f.RunPath = p.text()
	if n := p.count(); n > 0 {
		f.Filters = make([]Filter, n)
		for i := range f.Filters {
			filter := &f.Filters[i]
			filter.Name, filter.Optional = p.marked()
			filter.Index = int(p.number(uint64(len(f.Needed))))
		}
	}
	if n := p.count(); n > 0 {
		f.Needs = make([]VersionNeed, n)
		for i := range f.Needs {
			need := &f.Needs[i]
			need.File = p.text()
			need.Versions = make([]Version, p.count())
			for k := range need.Versions {
				need.Versions[k].Name, need.Versions[k].Weak = p.marked()
			}
		}
	}
	f.Defs = p.texts()
	if p.bad || p.rest != "" {
		return nil, errFacts
	}
	return f, nil
}

// A parser takes values from the front of rest. After the first that is not there it is bad, and
// everything is zero.
type parser struct {
	rest string
	bad  bool
}

func (p *parser) number(limit uint64) uint64 {
	var v uint64
	for i := 0; i < len(p.rest) && i < binary.MaxVarintLen64; i++ {
		c := p.rest[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			p.rest = p.rest[i+1:]
			if v > limit {
				break
			}
			return v
		}
	}
	p.bad, p.rest = true, ""
	return 0
}

// count is the length of a list. Every element takes a byte at least, so no list is longer than
// what is left.
func (p *parser) count() int { return int(p.number(uint64(len(p.rest)))) }

func (p *parser) text() string { return p.take(p.count()) }

func (p *parser) marked() (string, bool) {
	n := p.number(uint64(len(p.rest))<<1 | 1)
	return p.take(int(n >> 1)), n&1 != 0
}

func (p *parser) texts() []string {
	n := p.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = p.text()
	}
	return list
}

func (p *parser) take(n int) string {
	if n > len(p.rest) {
		p.bad, p.rest = true, ""
		return ""
	}
	s := p.rest[:n]
	p.rest = p.rest[n:]
	return s
}
