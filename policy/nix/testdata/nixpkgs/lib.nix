# A stand-in for the part of nixpkgs' lib that the modules and the package use, for tests that have
# no nixpkgs. The functions do what nixpkgs' of those names are documented to do for the arguments
# that occur here. evalModules knows mkIf, mkMerge, priorities and order, checks types, and refuses
# options that do not exist; it has no submodules, no freeform types,
# and imports of attribute sets only.
let
  inherit (builtins)
    all
    any
    attrNames
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    head
    isAttrs
    isBool
    isFunction
    isList
    isString
    length
    listToAttrs
    map
    mapAttrs
    replaceStrings
    sort
    tail
    ;

  genAttrs =
    names: f:
    listToAttrs (
      map (name: {
        inherit name;
        value = f name;
      }) names
    );
  unique = list: foldl' (acc: x: if elem x acc then acc else acc ++ [ x ]) [ ] list;
  dotted = concatStringsSep ".";

  property = x: isAttrs x && elem (x._type or "") [ "if" "merge" "override" "order" ];
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  mkOrder = priority: content: {
    _type = "order";
    inherit priority content;
  };

  # Properties move from a set to its attributes, so that which attributes there are never depends on
  # a condition.
  pushDown =
    x:
    if !(property x) then
      [ x ]
    else if x._type == "merge" then
      concatMap pushDown x.contents
    else
      map (inner: mapAttrs (_: content: x // { inherit content; }) inner) (pushDown x.content);

  discharge =
    x:
    let
      inner = discharge x.content;
    in
    if !(property x) then
      [
        {
          value = x;
          priority = 100;
          order = 1000;
        }
      ]
    else if x._type == "merge" then
      concatMap discharge x.contents
    else if x._type == "if" then
      if x.condition then inner else [ ]
    else if x._type == "override" then
      map (d: d // { inherit (x) priority; }) inner
    else
      map (d: d // { order = x.priority; }) inner;

  mergeLeaf =
    path: type: definitions:
    let
      found = concatMap discharge definitions;
      best = foldl' (least: d: if d.priority < least then d.priority else least) 9999 found;
      kept = sort (a: b: a.order < b.order) (filter (d: d.priority == best) found);
      values = map (d: d.value) kept;
    in
    if found == [ ] then
      throw "The option `${dotted path}' is used but not defined."
    else if !(all type.check values) then
      throw "A definition for option `${dotted path}' is not of type `${type.name}'."
    else
      type.merge path values;

  evalTree =
    path: options: definitions:
    let
      sets = concatMap pushDown definitions;
      defined = unique (concatMap attrNames sets);
      strangers = filter (name: !(options ? ${name})) defined;
      of = name: map (set: set.${name}) (filter (set: set ? ${name}) sets);
      one =
        name: option:
        if option._type or "" != "option" then
          evalTree (path ++ [ name ]) option (of name)
        else
          mergeLeaf (path ++ [ name ]) option.type (
            of name ++ (if option ? default then [ (mkOverride 1500 option.default) ] else [ ])
          );
    in
    if strangers != [ ] then
      throw "The option `${dotted (path ++ [ (head strangers) ])}' does not exist."
    else
      mapAttrs one options;

  joinOptions =
    a: b:
    a
    // mapAttrs (
      name: option: if a ? ${name} && option._type or "" != "option" then joinOptions a.${name} option else option
    ) b;

  same =
    path: values:
    if all (v: v == head values) values then
      head values
    else
      throw "The option `${dotted path}' has conflicting definition values.";
  simple = name: check: {
    inherit name check;
    merge = same;
  };
  attrsOf = type: {
    name = "attribute set of ${type.name}";
    check = isAttrs;
    merge =
      path: sets:
      let
        down = concatMap pushDown sets;
        merged = genAttrs (unique (concatMap attrNames down)) (
          name: map (set: set.${name}) (filter (set: set ? ${name}) down)
        );
        there = filter (name: concatMap discharge merged.${name} != [ ]) (attrNames merged);
      in
      genAttrs there (name: mergeLeaf (path ++ [ name ]) type merged.${name});
  };
  types = {
    inherit attrsOf;
    bool = simple "boolean" isBool;
    str = simple "string" isString;
    package = simple "package" (x: isAttrs x && x.type or "" == "derivation");
    anything = simple "anything" (_: true);
    lines = {
      name = "strings concatenated with \"\\n\"";
      check = isString;
      merge = _: concatStringsSep "\n";
    };
    listOf = type: {
      name = "list of ${type.name}";
      check = x: isList x && all type.check x;
      merge = _: concatLists;
    };
    nullOr = type: {
      name = "null or ${type.name}";
      check = x: x == null || type.check x;
      merge = path: values: if elem null values then same path values else type.merge path values;
    };
    coercedTo = from: f: to: {
      inherit (to) name;
      check = x: from.check x || to.check x;
      merge = path: values: to.merge path (map (x: if from.check x then f x else x) values);
    };
    toml = {
      name = "TOML value";
      check = x: x != null && !(isFunction x) && (!(isList x) || all types.toml.check x);
      merge =
        path: values:
        if all isAttrs values then
          (attrsOf types.toml).merge path values
        else if all isList values then
          concatLists values
        else
          same path values;
    };
  };

  lib = {
    inherit
      all
      attrNames
      concatLists
      concatStringsSep
      elem
      filter
      genAttrs
      isAttrs
      isBool
      isList
      isString
      mapAttrs
      mkOrder
      mkOverride
      types
      ;
    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
    mkMerge = contents: {
      _type = "merge";
      inherit contents;
    };
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
    mkBefore = mkOrder 500;
    mkAfter = mkOrder 1500;
    mkOption = option: option // { _type = "option"; };
    mkEnableOption =
      what:
      lib.mkOption {
        type = types.bool;
        default = false;
        description = "Whether to enable ${what}.";
      };
    literalExpression = text: { inherit text; };

    allUnique = list: length (unique list) == length list;
    toList = x: if isList x then x else [ x ];
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    findFirst =
      pred: default: list:
      let
        found = filter pred list;
      in
      if found == [ ] then default else head found;
    attrByPath =
      path: default: set:
      if path == [ ] then
        set
      else if isAttrs set && set ? ${head path} then
        lib.attrByPath (tail path) default set.${head path}
      else
        default;
    optionalString = condition: text: if condition then text else "";
    hasSuffix =
      suffix: text:
      let
        over = builtins.stringLength text - builtins.stringLength suffix;
      in
      over >= 0 && builtins.substring over (-1) text == suffix;
    escapeShellArg = text: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";
    getExe = package: "${package}/bin/${package.meta.mainProgram}";
    getLib = package: package.lib or package;
    makeLibraryPath = packages: concatStringsSep ":" (map (p: "${lib.getLib p}/lib") packages);
    licenses.mit.spdxId = "MIT";
    hm.dag.entryAfter = after: data: { inherit after data; };

    fileset = {
      unions = concatMap (x: if isList x then x else [ (toString x) ]);
      fileFilter =
        pred: root:
        let
          below =
            dir:
            concatMap (
              name:
              if (builtins.readDir dir).${name} == "directory" then
                below "${dir}/${name}"
              else if
                pred {
                  inherit name;
                  hasExt = ext: lib.hasSuffix ".${ext}" name;
                }
              then
                [ "${dir}/${name}" ]
              else
                [ ]
            ) (attrNames (builtins.readDir dir));
        in
        below (toString root);
      # not the source, but what it would hold
      toSource =
        { root, fileset }:
        map (
          file: builtins.substring (builtins.stringLength (toString root) + 1) (-1) file
        ) (sort (a: b: a < b) fileset);
    };

    evalModules =
      { modules, args }:
      let
        load = module: if builtins.isPath module || isString module then load (import module) else module;
        call = module: if isFunction module then module (args // { inherit config lib; }) else module;
        imported = module: if isAttrs module then concatMap imported (module.imports or [ ]) ++ [ (removeAttrs module [ "imports" ]) ] else [ module ];
        all = map (
          module:
          let
            m = call (load module);
          in
          if m ? options || m ? config then m else { config = m; }
        ) (concatMap imported modules);
        config = evalTree [ ] (foldl' joinOptions { } (map (m: m.options or { }) all)) (
          map (m: m.config or { }) all
        );
      in
      config;
  };
in
lib
