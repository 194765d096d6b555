#!/bin/sh
# Installs shim for this user, or takes it away again. `sh install.sh --help` says how.
#
# Every step looks at what is there first and puts whole files in place by a rename, so it can be
# interrupted anywhere and run again. Nothing runs before the last line has been read, so half a
# download does nothing.

set -eu

# The marks around our lines in a shell's start files. The second is for a file whose last line had
# no newline: then the one before the block is ours as well, and goes with it.
begin='# >>> shim >>>'
joined='# >>> shim >>> (the line before had no end)'
end='# <<< shim <<<'

newline='
'

usage() {
    cat <<'USAGE'
usage: install.sh [options]

Installs the shim command and its shims (python, uv, ...) for this user.

  --from FILE --sha256 HASH  install this binary instead of building one
  --keep                     keep the command that is there, and see to all the rest
  --prefix DIR               put the command into DIR/bin (default ~/.local/bin), its
                             manual into DIR/share/man
  --no-modify-path           do not touch the start files of bash, zsh and fish
  --dry-run                  only say what would be done
  --uninstall                take everything away but the policy and the lock
  --purge                    with --uninstall: those too
  -h, --help                 this text

example: sh install.sh --dry-run
USAGE
}

# ---- saying ----

note() { printf '  %-9s %s\n' "$1" "$2"; }
more() { printf '  %-9s %s\n' '' "$1"; }
warn() { printf 'shim: warning: %s\n' "$1" >&2; }
hint() { printf 'shim: hint: %s\n' "$1" >&2; }
fail() {
    printf 'shim: error: %s\n' "$1" >&2
    exit "${2:-1}"
}

