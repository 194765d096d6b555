# The options of Home Manager that the module sets or reads, with the types that they have there;
# programs.uv as home-manager#9507 left it, its assertions included.
{ lib }:
let
  option = type: default: lib.mkOption { inherit type default; };
  inherit (lib.types)
    anything
    attrsOf
    bool
    coercedTo
    listOf
    package
    str
    ;
in
{ config, ... }:
let
  inherit (config.programs) uv;
  distinct = what: list: {
    assertion = lib.allUnique list;
    message = "programs.uv.${what} has duplicates";
  };
in
{
  options = {
    assertions = option (listOf anything) [ ];
    home.packages = option (listOf package) [ ];
    home.sessionPath = option (listOf str) [ ];
    home.profileDirectory = option str "/home/u/.nix-profile";
    home.activation = option (attrsOf anything) { };
    xdg.configFile = option (attrsOf anything) { };
    xdg.configHome = option str "/home/u/.config";
    xdg.dataHome = option str "/home/u/it's data";
    xdg.stateHome = option str "/home/u/.local/state";
    xdg.cacheHome = option str "/home/u/.cache";
    programs.uv = {
      enable = option bool false;
      python.versions = option (listOf str) [ ];
      python.default = option (coercedTo str (x: [ x ]) (listOf str)) [ ];
      python.prune = option bool false;
      tool.packages = option (listOf str) [ ];
      tool.prune = option bool false;
    };
  };
  config.assertions = [
    (distinct "python.versions" uv.python.versions)
    (distinct "python.default" uv.python.default)
    (distinct "tool.packages" uv.tool.packages)
    {
      assertion = lib.all (request: lib.elem request uv.python.versions) uv.python.default;
      message = "programs.uv.python.default is not in programs.uv.python.versions";
    }
  ];
  config.home.sessionPath = [ "/home/u/.local/bin" ];
}
