# Puts the directory of shims on PATH, as env.sh beside it does for bash, zsh and POSIX sh: first of
# all with nothing activated, before the first directory of a profile in an environment, and with
# direnv alone only if absent; with the directory into which uv puts programs right behind them where
# PATH lacks it. env.sh says why.
# Not with fish_add_path: that writes the universal fish_user_paths, which would outlive shim, and
# which fish puts before an activated environment in every child shell.

set -l shim_bin (string replace -r '/[^/]*$' '' -- (status filename))/bin
set -l shim_local $HOME/.local/bin
if string match -q '/?*/?*' -- "$XDG_DATA_HOME"
    set shim_local (string replace -r '/[^/]*/?$' '' -- $XDG_DATA_HOME)/bin
end
set -l shim_entry
for shim_entry in "$XDG_BIN_HOME" "$UV_TOOL_BIN_DIR"
    if string match -q '/?*' -- $shim_entry; and not string match -q '*:*' -- $shim_entry
        set shim_local (string replace -r '/$' '' -- $shim_entry)
    end
end
set -l shim_put $shim_bin
if test -n "$HOME"; and not string match -q '*:*' -- $shim_local; and not contains -- $shim_local $PATH; and not contains -- $shim_local/ $PATH
    set shim_put $shim_bin $shim_local
end
set -l shim_rest # PATH without us
set -l shim_was # how many entries stood before us
set -l shim_profile # how many stand before the first directory of a profile
for shim_entry in $PATH
    if test "$shim_entry" = "$shim_bin"
        set -q shim_was[1]; or set shim_was (count $shim_rest)
        continue
    end
    switch $shim_entry
        case "$shim_local" $HOME/.local/bin $HOME/bin $HOME/.nix-profile/bin $HOME/.local/state/nix/profile/bin "$XDG_STATE_HOME/nix/profile/bin" /run/wrappers/bin /nix/profile/bin '/etc/profiles/per-user/*/bin' '/nix/var/nix/profiles/*/bin' /run/current-system/sw/bin /usr/local/bin /usr/local/sbin /usr/bin /usr/sbin /bin /sbin
            set -q shim_profile[1]; or set shim_profile (count $shim_rest)
    end
    # a start file that came after an earlier block may have put uv's directory there once more
    test "$shim_entry" = "$shim_local"; and test "$shim_rest[-1]" = "$shim_local"; and continue
    set -a shim_rest $shim_entry
end

set -l shim_before (count $shim_rest)
if test -z "$VIRTUAL_ENV$CONDA_PREFIX$IN_NIX_SHELL$DIRENV_DIR"
    set shim_before 0
else
    if set -q shim_was[1]
        set shim_before $shim_was
    end
    if set -q shim_profile[1]; and test $shim_profile -lt $shim_before
        if test -n "$VIRTUAL_ENV$CONDA_PREFIX$IN_NIX_SHELL"; or not set -q shim_was[1]
            set shim_before $shim_profile
        end
    end
end

if string match -q '*:*' -- $shim_bin
    # no entry of PATH can hold a colon
else if test $shim_before -eq 0
    set -gx PATH $shim_put $shim_rest
else if test $shim_before -eq (count $shim_rest)
    set -gx PATH $shim_rest $shim_put
else
    set -gx PATH $shim_rest[1..$shim_before] $shim_put $shim_rest[(math $shim_before + 1)..-1]
end