# short PATH: the path as one writes it, with ~ for the home directory.
short() {
    case "$1" in
    "$HOME"/*) printf '%s/%s' '~' "${1#"$HOME"/}" ;;
    *) printf '%s' "$1" ;;
    esac
}

# ---- options and places ----

parse() {
    from='' sha256='' keep='' prefix='' modify=yes dry='' uninstall='' purge=''
    while [ $# -gt 0 ]; do
        case "$1" in
        --from | --sha256 | --prefix)
            if [ $# -lt 2 ]; then fail "$1 wants a value" 2; fi
            if [ -z "$2" ]; then fail "$1 wants a value, not \"\"" 2; fi
            case "$1" in
            --from) from=$2 ;;
            --sha256) sha256=$2 ;;
            --prefix) prefix=$2 ;;
            esac
            shift
            ;;
        --keep) keep=yes ;;
        --no-modify-path) modify='' ;;
        --dry-run) dry=yes ;;
        --uninstall) uninstall=yes ;;
        --purge) purge=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        --from=* | --sha256=* | --prefix=*) fail "write \"${1%%=*} ${1#*=}\", without the =" 2 ;;
        *) fail "unknown option \"$1\"; see install.sh --help" 2 ;;
        esac
        shift
    done
    if [ -n "$from" ] && [ -z "$sha256" ]; then fail "--from wants --sha256 HASH beside it" 2; fi
    if [ -z "$from" ] && [ -n "$sha256" ]; then fail "--sha256 is for --from FILE" 2; fi
    if [ -n "$keep" ] && [ -n "$from$prefix$uninstall" ]; then fail "--keep goes neither with --from and --prefix nor with --uninstall" 2; fi
    if [ -n "$purge" ] && [ -z "$uninstall" ]; then fail "--purge is for --uninstall" 2; fi
    case "$prefix" in
    '' | /*) ;;
    *) prefix=$PWD/$prefix ;;
    esac
}

# base VALUE FALLBACK: a base directory; as the XDG specification asks, a relative one is ignored.
base() {
    case "$1" in
    /) printf '/' ;;
    /*) printf '%s' "${1%/}" ;;
    *) printf '%s' "$HOME/$2" ;;
    esac
}

places() {
    case "${HOME:-}" in
    /?*) HOME=${HOME%/} ;;
    *) fail "HOME is not set to a directory" ;;
    esac
    data_home=$(base "${XDG_DATA_HOME:-}" .local/share)
    config_home=$(base "${XDG_CONFIG_HOME:-}" .config)
    data=$data_home/shim
    state=$(base "${XDG_STATE_HOME:-}" .local/state)/shim
    cache=$(base "${XDG_CACHE_HOME:-}" .cache)/shim
    policy=${SHIM_POLICY:-$config_home/shim/policy.toml}
    shims=$data/bin
    installed=$data/installed # what was made here that --uninstall cannot know from looking
    if [ -e "$installed" ] && [ ! -f "$installed" ]; then
        fail "$(short "$installed") is not a file, and not from here; take it away first"
    fi
    command=${prefix:-$HOME/.local}/bin/shim
    if [ -n "$keep" ]; then keep_command; fi
    manual=${prefix:-$HOME/.local}/share/man/man1/shim.1
    # bash and fish look there by themselves, zsh because env.sh has it do so
    bash_words=${prefix:+$prefix/share}
    bash_words=${bash_words:-$data_home}/bash-completion/completions/shim
    fish_words=$data_home/fish/vendor_completions.d/shim.fish
    zsh_words=$data/zsh/_shim
    case "$shims" in
    *:* | *"$newline"*) fail "\"$shims\" cannot stand on PATH: it has a colon or a line end in it" ;;
    esac
    # /. because the home directory may be a link, and the link root's
    if [ -z "$(find "$HOME/." -prune -user "$(id -u)" 2>/dev/null)" ]; then
        fail "$HOME does not belong to you; run this as the user it is for, without sudo"
    fi
}

# keep_command: what an earlier run installed stays the command, wherever that is.
keep_command() {
    last=$(sed -n 's/^command //p' "$installed" 2>/dev/null | tail -n 1)
    command=${last:-$command}
    prefix=${command%/bin/shim}
    if [ "$prefix" = "$HOME/.local" ]; then prefix=''; fi
    if [ ! -x "$command" ] || ! ours "$command"; then
        fail "there is no $(short "$command") to keep; run install.sh without --keep"
    fi
}

# ---- files ----

work='' half=''

# shellcheck disable=SC2317  # the trap calls it
tidy() {
    if [ -n "$half" ]; then rm -f "$half"; fi
    if [ -n "$work" ]; then rm -rf "$work"; fi
}

start() {
    trap tidy EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    work=$(mktemp -d "${TMPDIR:-/tmp}/shim-install-XXXXXX")
}

# remember WORDS: a line in the list of what --uninstall is to know.
remember() {
    if [ -n "$dry" ]; then return; fi
    if [ ! -d "$data" ]; then mkdir -p "$data"; fi
    if ! grep -qxF -e "$1" "$installed" 2>/dev/null; then printf '%s\n' "$1" >>"$installed"; fi
}

# directory DIR: makes it, and remembers which of its parents were not there.
directory() {
    if [ -n "$dry" ] || [ -d "$1" ]; then return; fi
    absent "$1" >"$work/absent"
    while IFS= read -r made; do remember "directory $made"; done <"$work/absent"
    mkdir -p "$1"
}

# absent DIR: it and its parents, as far as they are not there.
absent() {
    above=$1
    while [ ! -d "$above" ]; do
        printf '%s\n' "$above"
        above=$(dirname "$above")
    done
}

# sweep FILE: what a put that was killed left beside it.
sweep() { rm -f "$1".shim-[0-9]* 2>/dev/null || :; }

# put NEW FILE: NEW's bytes become FILE in one step; the mode and owner stay as they were. Beside it
# others may be able to plant a link: mktemp writes through none.
put() {
    sweep "$2"
    half=$(mktemp "$2.shim-$$-XXXXXX") || return 1
    chmod "=rw" "$half" # less what the umask takes
    if [ -e "$2" ]; then
        cp -p "$2" "$half" || return 1
        chmod u+w "$half" # the command may have been copied from a store, all read-only
    fi
    cat "$1" >"$half" || return 1
    mv -f "$half" "$2" || return 1
    half=''
}

# target FILE: what a rename has to replace, so that a link stays a link: the file at its end, which
# need not be there. Of a link into a directory that is gone, only the next step is known.
target() { readlink -f "$1" 2>/dev/null || readlink "$1" 2>/dev/null || printf '%s' "$1"; }

# there FILE: whether it exists, if only as a link to nothing.
there() { [ -e "$1" ] || [ -L "$1" ]; }

# writable FILE: whether it may be edited. Its mode counts for root too, who could write any file.
writable() {
    case "$1" in
    /*) ;;
    *) return 1 ;; # half of a broken link
    esac
    if [ -e "$1" ]; then
        if [ ! -f "$1" ] || [ ! -w "$1" ]; then return 1; fi
        case "$(ls -ldL "$1")" in
        ??w*) ;;
        *) return 1 ;;
        esac
    fi
    parent=$(dirname "$1")
    while [ ! -e "$parent" ]; do parent=$(dirname "$parent"); done
    [ -d "$parent" ] && [ -w "$parent" ]
}

# ---- the command ----

# obtain: leaves the new binary as $work/shim, and says where it is from in $origin.
obtain() {
    if [ -n "$from" ]; then
        if [ ! -f "$from" ]; then fail "there is no file \"$from\"" 2; fi
        cp "$from" "$work/shim"
        got=$(digest "$work/shim") || fail "found neither sha256sum, shasum nor openssl to check $from with"
        if [ "$got" != "$(printf '%s' "$sha256" | tr 'A-F' 'a-f')" ]; then
            fail "$from has the SHA-256 $got, not $sha256; nothing was changed"
        fi
        origin="from $from, checked"
    elif ! grep -qx 'module uvshim' "$source/go.mod" 2>/dev/null; then
        fail "found no source beside install.sh; run it in a checkout, or give --from FILE --sha256 HASH"
    else
        build_here
    fi
    chmod 755 "$work/shim"
    if ! "$work/shim" version >"$work/version" 2>"$work/log"; then
        cat "$work/log" >&2
        fail "the new shim does not run on this machine; nothing was changed"
    fi
}

digest() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum <"$1" | cut -d ' ' -f 1
    elif command -v shasum >/dev/null 2>&1; then
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    elif command -v openssl >/dev/null 2>&1; then
        openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1
    else
        return 1
    fi
}

# build_here: with Go; where there is none, or one too old, with Nix.
build_here() {
    tried=''
    for tool in go nix; do
        if ! command -v "$tool" >/dev/null 2>&1; then continue; fi
        tried=$tool
        note building "with $tool, which takes a while the first time"
        origin="built with $tool"
        case "$tool" in
        go) if compile go; then return; fi ;;
        nix) if build_nix; then return; fi ;;
        esac
    done
    if [ -z "$tried" ]; then
        fail 'found neither go nor nix to build with; install one of them, or give --from FILE --sha256 HASH'
    fi
    cat "$work/log" >&2
    if [ "$tried" = nix ] && [ ! -f "$source/flake.nix" ]; then
        hint 'this checkout has no flake.nix, so a Go was asked for from nixpkgs; with a Go of your own Nix is not needed'
    fi
    fail "building with $tried failed, see above; nothing was changed"
}

build_nix() {
    if [ -f "$source/flake.nix" ]; then
        flakes build "path:$source" --out-link "$work/result" >"$work/log" 2>&1 &&
            cp "$work/result/bin/shim" "$work/shim" && return 0
    fi
    # a Nix that cannot build the flake, or a checkout without one, can still lend a Go
    compile flakes shell nixpkgs#go -c go
}

flakes() { nix --extra-experimental-features 'nix-command flakes' "$@"; }

# compile COMMAND...: with that go. If git will not say what the checkout is, as in one that another
# user owns, then without asking it.
compile() {
    for vcs in auto false; do
        if (cd "$source" && CGO_ENABLED=0 "$@" build -buildvcs="$vcs" -trimpath -ldflags '-s -w -E uvshim/shim/host.entry' \
            -o "$work/shim" ./cmd/shim) >"$work/log" 2>&1; then
            return 0
        fi
        grep -q buildvcs "$work/log" || return 1
    done
    return 1
}

# ours FILE: whether it is a shim of any version: the module's path is in every Go binary, and the
# manual has it in its first line.
ours() { [ -f "$1" ] && LC_ALL=C grep -q 'uvshim/shim' "$1" 2>/dev/null; }

install_command() {
    case "$(target "$command")" in
    /nix/store/*) fail "$(short "$command") is a link into the Nix store: Nix installed this shim, and updates it" ;;
    esac
    if [ -e "$command" ] && ! ours "$command"; then
        fail "$(short "$command") is another program; give --prefix DIR to install elsewhere"
    fi
    if [ -n "$keep" ]; then
        note command "$(short "$command") (kept)"
    elif [ -n "$dry" ]; then
        note command "would be $(short "$command")"
    fi
    if [ -n "$dry" ]; then return; fi
    if [ -z "$keep" ]; then obtain; fi
    detach_list
    directory "$data"
    directory "$(dirname "$command")"
    # these shim makes itself when it first has something to write
    for later in "$state" "$cache"; do
        absent "$later" >"$work/absent"
        while IFS= read -r made; do remember "directory $made"; done <"$work/absent"
    done
    remember "command $command"
    remember_script
    if [ -n "$keep" ]; then return; fi
    if ! cmp -s "$work/shim" "$command"; then
        put "$work/shim" "$command" || fail "cannot write $(short "$command")"
        chmod 755 "$command"
    fi
    note command "$(short "$command") ($origin)"
}

# detach_list: makes the list a file of one name, so that no other gets the lines that are appended to it.
detach_list() {
    if [ -f "$installed" ]; then
        cat "$installed" >"$work/installed"
        put "$work/installed" "$installed" || fail "cannot write $(short "$installed")"
    fi
    if [ -L "$installed" ]; then rm -f "$installed"; fi
}

# remember_script: where this script lies, so that shim can tell how to run it again.
remember_script() {
    script=$source/${0##*/}
    case "$script" in
    *"$newline"*) return ;;
    esac
    if [ -f "$script" ] && ours "$script"; then
        # the place that counts is the last
        if [ "$(sed -n 's/^script //p' "$installed" 2>/dev/null | tail -n 1)" = "$script" ]; then return; fi
        { grep -v '^script ' "$installed" 2>/dev/null || :; } >"$work/installed"
        printf 'script %s\n' "$script" >>"$work/installed"
        put "$work/installed" "$installed" || fail "cannot write $(short "$installed")"
    fi
}

