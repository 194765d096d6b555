package nixroot

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"uvshim/testscripts/parts"
)

// A deb is a Debian package: the machine's own where it is installed, else a downloaded one.
type deb struct {
	files   map[string]string // of its programs and libraries, by name: the file's place on this machine
	depends []string          // packages, of alternatives the first
}

// An installation is what dpkg says of one installed package.
type installation struct{ version, depends string }

// installed returns the machine's installed packages by name. dpkg is asked once.
var installed = sync.OnceValues(func() (map[string]installation, error) {
	cmd := exec.Command("dpkg-query", "-W", "-f", "${Package}\t${Architecture}\t${db:Status-Status}\t${Version}\t${Pre-Depends}, ${Depends}\n")
	out, err := cmd.Output()
	if err != nil {
		return nil, lack(fmt.Errorf("asking dpkg for this machine's libraries: %w", err))
	}
	all := map[string]installation{}
	for line := range strings.Lines(string(out)) {
		field := strings.SplitN(strings.TrimSpace(line), "\t", 5)
		if len(field) == 5 && field[2] == "installed" && (field[1] == "amd64" || field[1] == "all") {
			all[field[0]] = installation{field[3], field[4]}
		}
	}
	return all, nil
})

// find returns what is installed under a name, or under the one that Debian 13 and Ubuntu 24.04
// gave many libraries when time_t became wider.
func find(name string) (string, installation, bool, error) {
	all, err := installed()
	for _, name := range []string{name, name + "t64"} {
		if here, ok := all[name]; ok {
			return name, here, true, err
		}
	}
	return name, installation{}, false, err
}

// debian returns the package called name.
func debian(name string) (deb, error) {
	name, here, ok, err := find(name)
	if err != nil {
		return deb{}, err
	}
	if ok {
		list, err := os.ReadFile("/var/lib/dpkg/info/" + name + ":amd64.list")
		if err != nil {
			list, err = os.ReadFile("/var/lib/dpkg/info/" + name + ".list")
		}
		if err != nil {
			return deb{}, lack(err)
		}
		return newDeb(here.depends, "", strings.Fields(string(list))), nil
	}
	dir, err := fetch(name)
	if err != nil {
		return deb{}, err
	}
	depends, err := os.ReadFile(filepath.Join(dir, "depends"))
	if err != nil {
		return deb{}, err
	}
	var files []string
	root := filepath.Join(dir, "root")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, root))
		}
		return err
	})
	if err != nil {
		return deb{}, err
	}
	return newDeb(string(depends), root, files), nil
}

// fetch returns the directory of an unpacked package that is not installed.
func fetch(name string) (string, error) {
	dir, err := parts.Cached("nixroot-deb-"+name, func(tmp, final string) error {
		fmt.Fprintf(os.Stderr, "tests: fetching the Debian package %s into %s\n", name, final)
		get := func(name string) error {
			cmd := exec.Command("apt-get", "download", "-q", name+":amd64")
			cmd.Dir = tmp
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("apt-get download %s: %w: %s", name, err, out)
			}
			return err
		}
		if err := get(name); err != nil && get(name+"t64") != nil {
			return err
		}
		found, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
		if err != nil || len(found) != 1 {
			return fmt.Errorf("apt-get download %s gave %q", name, found)
		}
		depends, err := run("dpkg-deb", "--show", "--showformat=${Pre-Depends}, ${Depends}", found[0])
		if err != nil {
			return err
		}
		if _, err := run("dpkg-deb", "--extract", found[0], filepath.Join(tmp, "root")); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(tmp, "depends"), []byte(depends), 0o644); err != nil {
			return err
		}
		return os.Remove(found[0])
	})
	if err != nil {
		return "", lack(err)
	}
	return dir, nil
}

// newDeb sorts the files of a package, whose paths are those below root.
func newDeb(depends, root string, files []string) deb {
	d := deb{files: map[string]string{}}
	// usrmerge: a package may say /lib for what lies in /usr/lib; libpulse0 has a directory of its own
	wanted := regexp.MustCompile(`^(/usr)?(/lib/x86_64-linux-gnu/(pulseaudio/)?[^/]+\.so(\.[^/]*)?|/s?bin/[^/]+)$`)
	for _, file := range files {
		if wanted.MatchString(file) {
			d.files[filepath.Base(file)] = root + file
		}
	}
	for _, clause := range strings.Split(depends, ",") {
		first, _, _ := strings.Cut(clause, "|")
		first, _, _ = strings.Cut(strings.TrimSpace(first), " ")
		if first, _, _ = strings.Cut(first, ":"); first != "" {
			d.depends = append(d.depends, first)
		}
	}
	return d
}

// run runs a program and returns what it prints.
func run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, stderr.String())
		if _, found := exec.LookPath(name); found != nil {
			err = lack(err)
		}
	}
	return string(out), err
}
