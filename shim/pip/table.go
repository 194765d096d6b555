package pip

// The tables say what becomes of each option of pip 9 to 26, in uv's words. Where uv has an option
// of the same name with another meaning, that is said.

func commands() []command {
	none := func() []option { return nil }
	return []command{
		{name: "install", args: "[OPTIONS] PACKAGE…", short: "install packages", wants: "a package, -r FILE or -e DIRECTORY", network: true, table: install},
		{name: "uninstall", args: "[OPTIONS] PACKAGE…", short: "remove packages; uv does not ask first", wants: "a package or -r FILE", table: uninstall},
		{name: "list", args: "[OPTIONS]", short: "list what is installed", table: listing},
		{name: "show", args: "[OPTIONS] PACKAGE…", short: "show an installed package", wants: "a package", table: show},
		{name: "freeze", args: "[OPTIONS]", short: "list what is installed as requirements", table: freeze},
		{name: "check", args: "[OPTIONS]", short: "verify that what is installed fits together", table: none},
	}
}

// others are the commands of pip that uv pip has not, with uv's way.
func others() []struct{ name, way string } {
	return []struct{ name, way string }{
		{"download", "a real pip can, once: uvx pip download …"},
		{"wheel", "uv build --wheel builds this project's; for others a real pip can, once: uvx pip wheel …"},
		{"cache", "uv cache dir, uv cache prune and uv cache clean are for uv's cache"},
		{"config", "uv is configured in uv.toml, in [tool.uv] of pyproject.toml and by UV_ variables"},
		{"debug", "uv pip debug is not to be relied on; shim doctor and uv python list tell what is there"},
		{"search", "PyPI answers no search any more; look at its web site"},
		{"index", "a real pip can, once: uvx pip index versions …"},
		{"inspect", "uv pip list --format json and uv pip show tell most of it"},
		{"hash", "sha256sum FILE, or a real pip, once: uvx pip hash FILE"},
		{"lock", "uv lock for a project, uv pip compile for requirements"},
		{"completion", "uv generate-shell-completion bash, zsh or fish"},
	}
}

// general are the options of every command.
func general() []option {
	return []option{
		{short: "h", names: []string{"help"}, does: answered},
		{short: "V", names: []string{"version"}, does: answered},
		{names: []string{"debug"}, does: drop},
		{names: []string{"isolated"}, does: unable, as: "uv pip … --no-config, without UV_ variables"},
		// there is an environment, or the call is refused for that
		{names: []string{"require-virtualenv", "require-venv"}, does: drop},
		// uv takes versions there as well; pip takes paths
		{names: []string{"python"}, takes: one, does: own},
		{short: "v", names: []string{"verbose"}, takes: count, does: own, mild: true},
		{short: "q", names: []string{"quiet"}, takes: count, does: own, mild: true},
		{names: []string{"log", "log-file", "local-log"}, takes: one, does: unable, as: "-v tells on standard error: 2> FILE", mild: true},
		{names: []string{"no-input"}, does: drop},
		{names: []string{"keyring-provider"}, takes: one, does: own, mild: true},
		{names: []string{"proxy"}, takes: one, does: own},
		{names: []string{"no-proxy-env"}, does: unable, as: "unset HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"},
		{names: []string{"retries"}, takes: one, does: drop},
		{names: []string{"resume-retries"}, takes: one, does: drop},
		{names: []string{"timeout", "default-timeout"}, takes: one, does: drop},
		{names: []string{"exists-action"}, takes: list, does: drop},
		// From a configuration it is passed over: uv then asks for a good certificate, which is
		// never the worse.
		{names: []string{"trusted-host"}, takes: list, does: pass, as: "--allow-insecure-host", mild: true},
		{names: []string{"cert"}, takes: one, does: own},
		{names: []string{"client-cert"}, takes: one, does: own},
		{names: []string{"cache-dir"}, takes: one, does: pass, as: "--cache-dir", mild: true},
		// whatever a configuration says for it, no and false too, turns the cache off
		{names: []string{"no-cache-dir"}, dest: "cache", takes: flag, does: pass, as: "--no-cache"},
		{names: []string{"disable-pip-version-check"}, does: drop},
		{names: []string{"no-color"}, does: pass, as: "--color never"},
		{names: []string{"no-python-version-warning"}, does: drop},
		{names: []string{"use-feature"}, takes: list, does: drop},
		{names: []string{"use-deprecated"}, takes: list, does: unable, as: "uv has one resolver"},
	}
}

