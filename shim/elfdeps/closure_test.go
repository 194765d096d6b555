package elfdeps

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func needs(file string, versions ...string) []VersionNeed {
	n := VersionNeed{File: file}
	for _, v := range versions {
		name, weak := strings.CutPrefix(v, "weak ")
		n.Versions = append(n.Versions, Version{name, weak})
	}
	return []VersionNeed{n}
}

// TestOpen opens files of small graphs in a program that stands in d0. What we say is held against
// the row and against the real loader. "@" is the directory of the graph.
func TestOpen(t *testing.T) {
	lib := func(needed ...string) elfFile { return elfFile{Needed: needed} }
	tests := []struct {
		name        string
		files       map[string]elfFile
		texts       map[string]string // files that are no ELF
		links       map[string]string
		libraryPath string
		rpath       string // of the program
		open        []string
		want        []string // what the last open loads: path how
		problems    []Kind
	}{
		{
			name:  "rpath_inheritedByDependencies",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"libblas.so"}, RPath: "$ORIGIN/../libs"}, "libs/libblas.so": lib("libgfortran.so"), "libs/libgfortran.so": lib()},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path", "m/../libs/libblas.so rpath of m/x.so", "m/../libs/libgfortran.so rpath of m/x.so"},
		}, {
			name:     "runpath_notInherited",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"libblas.so"}, RunPath: "$ORIGIN/../libs"}, "libs/libblas.so": lib("libgfortran.so"), "libs/libgfortran.so": lib()},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path", "m/../libs/libblas.so runpath of m/x.so"},
			problems: []Kind{MissingFile},
		}, {
			name: "runpath_shutsOutRPathsAbove",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"libblas.so"}, RPath: "$ORIGIN/../libs"}, "libs/libgfortran.so": lib(),
				"libs/libblas.so": {Needed: []string{"libgfortran.so"}, RunPath: "/nowhere"}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path", "m/../libs/libblas.so rpath of m/x.so"},
			problems: []Kind{MissingFile},
		}, {
			name:     "runpath_emptyStillShutsOut",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RPath: "$ORIGIN", Empty: true}, "m/liba.so": lib()},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{MissingFile},
		}, {
			name:        "libraryPath_beforeRunPath",
			files:       map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN"}, "m/liba.so": lib(), "lp/liba.so": lib()},
			libraryPath: "@/lp",
			open:        []string{"@/m/x.so"},
			want:        []string{"m/x.so path", "lp/liba.so library path shadows m/liba.so"},
		}, {
			name:        "libraryPath_behindRPath",
			files:       map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RPath: "$ORIGIN"}, "m/liba.so": lib(), "lp/liba.so": lib()},
			libraryPath: "@/lp",
			open:        []string{"@/m/x.so"},
			want:        []string{"m/x.so path", "m/liba.so rpath of m/x.so"},
		}, {
			name:        "libraryPath_emptyEntryIsWorkingDirectory",
			files:       map[string]elfFile{"m/x.so": lib("liba.so"), "liba.so": lib()},
			libraryPath: "/nowhere:",
			open:        []string{"@/m/x.so"},
			want:        []string{"m/x.so path", "liba.so library path"},
		}, {
			name:        "libraryPath_semicolonAndSlashes",
			files:       map[string]elfFile{"m/x.so": lib("liba.so"), "lp/liba.so": lib()},
			libraryPath: "/nowhere;@/lp///",
			open:        []string{"@/m/x.so"},
			want:        []string{"m/x.so path", "lp/liba.so library path"},
		}, {
			name:        "libraryPath_originIsTheProgramsDirectory",
			files:       map[string]elfFile{"m/x.so": lib("liba.so"), "lp/liba.so": lib()},
			libraryPath: "$ORIGIN/../lp",
			open:        []string{"@/m/x.so"},
			want:        []string{"m/x.so path", "d0/../lp/liba.so library path"},
		}, {
			name:  "rpath_ofProgramForAnyObject",
			files: map[string]elfFile{"m/x.so": lib("liba.so"), "lib/liba.so": lib()},
			rpath: "$ORIGIN/../lib",
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path", "d0/../lib/liba.so rpath of program"},
		}, {
			name:  "origin_ofTheLinkNotItsTarget",
			files: map[string]elfFile{"store/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN"}, "env/liba.so": lib(), "store/liba.so": lib()},
			links: map[string]string{"env/x.so": "../store/x.so"},
			open:  []string{"@/env/x.so"},
			want:  []string{"env/x.so path", "env/liba.so runpath of env/x.so"},
		}, {
			name:  "needed_slashAndOrigin",
			files: map[string]elfFile{"lib/libpython3.so": lib("$ORIGIN/../lib/libpython3.13.so.1.0"), "lib/libpython3.13.so.1.0": lib()},
			open:  []string{"@/lib/libpython3.so"},
			want:  []string{"lib/libpython3.so path", "lib/../lib/libpython3.13.so.1.0 path"},
		}, {
			name: "soname_loadedBeforeWins",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so.1"}, RunPath: "$ORIGIN"}, "m/liba.so.1": lib(),
				"other/renamed.so": {Soname: "liba.so.1"}},
			open: []string{"@/other/renamed.so", "@/m/x.so"},
			want: []string{"m/x.so path"},
		}, {
			name:     "soname_fileNameIsNone",
			files:    map[string]elfFile{"m/x.so": lib("liba.so"), "other/liba.so": {Soname: "libb.so"}},
			open:     []string{"@/other/liba.so", "@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{MissingFile},
		}, {
			name:  "file_sameInodeIsOneObject",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so", "libb.so"}, RunPath: "$ORIGIN"}, "m/liba.so": lib()},
			links: map[string]string{"m/libb.so": "liba.so"},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path", "m/liba.so runpath of m/x.so"},
		}, {
			name:  "open_samePreloadMakesTheRestFound",
			files: map[string]elfFile{"m/x.so": lib("libtorch.so"), "torch/init.so": {Needed: []string{"libtorch.so"}, RPath: "$ORIGIN"}, "torch/libtorch.so": lib()},
			open:  []string{"@/torch/init.so", "@/m/x.so"},
			want:  []string{"m/x.so path"},
		}, {
			name:  "open_failedLeavesNothing",
			files: map[string]elfFile{"m/x.so": lib("libtorch.so"), "torch/init.so": {Needed: []string{"libtorch.so", "libmissing.so"}, RPath: "$ORIGIN"}, "torch/libtorch.so": lib()},
			open:  []string{"@/torch/init.so", "@/m/x.so"},
			want:  []string{"m/x.so path"}, problems: []Kind{MissingFile},
		}, {
			name:     "class_otherIsPassedOver",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"liba.so", "libb.so"}, RunPath: "$ORIGIN/../32:$ORIGIN"}, "32/liba.so": {Class: Class32}, "m/liba.so": lib(), "32/libb.so": {Class: Class32}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path", "m/liba.so runpath of m/x.so"},
			problems: []Kind{MissingFile},
		}, {
			name:  "machine_otherIsPassedOver",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN/../arm:$ORIGIN"}, "arm/liba.so": {Machine: MachineAArch64}, "m/liba.so": lib()},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path", "m/liba.so runpath of m/x.so"},
		}, {
			name:     "text_endsTheSearch",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN/../dev:$ORIGIN"}, "m/liba.so": lib()},
			texts:    map[string]string{"dev/liba.so": "INPUT ( -lncurses )" + strings.Repeat(" ", 100)},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{BadFile},
		}, {
			name:     "loopOfLinks_endsTheSearchInAPath",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN/../loop:$ORIGIN"}, "m/liba.so": lib()},
			links:    map[string]string{"loop/liba.so": "liba.so"},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{MissingFile},
		}, {
			name:     "program_isNoLibrary",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN"}, "m/liba.so": {Flags1: df1PIE}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{BadFile},
		}, {
			name:     "noOpen_onlyForOpen",
			files:    map[string]elfFile{"m/x.so": {Flags1: df1NoOpen}},
			open:     []string{"@/m/x.so"},
			problems: []Kind{BadFile},
		}, {
			name:     "noDefLib_notFromCache",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"libz.so.1"}, Flags1: df1NoDefLib}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{MissingFile},
		}, {
			name: "version_missing",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN", Needs: needs("liba.so", "V1", "V2")},
				"m/liba.so": {Soname: "liba.so", Defs: []string{"V1"}}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path", "m/liba.so runpath of m/x.so"},
			problems: []Kind{MissingVersion},
		}, {
			name: "version_weakMayBeMissing",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN", Needs: needs("liba.so", "V1", "weak V2")},
				"m/liba.so": {Soname: "liba.so", Defs: []string{"V1"}}},
			open: []string{"@/m/x.so"},
			want: []string{"m/x.so path", "m/liba.so runpath of m/x.so"},
		}, {
			name:     "version_providerWithoutAnyIsANote",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN", Needs: needs("liba.so", "V1")}, "m/liba.so": lib()},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path", "m/liba.so runpath of m/x.so"},
			problems: []Kind{NoVersions},
		}, {
			name: "version_ofTheObjectThatHasTheName",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN", Needs: needs("liba.so", "V2")},
				"m/liba.so": {Soname: "liba.so", Defs: []string{"V2"}}, "old/y.so": {Soname: "liba.so", Defs: []string{"V1"}}},
			open:     []string{"@/old/y.so", "@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{MissingVersion},
		}, {
			name:     "version_ofAFileThatNothingNeeds",
			files:    map[string]elfFile{"m/x.so": {Needs: needs("liba.so", "V1")}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{StrayVersions},
		}, {
			name:     "version_ofALoadedFileNotAskedForByName",
			files:    map[string]elfFile{"m/x.so": {Needs: needs("liba.so", "V1")}, "old/y.so": {Soname: "liba.so", Defs: []string{"V1"}}},
			open:     []string{"@/old/y.so", "@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{StrayVersions},
		}, {
			name:     "version_ofAMissingFileIsOneProblem",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"libmissing.so"}, Needs: needs("libmissing.so", "V1")}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{MissingFile},
		}, {
			name:     "relr_withoutItsVersion",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"libc.so.6"}, Needs: needs("libc.so.6", "GLIBC_2.2.5"), Relr: true}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{BadFile},
		}, {
			name:  "relr_withItsVersion",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"libc.so.6"}, Needs: needs("libc.so.6", "GLIBC_ABI_DT_RELR", "GLIBC_2.2.5"), Relr: true}},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path"},
		}, {
			name:  "open_originOfTheCaller",
			files: map[string]elfFile{"m/x.so": lib()},
			open:  []string{"$ORIGIN/../m/x.so"},
			want:  []string{"d0/../m/x.so path"},
		}, {
			name:     "executable_isNoLibrary",
			files:    map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN"}, "m/liba.so": {Type: TypeExec}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{BadFile},
		}, {
			name:  "filter_namedByWhatItFilters",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN"}, "m/liba.so": {RunPath: "$ORIGIN", Filters: []Filter{{"x.so", false, 0}}}},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path", "m/liba.so runpath of m/x.so"},
		}, {
			name:  "auxiliary_missingIsNoProblem",
			files: map[string]elfFile{"m/x.so": {RunPath: "$ORIGIN", Filters: []Filter{{"libmissing.so", true, 0}, {"liba.so", true, 0}}}, "m/liba.so": lib()},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/liba.so runpath of m/x.so", "m/x.so path"},
		}, {
			name:     "filter_missingIsAProblem",
			files:    map[string]elfFile{"m/x.so": {Filters: []Filter{{"libmissing.so", false, 0}}}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/x.so path"},
			problems: []Kind{MissingFile},
		}, {
			name: "filter_neededBeforeMovesToTheFront",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so", "libb.so"}, RunPath: "$ORIGIN", Filters: []Filter{{"libb.so", false, 2}}},
				"m/liba.so": lib(), "m/libb.so": lib()},
			open: []string{"@/m/x.so"},
			want: []string{"m/libb.so runpath of m/x.so", "m/x.so path", "m/liba.so runpath of m/x.so"},
		}, {
			// the loader's list, which is compared, is liba, libf, x
			name:  "filter_loadedBeforeMovesBack",
			files: map[string]elfFile{"m/x.so": {Filters: []Filter{{"libf.so", false, 0}}}, "m/libf.so": {Soname: "libf.so"}, "m/liba.so": lib()},
			open:  []string{"@/m/libf.so", "@/m/liba.so", "@/m/x.so"},
			want:  []string{"m/x.so path"},
		}, {
			name:  "filter_earlierStaysThere",
			files: map[string]elfFile{"m/x.so": {Soname: "libx.so", Needed: []string{"liba.so", "libb.so"}, RunPath: "$ORIGIN"}, "m/liba.so": lib(), "m/libb.so": {Filters: []Filter{{"libx.so", false, 0}}}},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path", "m/liba.so runpath of m/x.so", "m/libb.so runpath of m/x.so"},
		}, {
			name:  "filter_ofItself",
			files: map[string]elfFile{"m/x.so": {Soname: "libx.so", Filters: []Filter{{"libx.so", false, 0}}}},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path"},
		}, {
			name: "filter_neededAsWellIsOneObject",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so", "libb.so"}, RunPath: "$ORIGIN", Filters: []Filter{{"liba.so", false, 0}}},
				"m/liba.so": {RunPath: "$ORIGIN", Needed: []string{"libb.so"}, Needs: needs("libb.so", "V2")}, "m/libb.so": {Soname: "libb.so", Defs: []string{"V1"}}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/liba.so runpath of m/x.so", "m/x.so path", "m/libb.so runpath of m/x.so"},
			problems: []Kind{MissingVersion},
		}, {
			name:  "filter_thenOthersAreOpened",
			files: map[string]elfFile{"m/x.so": {Filters: []Filter{{"libf.so", false, 0}}}, "m/libf.so": {Soname: "libf.so"}, "m/y.so": lib()},
			open:  []string{"@/m/libf.so", "@/m/x.so", "@/m/y.so"},
			want:  []string{"m/y.so path"},
		}, {
			name: "version_ofAFileKnownByAnotherLink",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liba.so", "libb.so"}, RunPath: "$ORIGIN", Needs: needs("libb.so", "V1")},
				"m/liba.so": {Soname: "liba.so", Defs: []string{"V1"}}},
			links: map[string]string{"m/libb.so": "liba.so"},
			open:  []string{"@/m/x.so"},
			want:  []string{"m/x.so path", "m/liba.so runpath of m/x.so"},
		}, {
			name: "filter_ofALoadedFileMovesAgain",
			files: map[string]elfFile{"m/x.so": {Needed: []string{"liby.so"}, RunPath: "$ORIGIN"}, "m/liby.so": {Filters: []Filter{{"libf.so", true, 0}}},
				"o/f.so": {Soname: "libf.so"}},
			open: []string{"@/m/x.so", "@/o/f.so", "@/m/liby.so"},
		}, {
			name:  "filter_ofAFileOpenedBeforeStays",
			files: map[string]elfFile{"m/liba.so": lib(), "m/liby.so": {Filters: []Filter{{"libf.so", true, 0}}}, "o/f.so": {Soname: "libf.so"}},
			open:  []string{"@/m/liba.so", "@/m/liby.so", "@/o/f.so", "@/m/liby.so"},
		}, {
			// both are called libx.so: first it is x itself, then what its filter has put before it
			name: "filter_takesTheNameOfWhatNamesIt",
			files: map[string]elfFile{"m/x.so": {Soname: "libx.so", Needed: []string{"libx.so", "libx.so"}, RunPath: "$ORIGIN",
				Filters: []Filter{{"liba.so", true, 1}}, Defs: []string{"V1"}, Needs: needs("libx.so", "V2")}, "m/liba.so": {Soname: "libx.so"}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/liba.so runpath of m/x.so", "m/x.so path"},
			problems: []Kind{NoVersions},
		}, {
			name: "filter_hasTheNameButIsNotAskedForByIt",
			files: map[string]elfFile{"m/x.so": {Soname: "libx.so", Needed: []string{"libx.so"}, RunPath: "$ORIGIN",
				Filters: []Filter{{"liba.so", true, 1}}, Defs: []string{"V1"}, Needs: needs("libx.so", "V2")}, "m/liba.so": {Soname: "libx.so"}},
			open:     []string{"@/m/x.so"},
			want:     []string{"m/liba.so runpath of m/x.so", "m/x.so path"},
			problems: []Kind{MissingVersion},
		},
	}
	noClass := elfFile{}.bytes()
	noClass[4] = 0
	foreign := elfFile{Machine: 22}.bytes() // s390x
	foreign[5], foreign[18], foreign[19] = 2, 0, 22
	version := elfFile{Machine: MachineAArch64}.bytes()
	version[20] = 2
	for name, data := range map[string][]byte{"class_noneIsPassedOver": noClass, "machine_otherOfOtherByteOrderIsPassedOver": foreign, "machine_otherOfAnotherELFVersion": version} {
		tests = append(tests, tests[0])
		row := &tests[len(tests)-1]
		row.name = name
		row.files = map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN/../other:$ORIGIN"}, "m/liba.so": lib()}
		row.texts = map[string]string{"other/liba.so": string(data)}
		row.want = []string{"m/x.so path", "m/liba.so runpath of m/x.so"}
		if data[20] == 2 {
			row.want, row.problems = row.want[:1], []Kind{BadFile}
		}
	}
	if caps := HWCaps(); len(caps) > 0 {
		path := "glibc-hwcaps/" + caps[len(caps)-1] + "/liba.so"
		tests = append(tests, tests[0])
		row := &tests[len(tests)-1]
		row.name = "hwcaps_beforeTheDirectory"
		row.files = map[string]elfFile{"m/x.so": {Needed: []string{"liba.so"}, RunPath: "$ORIGIN"}, "m/liba.so": lib(), "m/" + path: lib()}
		row.want = []string{"m/x.so path", "m/" + path + " runpath of m/x.so"}
	}
	driverImage(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			at := func(text string) string { return strings.ReplaceAll(text, "@", dir) }
			s := setting{dir: dir, libraryPath: at(test.libraryPath)}
			for path, file := range test.files {
				file.write(t, filepath.Join(dir, path))
			}
			for path, text := range test.texts {
				elfFile{}.write(t, filepath.Join(dir, path))
				if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for path, target := range test.links {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(target, filepath.Join(dir, path)); err != nil {
					t.Fatal(err)
				}
			}
			program := filepath.Join(dir, "d0", "driver")
			if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
				t.Fatal(err)
			}
			writeDriver(t, program, realLoader, elf.DT_RPATH, at(test.rpath))
			opens := make([]string, len(test.open))
			for i, name := range test.open {
				opens[i] = at(name)
			}
			s.compareOpens(t, program, [][]string{opens})

			process, start, err := Start(s.system(t), program)
			if err != nil || !start.OK() {
				t.Fatal(start.Problems, err)
			}
			var got Result
			for _, name := range opens {
				got = process.Open(name, nil)
			}
			var loaded []string
			for _, o := range got.Objects {
				text := s.words(o.Path) + " " + o.How.String()
				if o.Via == process.Program() {
					text += " of program"
				} else if o.Via != nil {
					text += " of " + s.words(o.Via.Path)
				}
				if shadowed := process.Shadowed(o); shadowed != "" {
					text += " shadows " + s.words(shadowed)
				}
				loaded = append(loaded, text)
			}
			if !slices.Equal(loaded, test.want) {
				t.Errorf("loaded %q\n  want %q", loaded, test.want)
			}
			var kinds []Kind
			for _, p := range got.Problems {
				kinds = append(kinds, p.Kind)
			}
			if !slices.Equal(kinds, test.problems) {
				t.Errorf("problems %v %v, want %v", kinds, got.Problems, test.problems)
			}
		})
	}
}

