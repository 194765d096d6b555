package cli

// What each command is taken for. A Change is what leaves an environment, the tools or the
// interpreters other than they were; uv's own files, the cache, the project's files and shells'
// start files are none of these. Looked up in the source of uv 0.13.9: where ProjectEnvironment,
// sync_environment and update_environment are used.
//
//	run, tool run, tool uvx               Run
//	add, remove                           Change: they sync, but for --no-sync and --frozen
//	sync                                  Change; with --check or --dry-run it only looks
//	version                               Change with a new version or --bump: it syncs as add does
//	check                                 Change: it syncs the project before it runs ty there
//	workspace metadata                    Change with --sync
//	pip install, sync, uninstall          Change; with --check or --dry-run they only look
//	venv                                  Change
//	tool install, upgrade, uninstall      Change
//	python install, upgrade, uninstall    Change
//	python pin                            Change: which interpreter answers; without a request it only looks
//	upgrade, lock, export, tree, audit    Through: the lockfile at most
//	init, build, publish, format          Through: the environments that they need are below the cache
//	pip compile, freeze, list, show, tree, check, debug; tool list, dir, audit;
//	python list, find, dir; workspace list, dir      Through: they look
//	tool update-shell, python update-shell           Through: start files of shells
//	auth, cache, clean, self, help, build-backend, generate-shell-completion    Through
//
// A run without a project still runs; --no-sync, --frozen and the like are left to who asks Has.
func classOf(command string) Class {
	switch command {
	case "run", "tool run":
		return Run
	case "add", "remove", "sync", "version", "check", "workspace metadata", "venv",
		"pip install", "pip sync", "pip uninstall",
		"tool install", "tool upgrade", "tool uninstall",
		"python install", "python upgrade", "python uninstall", "python pin":
		return Change
	}
	return Through
}

// judge sets what follows from the whole line: the command's name, its class, and whether it only
// looks.
func (l *Line) judge() {
	if l.Command == "tool uvx" {
		l.Command = "tool run"
	}
	l.Class, l.DryRun = Through, false
	if !l.Known {
		return
	}
	l.Class = classOf(l.Command)
	switch {
	case l.asked, l.Command == "help", commands[l.table].form == group,
		l.Has("show-settings"), l.Has("generate-shell-completion"):
		l.Class, l.DryRun = Through, true
	default:
		l.DryRun = l.looks()
	}
	if l.DryRun && (l.Command == "version" || l.Command == "workspace metadata") {
		l.Class = Through
	}
}

// looks reports whether a command that could change something is told not to, or given no cause to.
func (l *Line) looks() bool {
	if l.Has("dry-run") || l.Has("check") {
		return true
	}
	switch l.Command {
	case "version":
		return len(l.Words) == 0 && !l.Has("bump")
	case "workspace metadata":
		return !l.Has("sync")
	case "python pin":
		return len(l.Words) == 0 && !l.Has("rm")
	case "tool run": // names the tools that are installed
		return len(l.Program) == 0
	}
	return false
}
