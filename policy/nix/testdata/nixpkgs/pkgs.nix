# A stand-in for nixpkgs' packages: derivations that nobody builds.
{ lib, system }:
let
  make =
    attrs:
    derivation (
      {
        inherit system;
        builder = "/bin/sh";
      }
      // attrs
    );
  library = name: make { inherit name; };
  pkgs = {
    inherit lib pkgs;
    stdenv = {
      buildPlatform.canExecute = _: true;
      hostPlatform = { };
      cc.cc.lib = library "gcc-lib";
      cc.cc.type = "derivation";
      cc.bintools.dynamicLinker = "/nix/store/glibc/lib/ld-linux-x86-64.so.2";
    };
    zlib = library "zlib";
    icu74 = library "icu74";
    uv = library "uv";
    "odd name" = library "odd";
    # names that Nix, or a flake that uses them, has as well
    map = library "map";
    systems = library "systems";
    shellcheck = library "shellcheck";
    zsh = library "zsh";
    fish = library "fish";
    nixfmt-tree = library "nixfmt";
    installShellFiles = library "install-shell-files";

    formats.toml = _: {
      type = lib.types.toml;
      generate =
        name: value:
        make { inherit name; }
        // {
          inherit value;
        };
    };
    buildGoModule =
      attrs:
      make { name = "${attrs.pname}-${attrs.version}"; }
      // {
        inherit attrs;
        inherit (attrs) meta;
      };
    mkShell = attrs: make { name = "shell"; } // { inherit attrs; };
    callPackage =
      file: given:
      let
        function = import file;
      in
      function (builtins.intersectAttrs (builtins.functionArgs function) pkgs // given);
  };
in
pkgs