# install_manual: where man looks for it if the command is on PATH. A script by itself has none
# beside it, and what it installs works without.
install_manual() {
    page=$source/cmd/shim/shim.1
    if ! ours "$page"; then return; fi
    if [ -L "$manual" ] || { [ -e "$manual" ] && ! ours "$manual"; }; then
        warn "$(short "$manual") is there already and not from here; it stays"
        return
    fi
    if [ -n "$dry" ]; then
        note manual "would be $(short "$manual")"
        return
    fi
    if cmp -s "$page" "$manual" ||
        { directory "$(dirname "$manual")" && remember "manual $manual" && put "$page" "$manual"; } 2>/dev/null; then
        note manual "$(short "$manual")"
    else
        warn "cannot write the manual, $(short "$manual")"
    fi
}

# install_completions: for the shells that are here, where they look without a word in a start file.
install_completions() {
    for shell in bash zsh fish; do
        if ! command -v "$shell" >/dev/null 2>&1; then continue; fi
        case "$shell" in
        bash) words=$bash_words ;;
        zsh) words=$zsh_words ;;
        fish) words=$fish_words ;;
        esac
        if there "$words" && ! our_words "$words"; then
            warn "$(short "$words") is there already and not from here; it stays"
        elif [ -n "$dry" ]; then
            note "$shell" "completions would be $(short "$words")"
        elif ! "$command" completions "$shell" >"$work/words" 2>/dev/null; then
            : # an older command
        elif cmp -s "$work/words" "$words" ||
            { directory "$(dirname "$words")" && remember_words && put "$work/words" "$words"; } 2>/dev/null; then
            note "$shell" "completions are $(short "$words")"
        else
            warn "cannot write the completions, $(short "$words")"
        fi
    done
    # in a directory that others can write compinit asks before it goes on
    if [ -z "$dry" ] && [ -e "$zsh_words" ]; then chmod go-w "$data" "$data/zsh"; fi
}

