{
  lib,
  stdenv,
  buildGoModule,
  installShellFiles,
}:

buildGoModule {
  pname = "shim";
  version = "0.1.0"; # as in shim/command.go

  # Only what the program is made of, so that a change to a test or to a page builds nothing anew.
  # vendorHash depends on it: `go mod vendor` takes what these files import and no more.
  src = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../go.mod
      ../../go.sum
      (lib.fileset.fileFilter (file: !lib.hasSuffix "_test.go" file.name) ../../cmd)
      (lib.fileset.fileFilter (file: !lib.hasSuffix "_test.go" file.name && !file.hasExt "nix") ../../policy)
      (lib.fileset.fileFilter (file: !lib.hasSuffix "_test.go" file.name) ../../shim)
    ];
  };

  # TestVendorHash holds it against go.mod, go.sum and the sources, and tells the right one.
  vendorHash = "sha256-3w93n1EuMUmG8TQfaDpZnq47AHUJCQvux2Mmf5+O1yk=";

  env.CGO_ENABLED = 0;
  subPackages = [ "cmd/shim" ];

  # -E: the program looks at signals and descriptors before Go's runtime changes them (shim/host/entry.go)
  ldflags = [
    "-s"
    "-w"
    "-E uvshim/shim/host.entry"
  ];

  # The tests run Pythons, uv, shells and compilers of a whole machine and fetch what they lack, which
  # the sandbox has none of: nearly all would skip. .ci/run runs them.
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];

  # shim prints its own completions, so the built program is run, where it can be.
  postInstall =
    lib.optionalString (builtins.pathExists ../../cmd/shim/shim.1) ''
      installManPage cmd/shim/shim.1
    ''
    + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
      installShellCompletion --cmd shim \
        --bash <($out/bin/shim completions bash) \
        --zsh <($out/bin/shim completions zsh) \
        --fish <($out/bin/shim completions fish)
    '';

  meta = {
    description = "Runs the Python that you declared, under the names python and uv";
    license = lib.licenses.mit;
    platforms = [
      "aarch64-linux"
      "x86_64-linux"
    ];
    mainProgram = "shim";
  };
}
