# What Home Manager's module and NixOS's have in common: the options, and what is wrong with the
# settings. The rules are those of policy.toml, told when the configuration is evaluated instead of
# when a python runs.
{ lib, pkgs }:

let
  toml = pkgs.formats.toml { };

  isStrings = value: lib.isList value && lib.all lib.isString value;
  strings = {
    want = "a list of strings";
    check = isStrings;
  };
  oneOrMore = {
    want = "a string or a list of strings";
    check = value: lib.isString value || isStrings value;
  };
  flag = {
    want = "true or false";
    check = lib.isBool;
  };
  word = words: {
    want = "one of " + lib.concatStringsSep ", " words;
    check = value: lib.elem value words;
  };
  mode = word [
    "off"
    "warn"
    "strict"
  ];

  # Every table and key of policy.toml.
  known = {
    python = {
      versions = strings;
      default = oneOrMore;
      prune = flag;
      environment = word [
        "active"
        "project"
      ];
      auto-install = flag;
      undeclared = word [
        "allow"
        "warn"
        "deny"
      ];
    };
    tool = {
      packages = strings;
      prune = flag;
    };
    nix-ld.libraries = strings;
    preflight = {
      loader = mode;
      libraries = mode;
      ignore = strings;
    };
    uv.supervise = flag;
    pip.command = word [
      "uv"
      "off"
    ];
  };

  names = set: lib.concatStringsSep ", " (lib.attrNames set);

  claim = assertion: message: {
    inherit assertion;
    message = "programs.shim.settings" + message;
  };

  # A key that is there, has the right type, and otherwise its default: for the rules that join keys.
  right =
    settings: table: key: default:
    let
      tableOf = settings.${table} or { };
      value = tableOf.${key} or default;
    in
    if lib.isAttrs tableOf && known.${table}.${key}.check value then value else default;

  ofTable =
    table: value:
    if !(known ? ${table}) then
      [ (claim false ".${table}: unknown table, want one of ${names known}") ]
    else if !lib.isAttrs value then
      [ (claim false ".${table}: want a table with ${names known.${table}}") ]
    else
      lib.mapAttrsToList (
        key: value:
        if !(known.${table} ? ${key}) then
          claim false ".${table}.${key}: unknown key, want one of ${names known.${table}}"
        else
          claim (known.${table}.${key}.check value) ".${table}.${key}: want ${known.${table}.${key}.want}"
      ) value;

  distinct =
    settings: table: key:
    claim (lib.allUnique (lib.toList (right settings table key [ ]))) ".${table}.${key} lists something twice";

in
{
  inherit toml known right;

  options = {
    enable = lib.mkEnableOption "shim, which runs the declared Python under the names python and uv";

    package = lib.mkOption {
      type = lib.types.nullOr lib.types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The shim to install; null if it is installed by other means.";
    };

    settings = lib.mkOption {
      inherit (toml) type;
      default = { };
      example = lib.literalExpression ''
        {
          python = {
            versions = [ "3.14" "3.13" ];
            default = [ "3.14" ];
          };
          preflight.libraries = "strict";
        }
      '';
      description = "The policy, as in {file}`policy.toml`.";
    };
  };

  # The assertions on settings: names and types, and the rules of programs.uv.
  assertionsOn =
    settings:
    let
      versions = right settings "python" "versions" [ ];
      defaults = lib.toList (right settings "python" "default" [ ]);
      strangers = lib.filter (request: !lib.elem request versions) defaults;
    in
    lib.concatLists (lib.mapAttrsToList ofTable settings)
    ++ [
      (distinct settings "python" "versions")
      (distinct settings "python" "default")
      (distinct settings "tool" "packages")
      (claim (
        versions == [ ] || strangers == [ ]
      ) ".python.default: not in python.versions, spelt the same: ${lib.concatStringsSep ", " strangers}")
    ];
}