# remember_words: what is below our own data directory goes with that.
remember_words() {
    case "$words" in
    "$data"/*) ;;
    *) remember "completions $words" ;;
    esac
}

# our_words FILE: whether it is what "shim completions" prints, of any version.
our_words() {
    if [ -L "$1" ] || [ ! -f "$1" ]; then return 1; fi
    case "$(head -n 1 "$1")" in
    '# bash completion for shim' | '# fish completion for shim' | '#compdef shim') ;;
    *) return 1 ;;
    esac
}

# make_shims: after uv and its Pythons are there, of which each minor gets a shim.
make_shims() {
    if [ -n "$dry" ]; then
        note shims "would be in $(short "$shims")"
        return
    fi
    if ! "$command" link >"$work/link"; then
        fail '"shim link" failed, see above; run install.sh again when that is mended'
    fi
    for made in env.sh env.fish bin/python; do
        if [ ! -e "$data/$made" ]; then fail "\"shim link\" made no $(short "$data/$made")"; fi
    done
    note shims "$(short "$shims")"
}

# ---- uv and a first Python ----

# program NAME: the first real program of that name on PATH; directories of shims are passed over.
program() { programs "$1" | head -n 1 | grep .; }

# programs NAME: all of them, a line for each.
programs() {
    (
        set -f
        IFS=:
        for dir in $PATH; do
            case "$dir" in
            /*) ;;
            *) continue ;;
            esac
            if [ -e "$dir/.shim-dir" ] || [ "$dir" = "$shims" ]; then continue; fi
            if [ -f "$dir/$1" ] && [ -x "$dir/$1" ]; then
                printf '%s\n' "$dir/$1"
            fi
        done
    )
}

nixos() { [ -e /etc/NIXOS ] || grep -qx 'ID=nixos' /etc/os-release 2>/dev/null; }

find_uv() {
    for candidate in "$(program uv || :)" "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv" "$data/uv/bin/uv"; do
        if [ -n "$candidate" ] && uv_version=$("$candidate" --version 2>/dev/null); then
            uv=$candidate
            uv_version=${uv_version#uv }
            uv_version=${uv_version%% *}
            return 0
        fi
    done
    uv=''
    return 1
}

get_uv() {
    if find_uv; then
        note uv "$(short "$uv") $uv_version"
        return
    fi
    if nixos; then
        note uv 'not found; on NixOS it comes from the system, see below'
        recipe=yes
        return
    fi
    if [ -n "$dry" ]; then
        note uv "not found; would be fetched from PyPI into $(short "$data/uv")"
        return
    fi
    real_pythons >"$work/pythons"
    if [ ! -s "$work/pythons" ]; then
        note uv 'not found, and there is no Python to fetch it with'
        return
    fi
    while IFS= read -r python; do
        note uv "not found; fetching it from PyPI with $(short "$python")"
        if fetch_uv </dev/null && find_uv; then
            more "$(short "$uv") $uv_version"
            return
        fi
        sed 's/^/            /' "$work/log" | tail -n 3 >&2
    done <"$work/pythons"
    warn 'fetching uv from PyPI failed'
}

# fetch_uv: the two programs of the wheel, and nothing else of it, into our own data directory. pip
# may be there, or come with a virtual environment; Debian has neither without a package.
fetch_uv() {
    rm -rf "$data"/uv.new
    if ! pip_uv "$python"; then
        "$python" -m venv "$work/venv" >>"$work/log" 2>&1 || return 1
        pip_uv "$work/venv/bin/python" || return 1
    fi
    mkdir -p "$data/uv.new/bin" || return 1
    cp "$work/wheel/bin/uv" "$work/wheel/bin/uvx" "$data/uv.new/bin/" || return 1
    rm -rf "$data/uv"
    mv "$data/uv.new" "$data/uv"
}

pip_uv() {
    rm -rf "$work/wheel"
    (cd "$work" && PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 "$1" -m pip install --quiet --no-input \
        --disable-pip-version-check --no-deps --only-binary :all: --no-compile \
        --target "$work/wheel" uv) >"$work/log" 2>&1 && [ -x "$work/wheel/bin/uv" ]
}

# real_python: sets python to the first of them, or to nothing.
real_python() { python=$(real_pythons | head -n 1); }

# real_pythons: those on PATH that run, each once: /bin is often a link to /usr/bin. A virtual
# environment's is another than the one it is a link to.
real_pythons() {
    for name in python3 python; do programs "$name"; done | while IFS= read -r candidate; do
        if (cd / && "$candidate" -c '') </dev/null >/dev/null 2>&1; then
            printf '%s:%s\t%s\n' "$(readlink -f "$(dirname "$candidate")")" "$(readlink -f "$candidate")" "$candidate"
        fi
    done | awk -F '\t' '!seen[$1]++ { print $2 }'
}

# managed: whether uv installed a Python. The names are uv's keys, implementation-version-os-arch-libc;
# the links without a patch version are for a minor.
managed() {
    for dir in "$pythons"/*-*.*.*-*-*-*; do
        if [ -d "$dir" ] && [ ! -L "$dir" ]; then return; fi
    done
    return 1
}

find_pythons() {
    pythons=${UV_PYTHON_INSTALL_DIR:-$data_home/uv/python}
    if [ -n "$uv" ]; then
        pythons=$("$uv" python dir 2>/dev/null) || pythons=$data_home/uv/python
    fi
}

# first_python: install.sh ends with a python that answers, so a machine without one gets one.
first_python() {
    find_pythons
    real_python
    if managed || [ -n "$python" ]; then return; fi
    if [ -n "$dry" ]; then
        note python 'none found; would be installed with uv'
    elif [ -n "$uv" ]; then
        note python 'none found; installing the newest with uv'
        # without uv's own links: ~/.local/bin is the user's
        if ! UV_PYTHON_INSTALL_BIN=0 "$uv" python install; then
            warn 'uv could not install a Python'
        fi
        find_pythons
    fi
}

# ---- the first policy ----

# first_policy: what "shim init" finds, once there is a Python. A policy that is there is the user's.
first_policy() {
    for there in "$policy" /etc/shim/policy.toml; do
        if there "$there"; then
            note policy "$(short "$there") (kept)"
            return
        fi
    done
    if [ -n "$dry" ]; then
        note policy "would be $(short "$policy"), as shim init writes it"
        return
    fi
    real_python
    if [ -z "$python" ] && ! managed; then
        note policy 'none yet: there is no Python'
        return
    fi
    directory "$(dirname "$policy")"
    if "$command" init >/dev/null 2>"$work/log"; then
        declare_newest
        note policy "$(short "$policy") (new, from what this machine has)"
    else
        cat "$work/log" >&2
        fail 'no policy was written, see above; run install.sh again when that is mended'
    fi
}

# declare_newest: where neither a link nor a pin of uv's says what a bare python is, it becomes the newest.
declare_newest() {
    if ! grep -q '^versions = ' "$policy" || grep -q "^# uv's global pin" "$policy"; then return; fi
    sed 's/^# \(default = .*\)  # what a bare python is; without it, the newest$/\1  # the newest/' "$policy" >"$work/policy"
    if ! cmp -s "$work/policy" "$policy"; then
        put "$work/policy" "$policy" || fail "cannot write $(short "$policy")"
    fi
}

# ---- PATH ----

# quoted PATH CHARACTERS: for double quotes, in which those characters are special.
quoted() {
    # shellcheck disable=SC2016  # the shell that reads the block expands it
    case "$1" in
    "$HOME"/*) printf '$HOME%s' "$(printf '%s' "${1#"$HOME"}" | sed "s/[\\\\$2]/\\\\&/g")" ;;
    *) printf '%s' "$1" | sed "s/[\\\\$2]/\\\\&/g" ;;
    esac
}

# block SYNTAX BEGIN: our lines. shim_data tells env.sh where it is, whatever XDG_DATA_HOME is then.
block() {
    if [ "$1" = fish ]; then
        dir=$(quoted "$data" '"$')
        printf '%s\nif test -r "%s/env.fish"\n    source "%s/env.fish"\nend\n%s\n' "$2" "$dir" "$dir" "$end"
    else
        dir=$(quoted "$data" '"$`')
        # shellcheck disable=SC2016  # the shell that reads the block expands it
        printf '%s\nif [ -r "%s/env.sh" ]; then\n    shim_data="%s"\n    . "$shim_data/env.sh"\nfi\n%s\n' \
            "$2" "$dir" "$dir" "$end"
    fi
}

# strip FILE: its bytes without our blocks. A begin without an end is left alone.
strip() {
    if ! grep -qxF -e "$begin" -e "$joined" "$1"; then
        cat "$1"
        return
    fi
    LC_ALL=C awk -v begin="$begin" -v joined="$joined" -v end="$end" -v whole="$(ends_whole "$1" && echo 1)" '
        { line[NR] = $0 }
        END {
            for (i = 1; i <= NR; i++) {
                if (line[i] == begin || line[i] == joined) {
                    for (j = i + 1; j <= NR && line[j] != end && line[j] != begin && line[j] != joined; j++);
                    if (j <= NR && line[j] == end) {
                        cut = line[i] == joined
                        i = j
                        continue
                    }
                }
                if (n++) printf "\n"
                printf "%s", line[i]
                last = i
                cut = 0
            }
            if (n && !cut && (last < NR || whole)) printf "\n"
        }' "$1"
}

# ends_whole FILE: whether its last line has a newline.
ends_whole() { [ "$(tail -c 1 "$1" | wc -l)" -eq 1 ]; }

# early FILE: the line of a .bashrc before which our block has to stand so that shells that are not
# interactive get it, which `ssh host command` starts; nothing if it is read to the end by all.
early() {
    LC_ALL=C awk '
        /\\$/ { continued = 1; next }
        !continued && (/^case +"?\$-"? +in/ || /^(if +)?\[\[? .*(\$-|PS1|-t +[012])/ || /^(if +)?(!  *)?(tty -s|test .*(\$-|PS1|-t +[012]))/) {
            print NR
            found = 1
            exit
        }
        { continued = 0 }
        !/^[ \t]*#/ && /(^|[^A-Za-z0-9_-])(return|exit|exec)([^A-Za-z0-9_-]|$)/ { leaves = 1 }
        END { if (!found && leaves) print 1 }' "$1"
}

# placed BASE SYNTAX KIND: BASE with our block in the places where it belongs.
placed() {
    if [ ! -s "$1" ]; then
        block "$2" "$begin"
        return
    fi
    line=''
    if [ "$3" = bashrc ]; then line=$(early "$1"); fi
    if [ "$line" = 1 ]; then
        case "$(head -n 1 "$1")" in
        '#!'*) line=2 ;;
        esac
    fi
    if [ -n "$line" ]; then
        head -n "$((line - 1))" "$1"
        block "$2" "$begin"
        tail -n "+$line" "$1"
    else
        cat "$1"
    fi
    if ends_whole "$1"; then
        block "$2" "$begin"
    else
        printf '\n'
        block "$2" "$joined"
    fi
}

# unlink_own FILE: a start file that is a link to env.sh or env.fish itself, which is not to be edited, goes.
unlink_own() {
    case "$(readlink "$1" 2>/dev/null)" in
    "$data"/env.sh | "$data"/env.fish) if [ -z "$dry" ]; then rm -f "$1"; fi ;;
    *) return 1 ;;
    esac
}

# edit FILE SYNTAX KIND: puts our block into a start file, and FILE into the list of what came of it.
edit() {
    file=$(target "$1")
    if unlink_own "$1"; then file=$1; fi
    case "$file" in
    /nix/store/*)
        printf '%s\n' "$1" >>"$work/store"
        return
        ;;
    esac
    if ! writable "$file"; then
        printf '%s\n' "$1" >>"$work/refused"
        return
    fi
    : >"$work/old"
    if [ -e "$file" ]; then cat "$file" >"$work/old"; fi
    strip "$work/old" >"$work/base"
    placed "$work/base" "$2" "$3" >"$work/new"
    strip "$work/new" >"$work/back"
    # the file must come back byte for byte; one with NUL bytes, say, is not ours to edit
    if ! cmp -s "$work/back" "$work/base"; then
        printf '%s\n' "$1" >>"$work/refused"
    elif [ -e "$file" ] && cmp -s "$work/new" "$work/old"; then
        printf '%s\n' "$1" >>"$work/kept"
    elif [ -n "$dry" ]; then
        printf '%s\n' "$1" >>"$work/edited"
    else
        directory "$(dirname "$file")"
        if [ ! -e "$file" ]; then remember "file $1"; fi
        if put "$work/new" "$file"; then
            printf '%s\n' "$1" >>"$work/edited"
        else
            printf '%s\n' "$1" >>"$work/refused"
        fi
    fi
}

# start_files: those of the shells that are here, as lines of: syntax, kind, path.
start_files() {
    if command -v bash >/dev/null 2>&1 || there "$HOME/.bashrc"; then
        printf 'sh bashrc %s\n' "$HOME/.bashrc"
    fi
    # the first of these is what a login bash reads; .profile is what display managers read
    login=$HOME/.profile
    for name in .profile .bash_login .bash_profile; do
        if there "$HOME/$name"; then login=$HOME/$name; fi
    done
    printf 'sh any %s\n' "$login"
    if [ "$login" != "$HOME/.profile" ] && there "$HOME/.profile"; then printf 'sh any %s\n' "$HOME/.profile"; fi
    zsh_files
    if command -v fish >/dev/null 2>&1 || there "$config_home/fish"; then
        printf 'fish any %s\n' "$config_home/fish/conf.d/shim.fish"
        # read after conf.d, and it may put ~/.local/bin first again
        if there "$config_home/fish/config.fish"; then printf 'fish any %s\n' "$config_home/fish/config.fish"; fi
    fi
}

# zsh_files: .zshenv is for all shells, .zprofile for login shells, which may get a new PATH after
# .zshenv, and .zshrc is where most people prepend to PATH.
zsh_files() {
    dotdir=${ZDOTDIR:-}
    if command -v zsh >/dev/null 2>&1; then
        # .zshenv is where ZDOTDIR is set, and it need not be exported
        # shellcheck disable=SC2016  # zsh expands it
        if [ -z "$dotdir" ]; then dotdir=$(zsh -c 'print -r -- "${ZDOTDIR-}"' </dev/null 2>/dev/null | tail -n 1); fi
    elif ! there "$HOME/.zshenv" && ! there "$HOME/.zshrc"; then
        return 0
    fi
    case "$dotdir" in
    /?*) dotdir=${dotdir%/} ;;
    *) dotdir=$HOME ;;
    esac
    if [ "$dotdir" != "$HOME" ] && there "$HOME/.zshenv"; then printf 'sh any %s\n' "$HOME/.zshenv"; fi
    for name in .zshenv .zprofile .zshrc; do printf 'sh any %s\n' "$dotdir/$name"; done
    if there "$dotdir/.zlogin"; then printf 'sh any %s\n' "$dotdir/.zlogin"; fi
}

# names LIST: its files on one line.
names() {
    gap=''
    while IFS= read -r name; do
        printf '%s%s' "$gap" "$(short "$name")"
        gap=' '
    done <"$1"
}

modify_path() {
    if [ -z "$modify" ]; then
        note PATH 'not touched; to have it in a shell:'
        more ". \"$data/env.sh\"              (bash, zsh, sh)"
        more "source \"$data/env.fish\"       (fish)"
        return
    fi
    for list in edited kept refused store; do : >"$work/$list"; done
    start_files >"$work/list"
    while read -r syntax kind path; do edit "$path" "$syntax" "$kind"; done <"$work/list"
    if [ -s "$work/edited" ]; then note PATH "${dry:+would be }set in $(names "$work/edited")"; fi
    if [ -s "$work/kept" ]; then note PATH "already set in $(names "$work/kept")"; fi
    if [ -s "$work/store" ]; then
        note PATH "left alone, being links into the Nix store: $(names "$work/store")"
        more 'with Home Manager, add to your home.nix:'
        # shellcheck disable=SC2016  # Nix and the shell expand it, not this script
        more "    home.sessionPath = [ \"$(quoted "$shims" '"$')\" ];"
    fi
    if [ -s "$work/refused" ]; then
        note PATH "cannot be written: $(names "$work/refused")"
        more "add as the last line:  [ ! -r \"$data/env.sh\" ] || . \"$data/env.sh\""
        more "for fish:  test ! -r \"$data/env.fish\"; or source \"$data/env.fish\""
    fi
    case "${SHELL:-/bin/sh}" in
    */bash | */zsh | */fish | */sh | */dash) ;;
    *) more "for $SHELL, put $shims first on PATH yourself" ;;
    esac
}