// TestOpen_notToMap opens files that are damaged where it is not looked at first.
func TestOpen_notToMap(t *testing.T) {
	driverImage(t)
	const ptLoad, ptDynamic = 1, 2
	// segment changes the program header of the type
	segment := func(typ uint32, change func(header []byte)) []byte {
		data := elfFile{}.bytes()
		for at := 64; at < 64+3*56; at += 56 {
			if binary.LittleEndian.Uint32(data[at:]) == typ {
				change(data[at : at+56])
			}
		}
		return data
	}
	tests := []struct {
		name string
		data []byte
	}{
		{"load_none", segment(ptLoad, func(h []byte) { h[0] = 4 })},
		{"load_unaligned", segment(ptLoad, func(h []byte) { h[17] = 1 })},
		{"dynamic_none", segment(ptDynamic, func(h []byte) { h[0] = 4 })},
		{"dynamic_empty", segment(ptDynamic, func(h []byte) { clear(h[32:40]) })},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s := setting{dir: dir}
			path, program := filepath.Join(dir, "x.so"), filepath.Join(dir, "driver")
			if err := os.WriteFile(path, test.data, 0o644); err != nil {
				t.Fatal(err)
			}
			writeDriver(t, program, realLoader, elf.DT_RPATH, "")
			if n, ok := s.compareOpens(t, program, [][]string{{path}}); n != 1 || ok != 0 {
				t.Errorf("%d opens, %d succeeded", n, ok)
			}
		})
	}
}

