package resolve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"uvshim/policy/version"
	"uvshim/shim/host"
	"uvshim/shim/say"
	"uvshim/shim/uv"
)

// An ask is a request that a source makes.
type ask struct {
	step    Step
	request version.Request
	// foreign is set where the request stands in another user's directory: it may choose among
	// what is installed, and never have something installed.
	foreign bool
	// anyImplementation is set for a range of the language's versions, which any implementation may
	// satisfy. Elsewhere a version alone means CPython.
	anyImplementation bool
}

// fitting returns the ask unless it is at odds with the constraint, which the trail then says.
func (r *resolver) fitting(a ask) (ask, bool) {
	demanded, asked := r.Constraint.Implementation(), a.request.Implementation()
	other := demanded != "" && demanded != "cpython" && asked == "" && !a.anyImplementation
	if other || !version.Overlap(a.request, r.Constraint) {
		r.pass(a.step, "at odds with "+r.Explicit)
		return ask{}, false
	}
	return a, true
}

// variable is UV_PYTHON. It is the user's own, and so may name a program.
func (r *resolver) variable() (ask, bool) {
	text := r.env.Get("UV_PYTHON")
	if text == "" {
		return ask{}, false
	}
	step := Step{Source: "UV_PYTHON", Value: text}
	request, err := version.Parse(text)
	if err != nil {
		r.pass(step, err.Error())
		r.warn(fmt.Sprintf("UV_PYTHON is passed over: %v", err))
		return ask{}, false
	}
	return r.fitting(ask{step: step, request: request})
}

// pin is the nearest .python-version or .python-versions upwards, as far as uv looks: not above
// the root of the workspace that the working directory is in (uv-python-discovery,
// PythonVersionFile::discover).
func (r *resolver) pin() (ask, bool) {
	if file := r.pinFile(pinNames); file != "" {
		return r.pinIn(file, "pin", false)
	}
	return ask{}, false
}

// Pins returns what `uv python install` installs when it is told nothing: each request of the
// nearest version file, of which .python-versions counts first, or of the global one.
func Pins(q Question) []string {
	r := &resolver{Question: q, env: q.Host.Env}
	names := []string{".python-versions", ".python-version"}
	file := r.pinFile(names)
	if file == "" && r.UV.Config != "" && !uv.NoConfig(r.env) {
		for _, name := range names {
			if path := filepath.Join(r.UV.Config, name); file == "" && there(path) {
				file = path
			}
		}
	}
	data, err := host.ReadFile(file, pinLimit)
	if err != nil {
		return nil
	}
	var requests []string
	for _, line := range version.Lines(data) {
		if !line.Skipped && line.Problem == "" {
			requests = append(requests, line.Text)
		}
	}
	return requests
}

// pinFile returns the nearest version file of one of the names, "" if there is none.
func (r *resolver) pinFile(names []string) string {
	if r.Host.Dir == "" || uv.NoConfig(r.env) {
		return ""
	}
	stop := "/"
	if p, ok := r.Up.Project(); ok {
		stop = p.Workspace
	}
	for _, dir := range r.Up.Dirs() {
		for _, name := range names {
			if r.Up.Has(dir, name) {
				return filepath.Join(dir, name)
			}
		}
		if dir == stop {
			break
		}
	}
	return ""
}

// pinNames are the names of version files; in one directory the first counts.
var pinNames = []string{".python-version", ".python-versions"}

// globalPin is uv's own default, set by `uv python pin --global`.
func (r *resolver) globalPin() (ask, bool) {
	if r.UV.Config == "" || uv.NoConfig(r.env) {
		return ask{}, false
	}
	for _, name := range pinNames {
		path := filepath.Join(r.UV.Config, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return r.pinIn(path, "global pin", true)
		}
	}
	return ask{}, false
}

// pinLimit bounds a version file, in bytes.
const pinLimit = 64 << 10