# ---- the end of it ----

show_recipe() {
    cat <<'NIX'

uv comes from the system on NixOS. In configuration.nix, then nixos-rebuild switch:

    environment.localBinInPath = true;
    environment.systemPackages = with pkgs; [ uv ];
    programs.nix-ld = {
      enable = true;
      libraries = with pkgs; [ stdenv.cc.cc.lib zlib ];
    };

NIX
}

# try_python: the proof. From the home directory, where no project has a say.
try_python() {
    if ! answer=$(cd "$HOME" && PATH="$shims:$PATH" "$shims/python" -c \
        'import sys; print("Python %d.%d.%d" % sys.version_info[:3]); print(sys.executable)'); then
        if [ -n "$recipe" ]; then show_recipe; fi
        printf '\nshim is installed, but no Python answers yet.\n' >&2
        if [ -z "$recipe" ]; then no_python >&2; fi
        exit 1
    fi
    printf '\nA bare python is now %s:\n' "${answer%%"$newline"*}"
    if why=$(cd "$HOME" && PATH="$shims:$PATH" "$command" which python --why 2>/dev/null); then
        printf '%s\n' "$why" | sed 's/^/  /'
    else
        printf '  %s\n' "${answer#*"$newline"}"
    fi
    if [ -n "$recipe" ]; then
        show_recipe
    elif [ -z "$uv" ]; then
        printf '\nuv is still missing, so uv, uvx and the installing of Pythons do not work yet: run install.sh\n'
        printf 'again when the network is there, or install uv (https://docs.astral.sh/uv/).\n'
    fi
}

