package pip

import (
	"path/filepath"
	"strings"
	"testing"

	"uvshim/shim/host"
)

// call makes a call in a directory of its own, in which an environment env is active; @/ in its
// texts stands for the directory. Files are written as by setup.
func call(t *testing.T, files string, env []string, line string) Call {
	t.Helper()
	c := setup{files: files, env: env}.make(t)
	c.Args = strings.Fields(strings.ReplaceAll(line, "@/", c.Dir+"/"))
	return c
}

// told is an answer on one line, the call's directory as @.
func told(c Call, a Answer) string {
	var text string
	switch a.Kind {
	case UV:
		text = strings.Join(a.Args, " ")
	case Say:
		text, _, _ = strings.Cut(a.Text, "\n")
		text = "> " + text
	default:
		text = "! " + a.Error + " / " + strings.Join(a.Hints, " / ")
	}
	text = strings.ReplaceAll(text, "--python "+c.Environment, "-p .")
	return strings.ReplaceAll(text, c.Dir+"/", "@/")
}

func TestTranslate(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"install", "install numpy", "pip install -p . numpy"},
		{"install_words", "install numpy>=2 ./dir git+https://h/x", "pip install -p . numpy>=2 ./dir git+https://h/x"},
		{"install_editable", "install -e . -rreq.txt -c con.txt", "pip install -p . -e . -r req.txt -c con.txt"},
		{"install_pre", "install --pre x", "pip install -p . --prerelease allow x"},
		{"install_upgrade", "install -U x>=1 y[z] ./w", "pip install -p . --upgrade-package x --upgrade-package y x>=1 y[z] ./w"},
		{"install_upgrade_eager", "install -U --upgrade-strategy eager x", "pip install -p . --upgrade x"},
		{"install_upgrade_url", "install -U https://h/x-1.whl x-1-py3-none-any.whl", "pip install -p . https://h/x-1.whl x-1-py3-none-any.whl"},
		{"install_upgrade_pipe", "install -U -r @/no", "pip install -p . -r @/no --upgrade"},
		{"install_reinstall", "install -I x", "pip install -p . --reinstall x"},
		{"install_quiet", "-q install -qq x", "pip install -p . -q -q -q x"},
		{"install_settings", "install -C a=b --config-settings=c=d x", "pip install -p . -C a=b -C c=d x"},
		{"install_no_compile", "install --no-compile x", "pip install -p . --no-compile-bytecode x"},
		{"install_harmless", "--timeout 3 install --progress-bar=off --no-warn-conflicts --disable-pip-version-check --no-input --root-user-action=ignore x", "pip install -p . x"},
		{"install_dashes", "install -- -x", "pip install -p . -- -x"},
		{"install_value_dashes", "install --find-links=-x x", "pip install -p . --find-links=-x x"},
		{"install_index", "install -i https://a/s x", "pip install -p . --default-index https://a/s x"},
		{"install_extra", "install --extra-index-url https://a/s x", "pip install -p . --index-strategy unsafe-best-match --extra-index-url https://a/s x"},
		{"install_target", "install -t d x", "pip install -p . --target d x"},
		{"install_python", "--python @/venv install x", "pip install -p . x"},
		{"install_binary", "install --only-binary :all: --no-binary a,b x", "pip install -p . --only-binary :all: --no-binary a,b x"},
		{"install_named_install", "install install", "pip install -p . install"},
		{"uninstall", "uninstall -y x", "pip uninstall -p . x"},
		{"uninstall_file", "uninstall -r req.txt", "pip uninstall -p . -r req.txt"},
		{"list", "list", "pip list -p ."},
		{"list_outdated", "list -o --format=json", "pip list -p . --outdated --format json"},
		{"list_quiet", "list -q --local", "pip list -p ."},
		{"list_path", "list --path=d", "pip list -p . --target d"},
		{"list_editable", "list -e --exclude x", "pip list -p . --editable --exclude x"},
		{"show", "show -f x", "pip show -p . --files x"},
		{"freeze", "freeze --exclude-editable", "pip freeze -p . --exclude-editable --exclude pip"},
		{"freeze_all", "freeze --all -l", "pip freeze -p ."},
		{"check", "check -v", "pip check -p . -v"},

		{"help", "", "> There is no pip here: shim has uv do it, as uv pip, in the active or the project's environment."},
		{"help_option", "-h", "> There is no pip here: shim has uv do it, as uv pip, in the active or the project's environment."},
		{"help_command", "help install", "> install packages"},
		{"help_command_option", "install --no-such -h", "! pip install: unknown option \"--no-such\" / see pip install --help"},
		{"help_command_first", "install -h --no-such", "> install packages"},
		{"version", "--version", "> pip 0+shim from @/venv"},
		{"version_short", "-V install", "> pip 0+shim from @/venv"},

		{"refused_command", "download x", "! uv pip has no download / a real pip can, once: uvx pip download …"},
		{"refused_help", "help cache", "! uv pip has no cache / uv cache dir, uv cache prune and uv cache clean are for uv's cache"},
		{"unknown_command", "instal x", "! unknown command \"instal\" / did you mean pip install?"},
		{"unknown_option", "list --outdatd", "! pip list: unknown option \"--outdatd\", did you mean --outdated? / see pip list --help"},
		{"unknown_option_before", "--outdated list", "! pip: unknown option \"--outdated\" / see pip --help"},
		{"refused_user", "install --user x", "! uv pip install has no --user / an environment needs none; for a program: uv tool install"},
		{"user_taken_back", "install --user --no-user x", "pip install -p . x"},
		{"refused_isolated", "--isolated install x", "! uv pip install has no --isolated / uv pip … --no-config, without UV_ variables"},
		{"refused_report", "install --report - x", "! uv pip install has no --report / uv pip install --output-format json"},
		{"refused_paths", "list --path a --path b", "! uv pip list takes one --path / uv pip list --target DIRECTORY, once for each"},
		{"refused_python", "--python 3.12 install x", "! there is no Python at \"3.12\", which --python names / a version goes to uv itself: uv pip install --python 3.12"},
		{"nothing_to_install", "install", "! pip install wants a package, -r FILE or -e DIRECTORY / see pip install --help"},
		{"nothing_to_show", "show -f", "! pip show wants a package / see pip show --help"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := call(t, "", nil, tt.line)
			if got := told(c, Translate(c)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTranslate_outside(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"install", "install rich 'a>1'", `for a project, from its directory: uv add rich ''\''a>1'\''' / to try something out: uv venv, then pip install rich ''\''a>1'\''' again / for a program to have everywhere: uv tool install rich ''\''a>1'\'''`},
		{"install_file", "install -r req.txt", "for a project, from its directory: uv add -r req.txt / to try something out: uv venv, then pip install -r req.txt again"},
		{"install_secret", "install git+https://me:pw@h/x", "for a project, from its directory: uv add 'git+https://***@h/x' / to try something out: uv venv, then pip install 'git+https://***@h/x' again / for a program to have everywhere: uv tool install 'git+https://***@h/x'"},
		{"uninstall", "uninstall rich", "from a project, in its directory: uv remove rich / from an environment: activate it, then pip uninstall rich again / a program: uv tool uninstall rich"},
		{"list", "list", "of an environment: activate it, then pip list again / of a project, in its directory: uv tree / of programs: uv tool list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := call(t, "", nil, tt.line)
			c.Environment = ""
			a := Translate(c)
			if a.Kind != Refuse || !strings.HasPrefix(a.Error, "no environment is active") || strings.Join(a.Hints, " / ") != tt.want {
				t.Errorf("got  %s\nwant %s", told(c, a), tt.want)
			}
		})
	}
	for name, want := range map[string]string{"--version": "> pip 0+shim, which is uv pip; no environment is active", "install -t d x": "pip install --target d x"} {
		c := call(t, "", nil, name)
		c.Environment = ""
		if got := told(c, Translate(c)); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	c := call(t, "", []string{"PIP_REQUIRE_VIRTUALENV=1"}, "install -t d x")
	c.Environment = ""
	if a := Translate(c); a.Kind != Refuse {
		t.Errorf("a target without the environment that is asked for: %s", told(c, a))
	}
}

