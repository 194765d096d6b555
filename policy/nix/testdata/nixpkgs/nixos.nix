# The options of NixOS that the module sets, with the types that they have there.
{ lib }:
let
  option = type: default: lib.mkOption { inherit type default; };
  inherit (lib.types)
    anything
    attrsOf
    bool
    lines
    listOf
    package
    ;
  shell = {
    shellInit = option lines "";
    interactiveShellInit = option lines "";
  };
in
{
  options = {
    assertions = option (listOf anything) [ ];
    environment.systemPackages = option (listOf package) [ ];
    environment.localBinInPath = option bool false;
    environment.etc = option (attrsOf anything) { };
    programs.nix-ld.enable = option bool false;
    programs.nix-ld.libraries = option (listOf package) [ ];
    programs.bash = shell;
    programs.zsh = shell;
    programs.fish = shell;
    system.userActivationScripts = option (attrsOf anything) { };
  };
  config.programs.bash.shellInit = ". set-environment";
}