func indexOptions() []option {
	return []option{
		// uv's --index-url gives way to UV_DEFAULT_INDEX, its --default-index does not
		{short: "i", names: []string{"index-url", "pypi-url"}, takes: one, does: own},
		{names: []string{"extra-index-url"}, takes: list, does: own},
		{names: []string{"no-index"}, does: own},
		{short: "f", names: []string{"find-links"}, takes: list, does: own},
	}
}

func install() []option {
	return append(indexOptions(), []option{
		{short: "r", names: []string{"requirement"}, takes: list, does: own},
		{short: "c", names: []string{"constraint"}, takes: list, does: own},
		{names: []string{"build-constraint"}, takes: list, does: own},
		{short: "e", names: []string{"editable"}, takes: list, does: pass, as: "-e"},
		{names: []string{"group"}, takes: gather, does: pass, as: "--group"},
		{names: []string{"requirements-from-script"}, takes: list, does: unable, as: "uv run SCRIPT, or uv sync --script SCRIPT"},
		{names: []string{"no-deps", "no-dependencies"}, does: pass, as: "--no-deps"},
		{names: []string{"only-deps", "only-dependencies"}, does: unable, as: "uv sync --no-install-project"},
		{names: []string{"pre"}, does: pass, as: "--prerelease allow"},
		{names: []string{"all-releases"}, takes: gather, does: unable, as: "uv pip install --prerelease allow, or --prerelease-package"},
		{names: []string{"only-final"}, takes: gather, does: unable, as: "uv pip install --prerelease disallow"},
		{names: []string{"uploaded-prior-to"}, takes: one, does: own},
		{names: []string{"refresh-package"}, takes: gather, does: unable, as: "uv pip install --refresh-package NAME"},
		{names: []string{"dry-run"}, does: pass, as: "--dry-run"},
		{short: "t", names: []string{"target"}, takes: one, does: own},
		{names: []string{"prefix"}, takes: one, does: own},
		{names: []string{"root"}, takes: one, does: unable, as: "uv pip install --prefix DIRECTORY or --target DIRECTORY"},
		{names: []string{"user"}, dest: "user", does: unable, as: "an environment needs none; for a program: uv tool install"},
		{names: []string{"no-user"}, dest: "user", takes: off, does: drop},
		{names: []string{"platform"}, takes: list, does: unable, as: "uv pip install --python-platform, with a name of uv's"},
		// of uv's the meaning is another: the oldest version to care for
		{names: []string{"python-version"}, takes: one, does: unable, as: "uv pip install --python-version 3.N, which says what to resolve for"},
		{names: []string{"implementation"}, takes: one, does: unable, as: "uv pip install --python, with a Python of that implementation"},
		{names: []string{"abi"}, takes: list, does: unable, as: "uv pip install --python, with a Python of that ABI"},
		{names: []string{"src", "source", "source-dir", "source-directory"}, takes: one, does: drop},
		// uv's --upgrade is pip's with --upgrade-strategy eager
		{short: "U", names: []string{"upgrade"}, does: own},
		{names: []string{"upgrade-strategy"}, takes: one, does: own},
		{names: []string{"force-reinstall"}, does: pass, as: "--reinstall"},
		{short: "I", names: []string{"ignore-installed"}, does: pass, as: "--reinstall"},
		{names: []string{"ignore-requires-python"}, does: unable, as: "take a Python that the package supports, or uv pip install --overrides FILE"},
		{names: []string{"no-build-isolation"}, dest: "build-isolation", takes: off, does: pass, as: "--no-build-isolation"},
		{names: []string{"use-pep517"}, dest: "pep517", does: drop},
		{names: []string{"no-use-pep517"}, dest: "pep517", takes: off, does: unable, as: "uv builds by PEP 517 only"},
		{names: []string{"check-build-dependencies"}, does: unable, as: "uv builds in an environment of its own, with what the build asks for"},
		{names: []string{"break-system-packages"}, does: pass, as: "--break-system-packages"},
		{short: "C", names: []string{"config-settings", "config-setting"}, takes: gather, does: pass, as: "-C"},
		{names: []string{"global-option"}, takes: list, does: unable, as: "uv pip install -C --global-option=…"},
		{names: []string{"install-option"}, takes: list, does: unable, as: "uv pip install -C KEY=VALUE, where the build backend has one"},
		{names: []string{"build-option"}, takes: list, does: unable, as: "uv pip install -C --build-option=…"},
		{names: []string{"compile"}, dest: "compile", does: pass, as: "--compile-bytecode"},
		{names: []string{"no-compile"}, dest: "compile", takes: off, does: pass, as: "--no-compile-bytecode"},
		{names: []string{"no-warn-script-location"}, takes: off, does: drop},
		{names: []string{"no-warn-conflicts"}, takes: off, does: drop},
		{names: []string{"no-binary"}, takes: gather, does: own},
		{names: []string{"only-binary"}, takes: gather, does: own},
		{names: []string{"prefer-binary"}, does: unable, as: "uv pip install --only-binary :all:, or --only-binary NAME"},
		{names: []string{"require-hashes"}, does: own},
		{names: []string{"no-require-hashes"}, does: unable, as: "uv pip install --no-verify-hashes"},
		{names: []string{"progress-bar"}, takes: one, does: drop},
		{names: []string{"root-user-action"}, takes: one, does: drop},
		{names: []string{"report"}, takes: one, does: unable, as: "uv pip install --output-format json"},
		{names: []string{"no-clean"}, does: drop},
	}...)
}

