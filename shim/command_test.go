package shim

import (
	"runtime/debug"
	"testing"
)

func TestRevision(t *testing.T) {
	tests := []struct {
		name, want string
		settings   []string
	}{
		{"none", "", nil},
		{"no_checkout", "", []string{"-trimpath", "true", "vcs", "git"}},
		{"clean", " (427aaab1c2d3, 2026-11-20)", []string{"vcs.revision", "427aaab1c2d3e4f5061728394a5b6c7d8e9f0a1b", "vcs.time", "2026-11-20T10:11:12Z", "vcs.modified", "false"}},
		{"changed", " (427aaab1c2d3+, 2026-11-20)", []string{"vcs.revision", "427aaab1c2d3e4f5", "vcs.time", "2026-11-20T10:11:12Z", "vcs.modified", "true"}},
		{"no_time", " (427a)", []string{"vcs.revision", "427a", "vcs.time", ""}},
	}
	for _, test := range tests {
		var settings []debug.BuildSetting
		for i := 0; i < len(test.settings); i += 2 {
			settings = append(settings, debug.BuildSetting{Key: test.settings[i], Value: test.settings[i+1]})
		}
		if got := revision(settings); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