// TestStart compares starts with the real loader's.
func TestStart(t *testing.T) {
	driverImage(t)
	tests := []struct {
		name            string
		program, inside elfFile // in d0 and m
		preload         string
		want            []string
		ok              bool
	}{
		{"preload_beforeNeeded", elfFile{Needed: []string{"liby.so", "libx.so"}, RPath: "$ORIGIN/../m"}, elfFile{}, "libx.so",
			[]string{"d0/../m/libx.so", "d0/../m/liby.so"}, true},
		{"preload_missingIsIgnored", elfFile{Needed: []string{"libx.so"}, RPath: "$ORIGIN/../m"}, elfFile{}, "libmissing.so",
			[]string{"d0/../m/libx.so"}, true},
		{"loader_isKnownByItsSoname", elfFile{Needs: needs("ld-linux-x86-64.so.2", "GLIBC_2.3"), Needed: []string{"libx.so", "libc.so.6"}, RPath: "$ORIGIN/../m"},
			elfFile{Needed: []string{realLoader, "ld-linux-x86-64.so.2"}}, "", []string{"d0/../m/libx.so", "libc.so.6"}, true},
		{"loader_versionMissing", elfFile{Needs: needs("ld-linux-x86-64.so.2", "GLIBC_9.9"), Needed: []string{"libx.so", "libc.so.6"}, RPath: "$ORIGIN/../m"},
			elfFile{}, "", []string{"d0/../m/libx.so", "libc.so.6"}, false},
		{"loader_nobodyNeedsIt", elfFile{Needs: needs("ld-linux-x86-64.so.2", "GLIBC_2.3"), Needed: []string{"libx.so"}, RPath: "$ORIGIN/../m"},
			elfFile{}, "", []string{"d0/../m/libx.so"}, false},
		{"noOpen_isForOpenOnly", elfFile{Needed: []string{"libx.so"}, RPath: "$ORIGIN/../m"}, elfFile{Flags1: df1NoOpen}, "",
			[]string{"d0/../m/libx.so"}, true},
		{"execStack_atStartIsGiven", elfFile{Needed: []string{"libx.so"}, RPath: "$ORIGIN/../m"}, elfFile{Stack: "exec"}, "",
			[]string{"d0/../m/libx.so"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			s := setting{dir: dir, preload: test.preload, optional: []string{"libmissing.so"}}
			program := filepath.Join(dir, "d0/program")
			test.program.Interp = realLoader
			test.program.write(t, program)
			test.inside.write(t, filepath.Join(dir, "m/libx.so"))
			elfFile{}.write(t, filepath.Join(dir, "m/liby.so"))
			s.compareStart(t, program)
			_, got, err := Start(s.system(t), program)
			if err != nil {
				t.Fatal(err)
			}
			paths := s.loaded(got.Objects)
			for i, path := range paths {
				if strings.HasSuffix(path, "/libc.so.6") {
					paths[i] = "libc.so.6" // its directory is the distribution's
				}
			}
			if !slices.Equal(paths, test.want) || got.OK() != test.ok {
				t.Errorf("loaded %q, problems %v; want %q, ok %v", paths, got.Problems, test.want, test.ok)
			}
		})
	}
}

