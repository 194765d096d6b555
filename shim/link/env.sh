# shellcheck shell=sh
# Puts the directory of shims on PATH. bash, zsh and POSIX sh source this file at every start, under
# whatever options are set: so no subprocess, no word splitting, and nothing left behind but PATH, and
# in zsh FPATH with the directory of shim's completions.
#
# With nothing activated the shims come first, before ~/.local/bin, where uv keeps its own python.
# In a virtual environment, conda or a Nix shell they stand behind what was activated, and before
# the first directory of a profile: a start file that puts ~/.local/bin before the environment has
# uv's python answer there, while the shim goes by the variables. What direnv put on PATH may be
# known by its place alone, so there the shims are only added if absent. Empty variables count as
# unset, as uv takes VIRTUAL_ENV.
#
# The directory into which uv puts programs (uv-dirs, user_executable_directory) comes right behind the
# shims where it is on PATH nowhere. Without it uv asks for `uv tool update-shell`, whose line in the
# start files puts that directory before the shims.
#
# The caller may name the directory that this file is in as shim_data: POSIX sh cannot know it.

if [ -z "${shim_data-}" ]; then
    case "${XDG_DATA_HOME-}" in
    /*) shim_data="${XDG_DATA_HOME%/}/shim" ;;
    *) shim_data="${HOME-}/.local/share/shim" ;;
    esac
fi
shim_bin="$shim_data/bin"
shim_local="${HOME-}/.local/bin"
case "${XDG_DATA_HOME-}" in
/?*/?*)
    shim_local="${XDG_DATA_HOME%/}"
    shim_local="${shim_local%/*}/bin"
    ;;
esac
for shim_entry in "${XDG_BIN_HOME-}" "${UV_TOOL_BIN_DIR-}"; do
    case "$shim_entry" in
    *:*) ;;
    /?*) shim_local="${shim_entry%/}" ;;
    esac
done
shim_put="$shim_bin:$shim_local"
case ":${PATH-}:" in
*":$shim_local:"* | *":$shim_local/:"*) shim_put="$shim_bin" ;;
esac
case "$shim_local" in
*:* | /.local/bin) shim_put="$shim_bin" ;; # no entry of PATH can hold a colon; and HOME is not set
esac
shim_rest="${PATH-}:"
shim_path=""
shim_todo="front"
if [ -n "${VIRTUAL_ENV-}${CONDA_PREFIX-}${IN_NIX_SHELL-}" ]; then
    shim_todo="insert"
elif [ -n "${DIRENV_DIR-}" ]; then
    case ":${PATH-}:" in
    *":$shim_bin:"*) shim_todo="keep" ;;
    *) shim_todo="insert" ;;
    esac
fi
case "$shim_bin" in
*:*) shim_todo="none" ;; # no entry of PATH can hold a colon
esac

# One entry a turn. shim_path gets a colon before each, so that an empty entry stays one.
while [ -n "$shim_rest" ] && [ "$shim_todo" != none ]; do
    shim_entry="${shim_rest%%:*}"
    shim_rest="${shim_rest#*:}"
    case "$shim_entry" in
    "$shim_bin")
        case "$shim_todo" in
        insert | keep) shim_todo="inserted" ;;
        *) continue ;;
        esac
        shim_entry="$shim_put"
        ;;
    "$shim_local" | "${HOME-}/.local/bin" | "${HOME-}/bin" | "${HOME-}/.nix-profile/bin" | \
        "${HOME-}/.local/state/nix/profile/bin" | "${XDG_STATE_HOME-}/nix/profile/bin" | \
        /run/wrappers/bin | /nix/profile/bin | /etc/profiles/per-user/*/bin | \
        /nix/var/nix/profiles/*/bin | /run/current-system/sw/bin | \
        /usr/local/bin | /usr/local/sbin | /usr/bin | /usr/sbin | /bin | /sbin)
        if [ "$shim_todo" = insert ]; then
            shim_path="$shim_path:$shim_put"
            shim_todo="inserted"
        fi
        ;;
    esac
    # a start file that came after an earlier block may have put uv's directory there once more
    case "$shim_entry:$shim_path" in
    "$shim_local:"*":$shim_local") continue ;;
    esac
    shim_path="$shim_path:$shim_entry"
done

case "$shim_todo" in
front) PATH="$shim_put${PATH:+$shim_path}" ;;
insert) PATH="${PATH:+${shim_path#:}:}$shim_put" ;;
inserted) PATH="${shim_path#:}" ;;
esac
export PATH

if [ -n "${ZSH_VERSION-}" ] && [ -r "$shim_data/zsh/_shim" ] && [ "$shim_todo" != none ]; then
    case ":${FPATH-}:" in
    *":$shim_data/zsh:"*) ;;
    *) FPATH="$shim_data/zsh${FPATH:+:$FPATH}" ;;
    esac
fi
unset shim_data shim_bin shim_local shim_put shim_rest shim_path shim_todo shim_entry
