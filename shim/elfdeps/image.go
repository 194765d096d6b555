package elfdeps

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"sync"
)

// Bounds of one file, far above what real files have.
const (
	maxRead     = 8 << 20 // bytes read of one file
	maxText     = 1 << 20 // bytes of all its strings together
	maxDynamic  = 1 << 16 // entries
	maxVersions = 1 << 15 // entries; the index of a version has 15 bits
	maxInterp   = 4096    // PATH_MAX, as the kernel
	firstRead   = 16 << 10
	windowRead  = 4 << 10
	arenaSize   = 64 << 10
	loaderPage  = 4096
)

// A FormatError says why a file cannot be loaded, in the words of the loader where it has some.
type FormatError struct{ Text string }

func (e *FormatError) Error() string { return e.Text }

func badFormat(format string, args ...any) error {
	return &FormatError{fmt.Sprintf(format, args...)}
}

// arenas holds the buffers files are read into. Nothing of them is left in Facts.
var arenas = sync.Pool{New: func() any { return new([arenaSize]byte) }}

// An image is a file as the loader would map it.
type image struct {
	r        io.ReaderAt
	size     int64
	left     int // bytes that may still be read
	textLeft int // and of strings be kept
	arena    []byte
	windows  []window
	loads    []load
	wide     bool // 64 bit
	strtab   uint64
}

// A window is a part of the file that has been read.
type window struct {
	off  int64
	data []byte
}

// A load is a PT_LOAD: size bytes of the file at off are at addr.
type load struct{ addr, off, size uint64 }

// at returns n bytes or more of the file at off: all that is at hand.
func (im *image) at(off int64, n int) ([]byte, error) {
	for _, w := range im.windows {
		if off >= w.off && off-w.off <= int64(len(w.data)-n) {
			return w.data[off-w.off:], nil
		}
	}
	if off < 0 || n < 0 || off > im.size-int64(n) {
		return nil, badFormat("file too short")
	}
	start, length := off&^(loaderPage-1), int64(windowRead)
	if off == 0 {
		length = firstRead
	}
	length = min(max(length, off-start+int64(n)), im.size-start)
	if length > int64(im.left) {
		return nil, badFormat("tables too large")
	}
	im.left -= int(length)
	var data []byte
	if int(length) <= len(im.arena) {
		data, im.arena = im.arena[:length:length], im.arena[length:]
	} else {
		data = make([]byte, length)
	}
	if got, err := im.r.ReadAt(data, start); got < len(data) {
		if err == io.EOF || err == nil {
			err = badFormat("file too short")
		}
		return nil, err
	}
	im.windows = append(im.windows, window{start, data})
	return data[off-start:], nil
}

// mapped returns n bytes or more at the address addr. Of loads that overlap the last is on top.
func (im *image) mapped(addr uint64, n int) ([]byte, error) {
	for i := len(im.loads) - 1; i >= 0; i-- {
		l := im.loads[i]
		if addr < l.addr || addr-l.addr >= l.size {
			continue
		}
		rest := l.size - (addr - l.addr)
		if uint64(n) > rest || l.off > math.MaxInt64-l.size {
			break
		}
		data, err := im.at(int64(l.off+(addr-l.addr)), n)
		return data[:min(uint64(len(data)), rest)], err
	}
	return nil, badFormat("address %#x is not in the file", addr)
}

// text returns the string at the offset off of the string table. The loader does not look at
// DT_STRSZ either.
func (im *image) text(off uint64) (string, error) {
	var head []byte // what windows before had of it
	for addr := im.strtab + off; ; {
		data, err := im.mapped(addr, 1)
		if err != nil {
			return "", err
		}
		end := bytes.IndexByte(data, 0)
		n := end
		if end < 0 {
			n = len(data)
		}
		if im.textLeft -= n; im.textLeft < 0 {
			return "", badFormat("strings too long")
		}
		if end >= 0 && head == nil {
			return string(data[:end]), nil
		}
		head = append(head, data[:n]...)
		if end >= 0 {
			return string(head), nil
		}
		addr += uint64(n)
	}
}