// pinIn reads the version file at path. That it is there ends the search, even where it says
// nothing usable. Only the user's own files may name a path: what lies in a project directory came
// from wherever the project did (CVE-2022-35861, pyenv).
func (r *resolver) pinIn(path, source string, own bool) (ask, bool) {
	data, err := host.ReadFile(path, pinLimit)
	if err != nil {
		r.pass(Step{Source: source, File: path}, reason(err))
		r.warn(fmt.Sprintf("%s is passed over: %s", say.Quote(path), reason(err)))
		return ask{}, false
	}
	for _, line := range version.Lines(data) {
		step := Step{Source: source, Value: line.Text, File: path, Line: line.Number}
		switch {
		case line.Skipped:
			// as uv says it
			r.pass(step, line.Problem)
			r.warn(fmt.Sprintf("%s:%d: %s is no version, and passed over", say.Word(path), line.Number, say.Quote(line.Text)))
		case line.Problem != "":
			r.pass(step, line.Problem)
			r.warn(fmt.Sprintf("%s:%d: passed over: %s", say.Word(path), line.Number, line.Problem))
			return ask{}, false
		case line.Request.Path() != "" && !own:
			r.pass(step, "a path in a project's file is not followed")
			r.warn(fmt.Sprintf("%s:%d: a path is not followed from a project's file: %s",
				say.Word(path), line.Number, say.Quote(line.Text)))
		default:
			return r.fitting(ask{step: step, request: line.Request, foreign: !own && r.foreign(path)})
		}
	}
	return ask{}, false
}

// foreign reports whether the file at path, or its directory, is another user's.
func (r *resolver) foreign(path string) bool {
	for _, p := range []string{path, filepath.Dir(path)} {
		var st unix.Stat_t
		if unix.Stat(p, &st) != nil || st.Uid != 0 && int(st.Uid) != r.Host.UID {
			return true
		}
	}
	return false
}

// requires is the requires-python of the nearest project.
func (r *resolver) requires() (ask, bool) {
	p, ok := r.Up.Project()
	if !ok {
		return ask{}, false
	}
	file := filepath.Join(p.Root, "pyproject.toml")
	step := Step{Source: "requires-python", Value: p.Requires, File: file}
	if p.Broken != nil {
		r.pass(step, reason(p.Broken))
		r.warn(fmt.Sprintf("%s is passed over: %s", say.Word(file), reason(p.Broken)))
		return ask{}, false
	}
	if p.Requires == "" {
		return ask{}, false
	}
	request, err := version.Parse(p.Requires)
	if err == nil && request.Kind() != version.KindVersion {
		err = errors.New("not a version specifier")
	}
	if err != nil {
		r.pass(step, err.Error())
		r.warn(fmt.Sprintf("%s: requires-python %s is passed over: %v", say.Word(file), say.Quote(p.Requires), err))
		return ask{}, false
	}
	return r.fitting(ask{step: step, request: request, foreign: r.foreign(file), anyImplementation: true})
}

// PolicyDefault is the source that the policy's python.default is.
const PolicyDefault = "policy default"

// byPolicy is the default that the user declared. There may be one for each implementation: the
// first that fits counts, CPython's before others for a bare python.
func (r *resolver) byPolicy() (ask, bool) {
	var asks []ask
	for _, text := range r.Default {
		request, err := version.Parse(text)
		if err != nil {
			continue // the policy's own check says so
		}
		a := ask{step: Step{Source: PolicyDefault, Value: text}, request: request}
		if impl := request.Implementation(); impl == "" || impl == "cpython" {
			asks = append([]ask{a}, asks...)
		} else {
			asks = append(asks, a)
		}
	}
	for _, a := range asks {
		if r.DefaultPos != nil {
			a.step.File, a.step.Line = r.DefaultPos()
		}
		if a, ok := r.fitting(a); ok {
			return a, true
		}
	}
	return ask{}, false
}

// reason is an error without the path, which stands beside it anyway.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return say.Clean(err.Error())
}
