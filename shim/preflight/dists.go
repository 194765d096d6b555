package preflight

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	"uvshim/shim/elfdeps"
	"uvshim/shim/host"
	"uvshim/shim/nixld/attribute"
)

// A dist is one installed distribution, by its .dist-info or .egg-info.
type dist struct {
	path          string
	site          string // the directory that it is installed in
	name, version string
	key           string // name as PEP 503 normalises it

	read   bool
	record []byte // RECORD, or top_level.txt of an .egg-info
	header []byte // METADATA or PKG-INFO, to the first empty line
	source *source
}

const (
	maxRecord   = 16 << 20
	maxMetadata = 1 << 20
)

// newDist returns the distribution whose metadata is at name: NAME-VERSION.dist-info, or
// NAME-VERSION[-pyN.N].egg-info.
func newDist(name string) *dist {
	d := &dist{path: name, site: path.Dir(name)}
	base, egg := strings.CutSuffix(path.Base(name), ".egg-info")
	if !egg {
		base = strings.TrimSuffix(base, ".dist-info")
	}
	if i := strings.LastIndex(base, "-py"); egg && i > 0 {
		base = base[:i]
	}
	d.name = base
	if i := strings.LastIndexByte(base, '-'); i > 0 {
		d.name, d.version = base[:i], base[i+1:]
	}
	d.key = attribute.Normalize(d.name)
	return d
}

// dists are the distributions of an environment. Of each only the name is known until a finding
// asks for more.
type dists struct {
	fs    elfdeps.FS
	list  []*dist
	owner map[string]*dist // of files that were asked for
	left  int64            // bytes that may still be kept of all of them
}

func newDists(fs elfdeps.FS, paths []string, most bounds) *dists {
	d := &dists{fs: fs, owner: map[string]*dist{}, left: most.metadata}
	for _, name := range paths {
		d.list = append(d.list, newDist(name))
	}
	return d
}

// has returns the installed distribution of a normalised name.
func (d *dists) has(key string) *dist {
	for _, dist := range d.list {
		if dist.key == key {
			return dist
		}
	}
	return nil
}

// of returns the distribution that the file at name, below the directory site of sys.path, was
// installed by; nil if none claims it.
func (d *dists) of(name string) *dist {
	if owner, ok := d.owner[name]; ok {
		return owner
	}
	var owner *dist
	try := func(likely bool) {
		for _, dist := range d.list {
			rel, ok := strings.CutPrefix(name, dist.site+"/")
			if !ok || owner != nil {
				continue
			}
			top, _, _ := strings.Cut(rel, "/")
			top, _, _ = strings.Cut(top, ".")
			if likely == (attribute.Normalize(top) == dist.key) && d.claims(dist, rel, top) {
				owner = dist
			}
		}
	}
	try(true) // most distributions are named like what they install
	try(false)
	d.owner[name] = owner
	return owner
}

func (d *dists) claims(dist *dist, rel, top string) bool {
	d.load(dist)
	if strings.HasSuffix(dist.path, ".egg-info") {
		for line := range bytes.Lines(dist.record) {
			if string(bytes.TrimSpace(line)) == top {
				return true
			}
		}
		return dist.key == attribute.Normalize(top)
	}
	return recorded(dist.record, rel)
}

// load reads a distribution's metadata. What cannot be read is taken to be empty.
func (d *dists) load(dist *dist) {
	if dist.read {
		return
	}
	dist.read = true
	metadata := path.Join(dist.path, "METADATA")
	if strings.HasSuffix(dist.path, ".egg-info") {
		metadata = path.Join(dist.path, "PKG-INFO")
		dist.record = d.content(path.Join(dist.path, "top_level.txt"), maxMetadata)
		if info, err := d.fs.Stat(dist.path); err == nil && info.Regular {
			metadata = dist.path
		}
	} else {
		dist.record = d.content(path.Join(dist.path, "RECORD"), maxRecord)
	}
	text := d.content(metadata, maxMetadata)
	dist.header, _, _ = bytes.Cut(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	if names := headers(dist.header, "Name"); len(names) > 0 && attribute.Normalize(names[0]) == dist.key {
		dist.name = names[0] // the directory's name has "_" for "-"
	}
}

// content returns the content of a file, as long as all that was read has room.
func (d *dists) content(name string, limit int64) []byte {
	data, err := readELF(d.fs, name, min(limit, d.left))
	if err != nil {
		return nil
	}
	d.left -= int64(len(data))
	return data
}

// requires returns the normalised names of the distributions that dist depends on, extras and
// markers included.
func (d *dists) requires(dist *dist) []string {
	d.load(dist)
	var out []string
	for _, text := range headers(dist.header, "Requires-Dist") {
		end := strings.IndexFunc(text, func(r rune) bool {
			return !(r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z')
		})
		if end >= 0 {
			text = text[:end]
		}
		if text != "" {
			out = append(out, attribute.Normalize(text))
		}
	}
	return out
}

// headers returns the values of one field of a METADATA file.
func headers(text []byte, field string) []string {
	var out []string
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(name, field) {
			out = append(out, strings.TrimSpace(value))
		}
	}
	return out
}

// recorded reports whether a RECORD lists the file rel. Its lines are CSV: path, hash, size; a path
// with a comma or a quotation mark is in quotation marks (PEP 376, PEP 627).
func recorded(record []byte, rel string) bool {
	plain := []byte(rel + ",")
	if strings.ContainsAny(rel, ",\"\n\r") {
		plain = []byte(`"` + strings.ReplaceAll(rel, `"`, `""`) + `",`)
	}
	for at := 0; ; {
		i := bytes.Index(record[at:], plain)
		if i < 0 {
			return false
		}
		at += i
		if at == 0 || record[at-1] == '\n' {
			return true
		}
		at += len(plain)
	}
}

// recordedFiles returns the paths in a RECORD that keep says yes to, at most limit.
func recordedFiles(record []byte, limit int, keep func(rel string) bool) []string {
	var out []string
	for line := range bytes.Lines(record) {
		if len(out) == limit {
			break
		}
		rel := string(bytes.TrimRight(line, "\r\n"))
		if quoted, ok := strings.CutPrefix(rel, `"`); ok {
			end := strings.Index(quoted, `",`)
			if end < 0 {
				continue
			}
			rel = strings.ReplaceAll(quoted[:end], `""`, `"`)
		} else {
			rel, _, _ = strings.Cut(rel, ",")
		}
		if local(rel) && keep(rel) {
			out = append(out, rel)
		}
	}
	return out
}

// local reports whether a path stays below the directory that it is relative to.
func local(rel string) bool {
	return rel != "" && !strings.HasPrefix(rel, "/") && !strings.Contains(rel, "\x00") &&
		!slices.Contains(strings.Split(rel, "/"), "..")
}

// readELF returns the content of a regular file of at most limit bytes.
func readELF(fs elfdeps.FS, name string, limit int64) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Info()
	if err != nil {
		return nil, err
	}
	if !info.Regular || info.Size > limit {
		return nil, host.ErrTooLarge
	}
	data := make([]byte, info.Size)
	n, err := f.ReadAt(data, 0)
	if err == io.EOF {
		err = nil
	}
	return data[:n], err
}
