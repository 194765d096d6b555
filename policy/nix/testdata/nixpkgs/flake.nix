# A stand-in for nixpkgs, see lib.nix.
{
  outputs =
    { self }:
    let
      lib = import ./lib.nix;
      systems = [
        "aarch64-linux"
        "x86_64-linux"
      ];
    in
    {
      legacyPackages = lib.genAttrs systems (system: import ./pkgs.nix { inherit lib system; });
      lib = lib // {
        nixosSystem =
          { system, modules }:
          {
            config = lib.evalModules {
              modules = modules ++ [ (import ./nixos.nix { inherit lib; }) ];
              args.pkgs = self.legacyPackages.${system};
            };
          };
      };
    };
}