no_python() {
    real_python
    if managed || [ -n "$python" ]; then
        printf 'Mend what is said above, then run install.sh again.\n'
    elif [ -n "$uv" ]; then
        printf 'When the network is there, run  %s python install  and then install.sh again.\n' "$(short "$uv")"
    else
        printf 'Install uv (https://docs.astral.sh/uv/), or a Python with pip, and then run install.sh again.\n'
    fi
}

last_words() {
    if [ -z "$modify" ]; then return; fi
    # shellcheck disable=SC2016  # for the user to type
    printf '\nLeft to do: start a new shell, here with  exec "$SHELL" -l\n'
    printf 'Then: shim which python --why tells what answers where; sh install.sh --uninstall takes shim away.\n'
}

# ---- uninstall ----

# gone PATH: takes a file or a directory away, if it is there.
gone() {
    if ! there "$1"; then return; fi
    if [ -z "$dry" ]; then rm -rf "$1"; fi
    note "$removed" "$(short "$1")"
}

unedit() {
    if unlink_own "$1"; then
        note "$removed" "$(short "$1")"
        return
    fi
    file=$(target "$1")
    if [ -z "$dry" ]; then sweep "$file"; fi
    if [ ! -f "$file" ] || ! grep -qxF -e "$begin" -e "$joined" "$file"; then return; fi
    strip "$file" >"$work/base"
    if cmp -s "$work/base" "$file"; then
        warn "$(short "$1") has the first line of shim's block but not the last; left as it is"
    elif ! writable "$file"; then
        warn "$(short "$1") cannot be written; take shim's block out by hand"
    elif [ ! -s "$work/base" ] && grep -qxF -e "file $1" "$work/installed"; then
        gone "$file"
    elif [ -n "$dry" ]; then
        note 'to edit' "$(short "$1")"
    else
        put "$work/base" "$file" || fail "cannot write $(short "$1")"
        note restored "$(short "$1")"
    fi
}

