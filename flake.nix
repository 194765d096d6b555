{
  description = "Runs the Python that you declared, under the names python and uv, and checks before the crash";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "aarch64-linux"
        "x86_64-linux"
      ];
      forAll = f: nixpkgs.lib.genAttrs systems (system: f system nixpkgs.legacyPackages.${system});
      module = file: { imports = [ file ]; };
    in
    {
      packages = forAll (
        system: pkgs: rec {
          shim = pkgs.callPackage ./policy/nix/package.nix { };
          default = shim;
        }
      );

      overlays.default = final: _: {
        shim = final.callPackage ./policy/nix/package.nix { };
      };

      nixosModules = rec {
        shim = module ./policy/nix/nixos-module.nix;
        default = shim;
      };
      homeModules = rec {
        shim = module ./policy/nix/home-module.nix;
        default = shim;
      };
      homeManagerModules = self.homeModules; # the name before NixOS/nix#10858

      # The module, as NixOS's own module system takes it, and the package.
      checks = forAll (
        system: _: {
          package = self.packages.${system}.default;
          nixos-module =
            (nixpkgs.lib.nixosSystem {
              inherit system;
              modules = [
                self.nixosModules.default
                {
                  programs.shim.enable = true;
                  programs.shim.settings.python.versions = [ "3.14" ];
                }
              ];
            }).config.environment.etc."shim/policy.toml".source;
        }
      );

      devShells = forAll (
        system: pkgs: {
          default = pkgs.mkShell {
            inputsFrom = [ self.packages.${system}.default ];
            packages = with pkgs; [
              uv
              shellcheck
              zsh
              fish
            ];
          };
        }
      );

      formatter = forAll (system: pkgs: pkgs.nixfmt-tree or pkgs.nixfmt-rfc-style);
    };
}