func TestStart_execStackForbidden(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	elfFile{Interp: "/loader", Needed: []string{"libx.so"}, RPath: dir}.write(t, program)
	elfFile{Stack: "exec"}.write(t, filepath.Join(dir, "libx.so"))
	elfFile{Stack: "exec"}.write(t, filepath.Join(dir, "liby.so"))
	for tunables, want := range map[string]bool{"": true, "glibc.rtld.execstack=0": false} {
		p, r, err := Start(&System{Files: NewFiles(Host{}, nil), Glibc: 41, Tunables: tunables}, program)
		if err != nil || r.OK() != want {
			t.Errorf("%q: %v %v, want ok %v", tunables, r.Problems, err, want)
		}
		// the stack is executable by then, or never
		if r := p.Open(filepath.Join(dir, "liby.so"), nil); r.OK() != want {
			t.Errorf("%q, another one opened: %v, want ok %v", tunables, r.Problems, want)
		}
	}
}

func TestOpen_clonesAreApart(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	elfFile{Interp: "/loader", Needed: []string{"liba.so"}, RPath: dir}.write(t, program)
	elfFile{}.write(t, filepath.Join(dir, "liba.so"))
	elfFile{Soname: "libb.so"}.write(t, filepath.Join(dir, "b.so"))
	elfFile{Needed: []string{"libb.so", "liba.so"}}.write(t, filepath.Join(dir, "c.so"))
	base, start, err := Start(&System{Files: NewFiles(Host{}, nil)}, program)
	if err != nil || !start.OK() {
		t.Fatal(start.Problems, err)
	}
	first := base.Clone()
	if r := first.Open(filepath.Join(dir, "b.so"), nil); !r.OK() {
		t.Fatal(r.Problems)
	}
	if r := first.Clone().Open(filepath.Join(dir, "c.so"), nil); !r.OK() {
		t.Errorf("a clone of the clone lacks what that has loaded: %v", r.Problems)
	}
	if r := base.Clone().Open(filepath.Join(dir, "c.so"), nil); r.OK() || len(r.Problems) != 1 || r.Problems[0].Name != "libb.so" {
		t.Errorf("a second clone has what the first has loaded: %v", r.Problems)
	}
	if base.Find("libb.so") != nil || first.Find("libb.so") == nil || first.Find("liba.so") == nil {
		t.Error("libb.so is to be known in the first clone only, liba.so in both")
	}
}

