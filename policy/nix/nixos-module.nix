# NixOS's module: programs.shim, for all users of a machine.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.programs.shim;
  shared = import ./settings.nix { inherit lib pkgs; };

  declares =
    table: key:
    shared.right cfg.settings table key [ ] != [ ] || shared.right cfg.settings table "prune" false;
  declared = declares "python" "versions" || declares "tool" "packages";

  # The policy's attributes are text: dotted paths, whose parts may stand in double quotes.
  wanted = shared.right cfg.settings "nix-ld" "libraries" [ ];
  part = ''([a-zA-Z_][a-zA-Z0-9_'-]*|"[^"\$]+")'';
  isPath = text: builtins.match "${part}(\\.${part})*" text != null;
  pathOf =
    text:
    map (match: lib.findFirst (name: name != null) "" match) (
      lib.filter lib.isList (builtins.split ''"([^"]+)"|([^".]+)'' text)
    );
  find = text: if isPath text then lib.attrByPath (pathOf text) null pkgs else null;
  strangers = lib.filter (text: find text == null) wanted;

  # After set-environment, whose last line puts ~/.local/bin first (environment.localBinInPath), and in
  # each interactive shell again, for start files that prepend to PATH. What `shim link` left in the
  # user's data directory does it, as install.sh's blocks have it. That must be the user's own: root may
  # have another's HOME.
  sh = ''
    case "''${XDG_DATA_HOME-}" in
    /*) shim_data="''${XDG_DATA_HOME%/}/shim" ;;
    *) shim_data="''${HOME-}/.local/share/shim" ;;
    esac
    if [ -r "$shim_data/env.sh" ] && [ -O "$shim_data/env.sh" ]; then
        . "$shim_data/env.sh"
    fi
    unset shim_data
  '';
  fish = ''
    set -l shim_data $HOME/.local/share/shim
    if string match -q '/*' -- "$XDG_DATA_HOME"
        set shim_data (string trim -r -c / -- $XDG_DATA_HOME)/shim
    end
    if test -r $shim_data/env.fish; and test -O $shim_data/env.fish
        source $shim_data/env.fish
    end
  '';
in
{
  options.programs.shim = shared.options;

  config = lib.mkIf cfg.enable {
    assertions = shared.assertionsOn cfg.settings ++ [
      {
        assertion = strangers == [ ];
        message = "programs.shim.settings.nix-ld.libraries: nixpkgs has no ${lib.concatStringsSep ", " strangers}";
      }
      {
        assertion = cfg.package != null || !declared;
        message = "programs.shim.package is null, so nothing can install what programs.shim.settings declares";
      }
    ];

    environment.systemPackages = lib.mkIf (cfg.package != null) [ cfg.package ];

    environment.etc."shim/policy.toml" = lib.mkIf (cfg.settings != { }) {
      source = shared.toml.generate "shim-policy.toml" cfg.settings;
    };

    # One list for the check and for what it checks. Without one, nix-ld is left as it is.
    programs.nix-ld = lib.mkIf (wanted != [ ]) {
      enable = lib.mkDefault true;
      libraries = lib.filter (library: library != null) (map find wanted);
    };

    # Each shell's own, not environment.shellInit: that is for all shells, and fish has it run by bash or
    # translated, which env.sh is not made for.
    programs.bash.shellInit = lib.mkAfter sh;
    programs.bash.interactiveShellInit = lib.mkAfter sh;
    programs.zsh.shellInit = lib.mkAfter sh;
    programs.zsh.interactiveShellInit = lib.mkAfter sh;
    programs.fish.shellInit = lib.mkAfter fish;
    programs.fish.interactiveShellInit = lib.mkAfter fish;

    # For each user, at the first login after boot and at a switch while logged in. Not for greeters
    # and services. A failure is told in the journal, and later scripts run all the same.
    system.userActivationScripts.shim = lib.mkIf (cfg.package != null) ''
      if [ "$UID" -ge 1000 ]; then
        shimRun() {
          PATH="$PATH:/run/wrappers/bin:$HOME/.nix-profile/bin:/etc/profiles/per-user/''${USER-}/bin:/run/current-system/sw/bin" \
            ${lib.getExe cfg.package} "$@" ||
            echo "shim $1 failed; the activation goes on" >&2
        }
        shimRun link
        ${lib.optionalString declared "shimRun sync; shimRun link >/dev/null # the Pythons that are new"}
        unset -f shimRun
      fi
    '';
  };
}
