package lock

import (
	"maps"
	"slices"
)

// A merger adds records to a lock, finding entries by their names in constant time.
type merger struct {
	lock    *Lock
	python  map[string]int
	tool    map[string]int
	project map[[2]string]int
	change  map[string]int
}

// newMerger returns a merger into l, whose entries have different names.
func newMerger(l Lock) *merger {
	m := &merger{lock: &l}
	m.index()
	return m
}

func (m *merger) index() {
	m.python, m.tool = map[string]int{}, map[string]int{}
	m.project, m.change = map[[2]string]int{}, map[string]int{}
	for i, p := range m.lock.Python {
		m.python[p.ID()] = i
	}
	for i, t := range m.lock.Tool {
		m.tool[t.Name] = i
	}
	for i, p := range m.lock.Project {
		m.project[[2]string{p.Path, p.Python}] = i
	}
	for i, c := range m.lock.Change {
		m.change[c.ID] = i
	}
}

// add merges l into the lock. The first day of use only moves back and the last only forward,
// whatever the clock said; of all else the later record's word counts where it has one. Adding
// records A, B, and then B, or A and B, again changes nothing.
func (m *merger) add(l Lock) {
	into := m.lock
	if l.UV != nil {
		now := *l.UV
		if into.UV != nil {
			now.extra = both(into.UV.extra, now.extra)
		}
		into.UV = &now
	}
	if l.NixLD != nil {
		now := *l.NixLD
		if into.NixLD != nil {
			now.extra = both(into.NixLD.extra, now.extra)
		}
		into.NixLD = &now
	}
	for _, p := range l.Python {
		put(&into.Python, m.python, p.ID(), p, Python.with)
	}
	for _, t := range l.Tool {
		t.Resolved = sorted(t.Resolved)
		put(&into.Tool, m.tool, t.Name, t, Tool.with)
	}
	for _, p := range l.Project {
		p.Needs, p.Missing = sorted(p.Needs), sorted(p.Missing)
		put(&into.Project, m.project, [2]string{p.Path, p.Python}, p, Project.with)
	}
	for _, c := range l.Change {
		put(&into.Change, m.change, c.ID, c, func(old, _ Change) Change { return old })
	}
	into.extra = both(into.extra, l.extra)
}

// remove takes the tools and interpreters of these names out of the lock.
func (m *merger) remove(tools, pythons []string) {
	if len(tools)+len(pythons) == 0 {
		return
	}
	m.lock.Tool = slices.DeleteFunc(m.lock.Tool, func(t Tool) bool { return slices.Contains(tools, t.Name) })
	m.lock.Python = slices.DeleteFunc(m.lock.Python, func(p Python) bool { return slices.Contains(pythons, p.ID()) })
	m.index()
}

func put[K comparable, T any](list *[]T, index map[K]int, key K, now T, with func(T, T) T) {
	if i, ok := index[key]; ok {
		(*list)[i] = with((*list)[i], now)
		return
	}
	index[key] = len(*list)
	*list = append(*list, now)
}

func (p Python) with(now Python) Python {
	now.Key, now.Path, now.Version = or(now.Key, p.Key), or(now.Path, p.Path), or(now.Version, p.Version)
	now.Build, now.Request = or(now.Build, p.Build), or(now.Request, p.Request)
	now.FirstUsed, now.LastUsed = earlier(p.FirstUsed, now.FirstUsed), max(p.LastUsed, now.LastUsed)
	now.extra = both(p.extra, now.extra)
	return now
}

func (t Tool) with(now Tool) Tool {
	now.Request, now.Python = or(now.Request, t.Request), or(now.Python, t.Python)
	// what was resolved for one version says nothing of another
	if now.Resolved == nil && (now.Version == "" || now.Version == t.Version) {
		now.Resolved = t.Resolved
	}
	now.Version = or(now.Version, t.Version)
	now.Recorded = max(t.Recorded, now.Recorded)
	now.extra = both(t.extra, now.extra)
	return now
}

func (p Project) with(now Project) Project {
	if now.Needs == nil {
		now.Needs = p.Needs
	}
	if now.Missing == nil {
		now.Missing = p.Missing
	}
	now.LastUsed = max(p.LastUsed, now.LastUsed)
	now.extra = both(p.extra, now.extra)
	return now
}

func or(now, old string) string {
	if now != "" {
		return now
	}
	return old
}

func both(old, now table) table {
	if len(old) == 0 {
		return now
	}
	out := maps.Clone(old)
	maps.Copy(out, now)
	return out
}

// sorted returns the list in order and each word once. Nil stays nil, which says that nothing is known.
func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
