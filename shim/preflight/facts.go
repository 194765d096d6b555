package preflight

import (
	"encoding/binary"
	"hash/crc32"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
)

// What is known of ELF files is kept by the identity of the file, whatever environment asked: uv
// hard-links the wheels of its cache into every environment. It is spread over some files by that
// identity. A file is a line with its schema and then records, each
//
//	length of the facts  uint32
//	checksum             uint32, over all that follows
//	dev ino size mtime   uint64 each
//	facts                as elfdeps writes them
//
// in little endian. Records are only ever added, with one write at the end of the file; when it has
// grown too large it is begun anew. What cannot be read ends the reading.
const (
	factsSchema = "shim facts 1\n"
	factsFiles  = 16
	maxFacts    = 2 << 20 // of one file
	recordHead  = 40
)

// facts is an elfdeps.Memory in a directory.
type facts struct {
	dir    string
	shards [factsFiles]factsShard
}

type factsShard struct {
	mu    sync.Mutex
	read  bool
	whole bool  // nothing unreadable was in it
	size  int64 // of the file
	known map[elfdeps.ID][]byte
	added []byte
}

func (f *facts) shard(id elfdeps.ID) *factsShard {
	return &f.shards[(id.Ino^id.Dev)%factsFiles]
}

func (f *facts) file(i int) string { return filepath.Join(f.dir, strconv.Itoa(i)) }

// Lookup implements elfdeps.Memory.
func (f *facts) Lookup(id elfdeps.ID) (*elfdeps.Facts, bool) {
	s := f.shard(id)
	s.mu.Lock()
	f.load(s, int((id.Ino^id.Dev)%factsFiles))
	data, ok := s.known[id]
	s.mu.Unlock()
	if !ok {
		return nil, false
	}
	facts, err := elfdeps.ParseFacts(data)
	return facts, err == nil
}

// Store implements elfdeps.Memory.
func (f *facts) Store(id elfdeps.ID, facts *elfdeps.Facts) {
	s := f.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added = appendRecord(s.added, id, facts.Append(nil))
}

func (f *facts) load(s *factsShard, i int) {
	if s.read {
		return
	}
	s.read = true
	data, err := host.ReadFile(f.file(i), maxFacts+1<<20)
	if err != nil {
		return
	}
	s.size = int64(len(data))
	s.known, s.whole = parseRecords(data)
}

func appendRecord(b []byte, id elfdeps.ID, facts []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(facts)))
	sum := len(b)
	b = le.AppendUint32(b, 0)
	for _, word := range []uint64{id.Dev, id.Ino, uint64(id.Size), uint64(id.Mtime)} {
		b = le.AppendUint64(b, word)
	}
	b = append(b, facts...)
	le.PutUint32(b[sum:], crc32.ChecksumIEEE(b[sum+4:]))
	return b
}

// parseRecords returns the records of a file, and whether it has nothing else.
func parseRecords(data []byte) (known map[elfdeps.ID][]byte, whole bool) {
	rest, ok := strings.CutPrefix(string(data[:min(len(data), len(factsSchema))]), factsSchema)
	if !ok || rest != "" {
		return nil, len(data) == 0
	}
	data = data[len(factsSchema):]
	le := binary.LittleEndian
	known = make(map[elfdeps.ID][]byte, len(data)/256)
	for len(data) > 0 {
		if len(data) < recordHead {
			return known, false
		}
		size := int64(le.Uint32(data))
		if size > int64(len(data)-recordHead) {
			return known, false
		}
		record := data[:recordHead+size]
		if crc32.ChecksumIEEE(record[8:]) != le.Uint32(record[4:]) {
			return known, false
		}
		id := elfdeps.ID{Dev: le.Uint64(record[8:]), Ino: le.Uint64(record[16:]),
			Size: int64(le.Uint64(record[24:])), Mtime: int64(le.Uint64(record[32:]))}
		known[id] = record[recordHead:]
		data = data[len(record):]
	}
	return known, true
}

// save adds what is new. Failing costs the next scan the reading of these files.
func (f *facts) save() {
	made := false
	for i := range f.shards {
		s := &f.shards[i]
		s.mu.Lock()
		added := s.added
		s.added = nil
		f.load(s, i)
		damaged := s.size > 0 && !s.whole
		s.mu.Unlock()
		if len(added) == 0 || len(added) > maxFacts {
			continue
		}
		if !made && os.MkdirAll(f.dir, 0o700) != nil {
			return
		}
		made = true
		appendFacts(f.file(i), added, damaged)
	}
}

// appendFacts adds records to a file, or begins it anew.
func appendFacts(name string, records []byte, anew bool) {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	// Another writer's records are as good as ours: whoever comes second leaves them out. Where the file
	// system has no locks, two may mix theirs, which the checksums tell.
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK {
		return
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	if anew || st.Size+int64(len(records)) > maxFacts {
		if unix.Ftruncate(fd, 0) != nil {
			return
		}
		st.Size = 0
	}
	if st.Size == 0 {
		records = append([]byte(factsSchema), records...)
	}
	if n, err := unix.Write(fd, records); err == nil && n < len(records) {
		_ = unix.Ftruncate(fd, st.Size) // a full disk
	}
}

// storeFS gives the files of the Nix store an identity of their own: their times are all one second
// after the epoch, and the inode of a collected file serves another.
type storeFS struct{ elfdeps.FS }

func (s storeFS) Stat(name string) (elfdeps.Info, error) {
	info, err := s.FS.Stat(name)
	if err == nil {
		s.identify(name, &info)
	}
	return info, err
}

func (s storeFS) Open(name string) (elfdeps.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return storeFile{f, s, name}, nil
}

type storeFile struct {
	elfdeps.File
	fs   storeFS
	name string
}

func (f storeFile) Info() (elfdeps.Info, error) {
	info, err := f.File.Info()
	if err == nil {
		f.fs.identify(f.name, &info)
	}
	return info, err
}

var _ io.ReaderAt = storeFile{}

const storeTime = 1e9

func (s storeFS) identify(name string, info *elfdeps.Info) {
	if info.Mtime != storeTime || !info.Regular {
		return
	}
	real, err := s.FS.Real(name)
	if err != nil || !strings.HasPrefix(real, "/nix/store/") {
		return
	}
	h := fnv.New128a()
	io.WriteString(h, real)
	sum := h.Sum(nil)
	info.Dev, info.Ino = binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])
}
