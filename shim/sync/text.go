package sync

import (
	"fmt"
	"strings"
)

// String returns a step as a plan shows it, on one line. What it breaks is not in it.
func (s Step) String() string {
	switch s.Kind {
	case InstallPython:
		return s.repair("install", "reinstall") + " python " + s.Subject + s.asDefault()
	case RestorePython:
		text := s.repair("install", "reinstall") + " python " + s.Subject
		if s.Build != "" {
			text += " of build " + s.Build
		}
		return text
	case UpgradePython:
		text := "upgrade python " + s.Subject + ", if uv has a newer one"
		if s.Replace {
			text += ", and remove the one before"
		}
		return text
	case LinkDefault:
		return "link    python " + s.Subject + " as the default"
	case SetPin:
		return "pin     python " + s.Subject + " as uv's global pin"
	case RemovePin:
		return "unpin   python " + s.Subject + ", uv's global pin"
	case InstallTool:
		text := s.repair("install", "reinstall") + " tool " + s.Subject
		if s.Why != "" {
			text += ": " + strings.ReplaceAll(s.Why, "\n", ", ")
		}
		return text
	case RestoreTool:
		return s.repair("install", "reinstall") + " tool " + s.Tool.Request + s.exactly()
	case UpgradeTool:
		return "upgrade tool " + s.Subject + ", if there is a newer one"
	case MoveTool:
		return "move    tool " + s.Subject + " to python " + s.To
	case RemoveTool:
		return "remove  tool " + s.Subject
	case RemovePython:
		return "remove  python " + s.Subject
	}
	return fmt.Sprintf("step %d", s.Kind)
}

func (s Step) repair(no, yes string) string {
	if s.Repair {
		return yes
	}
	return no
}

func (s Step) asDefault() string {
	if s.Default {
		return " as the default"
	}
	return ""
}

func (s Step) exactly() string {
	if len(s.Tool.Resolved) == 0 {
		return ""
	}
	return ": " + strings.Join(s.Tool.Resolved, ", ")
}