// TestOpen_givenUp opens a file that is made to search for days.
func TestOpen_givenUp(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	elfFile{Interp: "/loader"}.write(t, program)
	x := elfFile{RPath: "/" + strings.Repeat(":$ORIGIN/.", 3) + strings.Repeat(":/", 3)}
	for i := range 5000 {
		x.Needed = append(x.Needed, "lib"+strconv.Itoa(i))
		x.RPath += ":/" + strconv.Itoa(i)
	}
	x.write(t, filepath.Join(dir, "x.so"))
	p, _, err := Start(&System{Files: NewFiles(Host{}, nil)}, program)
	if err != nil {
		t.Fatal(err)
	}
	r := p.Open(filepath.Join(dir, "x.so"), nil)
	last := r.Problems[len(r.Problems)-1]
	if r.OK() || len(r.Problems) > 100 || last.Kind != BadFile || !strings.Contains(last.String(), "given up") {
		t.Errorf("%d problems, the last %v", len(r.Problems), last)
	}
}

func TestOpen_caller(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	elfFile{Interp: "/loader"}.write(t, program)
	elfFile{RunPath: "$ORIGIN/libs"}.write(t, filepath.Join(dir, "ctypes.so"))
	elfFile{}.write(t, filepath.Join(dir, "libs/liba.so"))
	p, _, err := Start(&System{Files: NewFiles(Host{}, nil)}, program)
	if err != nil {
		t.Fatal(err)
	}
	caller := p.Open(filepath.Join(dir, "ctypes.so"), nil).Root
	if r := p.Open("liba.so", nil); r.OK() {
		t.Error("liba.so is found from the program")
	}
	r := p.Open("liba.so", caller)
	if !r.OK() || r.Root.How != ByRunPath || r.Root.Via != caller || r.Root.By != nil {
		t.Errorf("liba.so from ctypes.so: %+v %v", r.Root, r.Problems)
	}
}