func uninstall() []option {
	return []option{
		{short: "r", names: []string{"requirement"}, takes: list, does: pass, as: "-r"},
		{short: "y", names: []string{"yes"}, does: drop}, // uv never asks
		{names: []string{"root-user-action"}, takes: one, does: drop},
		{names: []string{"break-system-packages"}, does: pass, as: "--break-system-packages"},
	}
}

func listing() []option {
	return append(indexOptions(), []option{
		{short: "o", names: []string{"outdated"}, does: pass, as: "--outdated"},
		{short: "u", names: []string{"uptodate"}, does: unable, as: "uv pip list --outdated tells the others"},
		{short: "e", names: []string{"editable"}, does: pass, as: "--editable"},
		{short: "l", names: []string{"local"}, does: drop}, // uv lists no other
		{names: []string{"user"}, does: unable, as: "uv knows no user site; uv tool list tells of programs"},
		{names: []string{"path"}, takes: list, does: own},
		{names: []string{"pre"}, does: unable, as: "UV_PRERELEASE=allow uv pip list --outdated"},
		{names: []string{"all-releases"}, takes: gather, does: unable, as: "UV_PRERELEASE=allow uv pip list --outdated"},
		{names: []string{"only-final"}, takes: gather, does: unable, as: "UV_PRERELEASE=disallow uv pip list --outdated"},
		{names: []string{"uploaded-prior-to"}, takes: one, does: own},
		{names: []string{"refresh-package"}, takes: gather, does: drop},
		{names: []string{"no-binary"}, takes: gather, does: unable, as: "uv pip list --outdated looks at the newest of any kind"},
		{names: []string{"only-binary"}, takes: gather, does: unable, as: "uv pip list --outdated looks at the newest of any kind"},
		{names: []string{"prefer-binary"}, does: unable, as: "uv pip list --outdated looks at the newest of any kind"},
		{names: []string{"format"}, takes: one, does: pass, as: "--format"},
		{names: []string{"not-required"}, does: unable, as: "uv pip tree --depth 0"},
		{names: []string{"exclude-editable"}, dest: "include-editable", takes: off, does: pass, as: "--exclude-editable"},
		{names: []string{"include-editable"}, dest: "include-editable", does: drop},
		{names: []string{"exclude"}, takes: list, does: pass, as: "--exclude"},
	}...)
}

func show() []option {
	return []option{{short: "f", names: []string{"files"}, does: pass, as: "--files"}}
}

func freeze() []option {
	return []option{
		{short: "r", names: []string{"requirement"}, takes: list, does: unable, as: "uv pip freeze is sorted by name; uv pip compile keeps comments"},
		{short: "l", names: []string{"local"}, does: drop}, // uv lists no other
		{names: []string{"user"}, does: unable, as: "uv knows no user site; uv tool list tells of programs"},
		{names: []string{"path"}, takes: list, does: pass, as: "--path"},
		{names: []string{"all"}, does: own}, // uv leaves nothing out
		{names: []string{"exclude-editable"}, does: pass, as: "--exclude-editable"},
		{names: []string{"exclude"}, takes: list, does: pass, as: "--exclude"},
	}
}