func TestVersion(t *testing.T) {
	for _, tt := range []struct{ name, file, text, want string }{
		{"uv", "pyvenv.cfg", "home = /p\nversion_info = 3.14.1\n", "/lib/python3.14/site-packages (python 3.14)"},
		{"venv", "pyvenv.cfg", "home = /p\nversion = 3.9.18\n", "/lib/python3.9/site-packages (python 3.9)"},
		{"conda", "lib/python3.11/site-packages/x", "", "/lib/python3.11/site-packages (python 3.11)"},
		{"nonsense", "pyvenv.cfg", "version = ../x.\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := call(t, "", nil, "-V")
			c.Environment = filepath.Join(c.Dir, "a [b]*")
			write(t, filepath.Join(c.Environment, tt.file), tt.text)
			if got, want := Translate(c).Text, "pip 0+shim from "+c.Environment+tt.want+"\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// What pip's configuration says besides indexes counts as on the command line.
func TestTranslate_configured(t *testing.T) {
	for _, tt := range []struct{ name, env, line, want string }{
		{"pre", "PIP_PRE=1", "install x", "pip install -p . --prerelease allow x"},
		{"harmless", "PIP_TIMEOUT=3 PIP_RETRIES=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_PROGRESS_BAR=off PIP_QUIET=2 PIP_CACHE_DIR=/c PIP_LOG=/l PIP_TRUSTED_HOST=h PIP_NO_INPUT=1 PIP_DEFAULT_TIMEOUT=1", "install x", "pip install -p . x"},
		{"require_virtualenv", "PIP_REQUIRE_VIRTUALENV=true", "install x", "pip install -p . x"},
		{"no_cache", "PIP_NO_CACHE_DIR=off", "list", "pip list -p . --no-cache"},
		{"user", "PIP_USER=1", "install x", "! uv pip install has no --user (PIP_USER) / an environment needs none; for a program: uv tool install"},
		{"user_taken_back", "PIP_USER=1", "install --no-user x", "pip install -p . x"},
		{"isolation", "PIP_NO_BUILD_ISOLATION=0", "install x", "pip install -p . --no-build-isolation x"},
		{"isolation_as_pip_has_it", "PIP_NO_BUILD_ISOLATION=1", "install x", "pip install -p . x"},
		{"not_of_the_command", "PIP_PRE=1 PIP_INDEX_URL=https://a/s PIP_CONSTRAINT=c", "freeze --all", "pip freeze -p ."},
		{"index_without_use", "PIP_INDEX_URL=https://a/s PIP_EXTRA_INDEX_URL=https://b/s", "list", "pip list -p ."},
		{"cert", "PIP_CERT=/c.pem", "install x", "pip install -p . --cert /c.pem x"},
		{"neither", "PIP_PRE=perhaps", "install x", `! PIP_PRE is "perhaps": pip takes yes or no there / pip would not run with it either, and uv reads no configuration of pip's`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := call(t, "", strings.Fields(tt.env), tt.line)
			if got := told(c, Translate(c)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	for line, want := range map[string]string{"install --proxy http://p x": "HTTPS_PROXY=http://p", "install --client-cert /k x": "SSL_CLIENT_CERT=/k"} {
		c := call(t, "", nil, line)
		name, value, _ := strings.Cut(want, "=")
		if got := Translate(c).Env.Get(name); got != value {
			t.Errorf("%s: %s=%s", line, name, got)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, cmd := range commands() {
		text := cmd.help("pip3")
		for _, o := range cmd.options() {
			if !strings.Contains(text, "--"+o.name()) || o.does == unable && !strings.Contains(text, o.as) {
				t.Errorf("%s: nothing on --%s", cmd.name, o.name())
			}
		}
		if !strings.Contains(overview("pip3"), cmd.short) || !strings.Contains(text, "pip3 "+cmd.name) {
			t.Errorf("%s is not in the help", cmd.name)
		}
	}
}

func TestRequirements(t *testing.T) {
	c := call(t, `@/r.txt
# -i https://comment/s
a==1 \
   --hash=sha256:00
-i https://${HOST}/s # --no-index
--extra-index-url "https://e/s"
-r sub/more.txt
-r r.txt
b>=2 # c
${lower}${UNSET}

@/sub/more.txt
--find-links ./here${UNSET}
d @ https://h/d.whl`, []string{"HOST=expanded"}, "")
	j := job{Call: c}
	s := j.scan([]given{{value: "r.txt"}}, nil)
	var got []string
	for _, g := range s.options {
		got = append(got, g.name()+" "+g.value+" "+filepath.Base(g.from))
	}
	if text, want := strings.Join(got, "; "), "index-url https://expanded/s r.txt:4; extra-index-url https://e/s r.txt:5; find-links ./here${UNSET} more.txt:1"; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if text, want := strings.Join(s.words, "; "), "a==1     --hash=sha256:00; d @ https://h/d.whl; b>=2; ${lower}${UNSET}"; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if !s.hashes || s.unread {
		t.Errorf("%+v", s)
	}
	if s := j.scan(nil, []given{{value: "r.txt"}}); s.hashes || len(s.words) > 0 {
		t.Errorf("constraints are not requirements: %+v", s)
	}
	if s := j.scan([]given{{value: "https://h/r.txt"}}, nil); !s.unread {
		t.Error("a URL was read")
	}
	write(t, c.Dir+"/large.txt", strings.Repeat("#", maxFile+1))
	c.Args = []string{"install", "-r", "large.txt"}
	if a := Translate(c); a.Kind != Refuse || !strings.Contains(a.Error, "too large") {
		t.Errorf("a file too large: %s", told(c, a))
	}
}

func TestPackageName(t *testing.T) {
	for word, want := range map[string]string{
		"a": "a", "A.b-c_1": "A.b-c_1", "a[x]": "a", "a>=1": "a", "a ~=1": "a", "a @ https://h/x": "a", "a;python_version<'3'": "a",
		"./a": "", "a/b": "", ".": "", "https://h/a": "", "git+https://h/a": "", "a-1-py3-none-any.whl": "", "a-1.tar.gz": "", "": "", "-a": "", "a b": "",
	} {
		if got := packageName(word); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestMasked(t *testing.T) {
	for text, want := range map[string]string{
		"https://h/s":              "https://h/s",
		"https://u:p@h/s":          "https://***@h/s",
		"https://token@h:8/s":      "https://***@h:8/s",
		"https://u:p/q@h/s":        "https://***@h/s",
		"https://u:p#q@h/s":        "https://***@h/s",
		"https://h/@scope/s":       "https://h/@scope/s",
		"git+ssh://git@h/x":        "git+ssh://***@h/x",
		"/a/b@c":                   "/a/b@c",
		"https://u:p@h/a https://": "https://***@h/a https://",
	} {
		if got := masked(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestFiles_homeUnknown(t *testing.T) {
	c := Call{Etc: "/etc", Env: host.Env{}, Dir: "/d"}
	if got := strings.Join(c.files(), " "); got != "/etc/xdg/pip/pip.conf /etc/pip.conf" {
		t.Error(got)
	}
}