func TestOpen_execStack(t *testing.T) {
	tests := []struct {
		name           string
		program, stack string
		glibc          int
		tunable        string
		ok             bool
	}{
		{"glibc240_enables", "", "exec", 40, "", true},
		{"glibc241_refuses", "", "exec", 41, "", false},
		{"glibc241_noHeaderIsAskedFor", "", "none", 41, "", false},
		{"glibc241_notAskedFor", "", "", 41, "", true},
		{"glibc241_tunable2", "", "exec", 41, "glibc.x.y=0:glibc.rtld.execstack=2", true},
		{"glibc241_tunable1", "", "exec", 41, "glibc.rtld.execstack=1", false},
		{"glibc241_programHasOne", "exec", "exec", 41, "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "program")
			elfFile{Interp: "/loader", Stack: test.program}.write(t, program)
			elfFile{Stack: test.stack}.write(t, filepath.Join(dir, "x.so"))
			sys := &System{Files: NewFiles(Host{}, nil), Glibc: test.glibc, Tunables: test.tunable}
			p, _, err := Start(sys, program)
			if err != nil {
				t.Fatal(err)
			}
			r := p.Open(filepath.Join(dir, "x.so"), nil)
			if r.OK() != test.ok || !test.ok && r.Problems[0].Kind != ExecStackRefused {
				t.Errorf("got %v, want ok %v", r.Problems, test.ok)
			}
		})
	}
}

