package mirror

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// pack writes the tree below dir as a .tar.gz whose one top directory is python/, the layout of
// python-build-standalone's install_only archives. It returns the archive's SHA-256 in hex.
func pack(dir, archive string) (sum string, err error) {
	f, err := os.Create(archive)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	zip, err := gzip.NewWriterLevel(io.MultiWriter(f, hash), gzip.BestSpeed)
	if err != nil {
		return "", err
	}
	out := tar.NewWriter(zip)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return add(out, dir, path, d)
	})
	if err := errors.Join(err, out.Close(), zip.Close(), f.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// add writes one file of the tree; owner and times are left out, so that the same tree is the
// same archive.
func add(out *tar.Writer, dir, path string, d fs.DirEntry) error {
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	header := &tar.Header{
		Name:    filepath.Join("python", rel),
		Mode:    int64(info.Mode().Perm()),
		ModTime: time.Unix(1700000000, 0),
	}
	switch {
	case d.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		return out.WriteHeader(header)
	case d.Type()&fs.ModeSymlink != 0:
		header.Typeflag = tar.TypeSymlink
		if header.Linkname, err = os.Readlink(path); err != nil {
			return err
		}
		return out.WriteHeader(header)
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
}