# leftover FILE: names the lines in a start file that a hand wrote to read env.sh or env.fish: unless they
# look whether it is there, each is an error at every start from now on.
leftover() {
    if [ ! -f "$1" ]; then return; fi
    strip "$1" >"$work/base"
    LC_ALL=C grep -E '^[^#]*shim/env\.(sh|fish)' "$work/base" >"$work/lines" || return 0
    while IFS= read -r line; do
        warn "$(short "$1") has a line of its own for shim, take it out: $line"
    done <"$work/lines"
}

# once: each line the first time that it comes.
once() { awk '!seen[$0]++'; }

remove() {
    removed=removed keeps=kept
    if [ -n "$dry" ]; then removed='to remove' keeps='to keep'; fi
    : >"$work/installed"
    if [ -f "$installed" ]; then cat "$installed" >"$work/installed"; fi
    # what was remembered counts too: shells and their directories may have changed since
    {
        start_files | sed 's/^[a-z]* [a-z]* //'
        sed -n 's/^file //p' "$work/installed"
    } | once >"$work/list"
    while IFS= read -r path; do
        unedit "$path"
        leftover "$path"
    done <"$work/list"
    pin=$config_home/uv/.python-version
    if [ -L "$pin" ] || ! pinned=$(cat "$pin" 2>/dev/null) || ! tail -n +2 "$state/pin" 2>/dev/null | grep -qxF -e "$pinned"; then pin=''; fi

    if [ -z "$dry" ] && [ -x "$command" ] && ours "$command"; then
        "$command" history >/dev/null 2>&1 || : # brings what is still pending into the lock
    fi
    {
        sed -n -e 's/^command //p' -e 's/^manual //p' "$work/installed"
        printf '%s\n' "$command" "$manual"
    } | once >"$work/commands"
    while IFS= read -r made; do
        if [ -z "$dry" ]; then sweep "$made"; fi
        if ours "$made" && [ ! -L "$made" ]; then gone "$made"; fi
    done <"$work/commands"
    {
        sed -n 's/^completions //p' "$work/installed"
        printf '%s\n' "$bash_words" "$fish_words"
    } | once >"$work/completions"
    while IFS= read -r made; do
        if [ -z "$dry" ]; then sweep "$made"; fi
        if our_words "$made"; then gone "$made"; fi
    done <"$work/completions"
    gone "$cache"
    if [ -n "$purge" ]; then
        gone "$state"
        gone "$config_home/shim"
    else
        for made in "$state"/* "$state"/.[!.]*; do
            case "${made##*/}" in
            shim.lock | shim.lock.corrupt-*) ;;
            pending) # what could not be brought into the lock is part of it
                if [ -z "$dry" ]; then rmdir "$made" 2>/dev/null || :; fi
                ;;
            *) gone "$made" ;;
            esac
        done
    fi
    had_uv=''
    if [ -d "$data/uv" ]; then had_uv=yes; fi
    if [ -z "$dry" ]; then
        # the list goes last, should this be interrupted
        for made in "$data"/* "$data"/.[!.]*; do
            if [ "$made" != "$installed" ]; then rm -rf "$made"; fi
        done
        unmake
    fi
    gone "$data"
    if [ -z "$dry" ]; then
        unmake
        printf '\nshim is gone. Shells that are open keep their PATH until they are restarted.\n'
    fi
    if [ -z "$purge" ]; then
        for kept in "$policy" "$state/shim.lock"; do
            if [ -e "$kept" ]; then note "$keeps" "$(short "$kept")"; fi
        done
    fi
    if [ -n "$pin" ]; then note "$keeps" "$(short "$pin"), uv's global pin, which shim sync wrote: $pinned"; fi
    if [ -n "$dry" ]; then
        if [ -n "$had_uv" ]; then printf 'The uv that install.sh fetched would go with it.\n'; fi
        printf 'The Pythons that uv installed, and your environments, would stay as they are.\n'
    else
        if [ -n "$had_uv" ]; then printf 'The uv that install.sh had fetched went with it.\n'; fi
        printf 'The Pythons that uv installed, and your environments, are as they were.\n'
    fi
}

# unmake: removes the directories that were made here, as far as nothing is in them.
unmake() {
    rmdir "$state" 2>/dev/null || :
    sed -n 's/^directory //p' "$work/installed" | sort -r | while IFS= read -r made; do
        rmdir "$made" 2>/dev/null || :
    done
}

main() {
    parse "$@"
    places
    start
    recipe='' uv=''
    if [ -n "$uninstall" ]; then
        remove
        return
    fi
    source=$(cd "$(dirname "$0")" && pwd -P)
    install_command
    install_manual
    install_completions
    get_uv
    first_python
    make_shims
    first_policy
    modify_path
    if [ -n "$dry" ]; then return; fi
    try_python
    last_words
}

{ main "$@"; exit; }