func TestStart_foreignLibc(t *testing.T) {
	dir := t.TempDir()
	libc := elfFile{Soname: "libc.so.6", Defs: []string{"GLIBC_2.2.5", "GLIBC_2.40"}}
	libc.write(t, filepath.Join(dir, "glibc/libc.so.6"))
	libc.write(t, filepath.Join(dir, "other/libc.so.6"))
	elfFile{Soname: "ld-linux-x86-64.so.2", Defs: []string{"GLIBC_2.3"}}.write(t, filepath.Join(dir, "glibc/ld.so"))
	if err := os.Symlink("glibc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	elfFile{Interp: "/lib64/ld-linux-x86-64.so.2", Needed: []string{"libc.so.6"}}.write(t, program)
	for libraryPath, want := range map[string][]Kind{"glibc": nil, "link": nil, "other": {ForeignLibc}} {
		sys := &System{Files: NewFiles(Host{}, nil), Loader: filepath.Join(dir, "glibc/ld.so"), LibraryPath: []string{filepath.Join(dir, libraryPath)}}
		p, r, err := Start(sys, program)
		if err != nil {
			t.Fatal(err)
		}
		if r.OK() != (want == nil) {
			t.Errorf("library path %s: ok is %v", libraryPath, r.OK())
		}
		var got []Kind
		for _, problem := range r.Problems {
			got = append(got, problem.Kind)
		}
		if !slices.Equal(got, want) {
			t.Errorf("library path %s: %v, want %v", libraryPath, r.Problems, want)
		}
		if p.glibc != 40 {
			t.Errorf("glibc 2.%d, want 2.40", p.glibc)
		}
	}
}

// TestStart_onlyThroughFS asks inside a directory that is given as the root.
func TestStart_onlyThroughFS(t *testing.T) {
	dir := t.TempDir()
	elfFile{Interp: "/lib/ld.so", Needed: []string{"liba.so", "libb.so"}, RPath: "/opt/a"}.write(t, filepath.Join(dir, "usr/bin/program"))
	elfFile{Soname: "ld.so"}.write(t, filepath.Join(dir, "lib/ld.so"))
	elfFile{}.write(t, filepath.Join(dir, "opt/a/liba.so"))
	elfFile{Needed: []string{"ld.so"}}.write(t, filepath.Join(dir, "lib/libb.so"))
	sys := &System{Files: NewFiles(below{dir}, nil), DefaultDirs: []string{"/lib/"}}
	_, r, err := Start(sys, "/usr/bin/program")
	if err != nil || !r.OK() {
		t.Fatal(r.Problems, err)
	}
	var got []string
	for _, o := range r.Objects {
		got = append(got, o.Path+" "+o.How.String())
	}
	want := []string{"/usr/bin/program program", "/lib/ld.so kernel", "linux-vdso.so.1 kernel", "/opt/a/liba.so rpath", "/lib/libb.so default"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// below is the directory dir as a root without links.
type below struct{ dir string }

func (b below) Open(path string) (File, error)   { return Host{}.Open(b.dir + path) }
func (b below) Stat(path string) (Info, error)   { return Host{}.Stat(b.dir + path) }
func (b below) Real(path string) (string, error) { return path, nil }
