# Home Manager's module: programs.shim.
#
# Beside Home Manager's own programs.uv there is one list and one pruner. Where that manages Pythons or
# tools, the policy takes its lists from there and leaves the removing to it.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.programs.shim;
  shared = import ./settings.nix { inherit lib pkgs; };

  # Older releases of Home Manager have no programs.uv, or one without python and tool.
  uv = config.programs.uv or { };
  uvVersions = uv.python.versions or [ ];
  uvDefault = uv.python.default or [ ];
  uvPackages = uv.tool.packages or [ ];
  managesPythons = (uv.enable or false) && (uvVersions != [ ] || (uv.python.prune or false));
  managesTools = (uv.enable or false) && (uvPackages != [ ] || (uv.tool.prune or false));

  versions = shared.right cfg.settings "python" "versions" [ ];
  packages = shared.right cfg.settings "tool" "packages" [ ];
  pruned = table: shared.right cfg.settings table "prune" false;

in
{
  options.programs.shim = shared.options;

  config = lib.mkIf cfg.enable {
    programs.shim.settings = lib.mkMerge [
      (lib.mkIf managesPythons {
        python.versions = lib.mkDefault uvVersions;
        python.prune = lib.mkDefault false;
      })
      (lib.mkIf (managesPythons && uvDefault != [ ]) {
        python.default = lib.mkDefault uvDefault;
      })
      (lib.mkIf managesTools {
        tool.packages = lib.mkDefault uvPackages;
        tool.prune = lib.mkDefault false;
      })
    ];

    assertions = shared.assertionsOn cfg.settings ++ [
      {
        assertion = !managesPythons || versions == uvVersions;
        message = "programs.shim.settings.python.versions is another list than programs.uv.python.versions: leave it out, it is taken from there";
      }
      {
        assertion = !managesTools || packages == uvPackages;
        message = "programs.shim.settings.tool.packages is another list than programs.uv.tool.packages: leave it out, it is taken from there";
      }
      {
        assertion = !(managesPythons && pruned "python");
        message = "programs.shim.settings.python.prune beside programs.uv.python: one of the two is to remove Pythons, set programs.uv.python.prune";
      }
      {
        assertion = !(managesTools && pruned "tool");
        message = "programs.shim.settings.tool.prune beside programs.uv.tool: one of the two is to remove tools, set programs.uv.tool.prune";
      }
      {
        assertion = cfg.package != null || managesPythons || versions == [ ] && !pruned "python";
        message = "programs.shim.package is null, so nothing can install what programs.shim.settings.python declares";
      }
      {
        assertion = cfg.package != null || managesTools || packages == [ ] && !pruned "tool";
        message = "programs.shim.package is null, so nothing can install what programs.shim.settings.tool declares";
      }
    ];

    home.packages = lib.mkIf (cfg.package != null) [ cfg.package ];

    # before what else is in the list, ~/.local/bin above all, where uv keeps a python of its own
    home.sessionPath = lib.mkBefore [ "${config.xdg.dataHome}/shim/bin" ];

    xdg.configFile."shim/policy.toml" = lib.mkIf (cfg.settings != { }) {
      source = shared.toml.generate "shim-policy.toml" cfg.settings;
    };

    # After the policy is in its place. The shims are copies below the data directory: nothing points
    # into the store. A failure, as of a download, is told and does not keep what comes after it from
    # being activated. An activation's PATH has coreutils and their like only; uv, and the git that it
    # may need, are where a login shell finds them, so that the record names no store path.
    home.activation.shim = lib.mkIf (cfg.package != null) (
      lib.hm.dag.entryAfter [ "linkGeneration" ] ''
        shimRun() {
          PATH="$PATH:${config.home.profileDirectory}/bin:/etc/profiles/per-user/''${USER-}/bin:/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:/usr/local/bin:/usr/bin:/bin" \
          XDG_CONFIG_HOME=${lib.escapeShellArg config.xdg.configHome} \
          XDG_DATA_HOME=${lib.escapeShellArg config.xdg.dataHome} \
          XDG_STATE_HOME=${lib.escapeShellArg config.xdg.stateHome} \
          XDG_CACHE_HOME=${lib.escapeShellArg config.xdg.cacheHome} \
            run ${lib.getExe cfg.package} "$@" ||
            echo "shim $1 failed; the activation goes on" >&2
        }
        shimRun link
        shimRun sync
        shimRun link >/dev/null # the Pythons that are new
        unset -f shimRun
      ''
    );
  };
}
