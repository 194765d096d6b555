# shellcheck shell=sh
# Puts the directory of shims on PATH. bash, zsh and POSIX sh source this file at every start, under
# whatever options are set: so no subprocess, no word splitting, and nothing left behind but PATH.
#
# With nothing activated the shims come first, before ~/.local/bin, where uv keeps its own python.
# In a virtual environment, conda or a Nix shell they stand behind what was activated, and before
# the first directory of a profile: a start file that puts ~/.local/bin before the environment has
# uv's python answer there, while the shim goes by the variables. What direnv put on PATH may be
# known by its place alone, so there the shims are only added if absent. Empty variables count as
# unset, as uv takes VIRTUAL_ENV.
#
# The caller may name the directory that this file is in as shim_data: POSIX sh cannot know it.

if [ -z "${shim_data-}" ]; then
    case "${XDG_DATA_HOME-}" in
    /*) shim_data="${XDG_DATA_HOME%/}/shim" ;;
    *) shim_data="${HOME-}/.local/share/shim" ;;
    esac
fi
shim_bin="$shim_data/bin"
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
        ;;
    "${HOME-}/.local/bin" | "${HOME-}/bin" | "${HOME-}/.nix-profile/bin" | \
        "${HOME-}/.local/state/nix/profile/bin" | "${XDG_STATE_HOME-}/nix/profile/bin" | \
        /run/wrappers/bin | /nix/profile/bin | /etc/profiles/per-user/*/bin | \
        /nix/var/nix/profiles/*/bin | /run/current-system/sw/bin | \
        /usr/local/bin | /usr/local/sbin | /usr/bin | /usr/sbin | /bin | /sbin)
        if [ "$shim_todo" = insert ]; then
            shim_path="$shim_path:$shim_bin"
            shim_todo="inserted"
        fi
        ;;
    esac
    shim_path="$shim_path:$shim_entry"
done

case "$shim_todo" in
front) PATH="$shim_bin${PATH:+$shim_path}" ;;
insert) PATH="${PATH:+${shim_path#:}:}$shim_bin" ;;
inserted) PATH="${shim_path#:}" ;;
esac
export PATH
unset shim_data shim_bin shim_rest shim_path shim_todo shim_entry
