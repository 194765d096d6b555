package cli

// Instead returns the arguments of a uv that runs another program where the line's own would run:
// the same command and options, in the same environment. It is false for a line that runs none, and
// for a script, whose environment is the script's own.
func (l Line) Instead(program ...string) (args []string, ok bool) {
	if l.Class != Run || len(l.Program) == 0 || l.Has("script") || l.Has("gui-script") {
		return nil, false
	}
	args = []string{"run"}
	if l.Command == "tool run" {
		args = []string{"tool", "run"}
		if !l.Has("from") {
			args = append(args, "--from="+l.Program[0])
		}
	}
	for _, o := range l.Options {
		switch {
		case o.Env != "" || o.Name == "module":
		case o.HasValue:
			args = append(args, "--"+o.Name+"="+o.Value)
		default:
			args = append(args, "--"+o.Name)
		}
	}
	return append(append(args, "--"), program...), true
}
