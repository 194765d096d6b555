package preflight

import "strconv"

// Run returns the remembered verdict on a request or, for the first process to ask, makes one and
// remembers it under day. ok is false where there is none, because another process is at it. A Python
// that cannot be looked at, such as a script that runs one, is remembered as that.
func Run(r Request, day string) (v Verdict, recorded string, ok bool) {
	if v, recorded, ok := r.Memory.Load(r); ok {
		return v, recorded, true
	}
	release, ok := r.Memory.Claim(r)
	if !ok {
		return Verdict{}, "", false
	}
	defer release()
	// who held the claim until now may have left a verdict
	if v, recorded, ok := r.Memory.Load(r); ok {
		return v, recorded, true
	}
	v, err := Check(r)
	if err != nil {
		v = unseen(r, err)
	}
	if !v.Incomplete {
		r.Memory.done(r)
	} else if r.Memory.tried(r) {
		v.Incomplete, v.Partial = false, true
		v.Reason = "there was not enough time to look at all of its files in " + strconv.Itoa(maxTries) + " calls; shim check takes its time"
		v.conclude()
	}
	if !passing(err) {
		_ = r.Memory.Save(r, v, day)
	}
	return v, "", true
}

// maxTries is how many calls may look at an environment without coming to an end. Each keeps what it has
// learnt of its files, so that real ones need two or three. After that the verdict is that there is
// too much to look at, which costs no call any more, until the environment changes.
const maxTries = 10

// tried counts the scans that did not come to their end, and reports whether that was the last.
func (m *Memory) tried(r Request) bool {
	if m == nil {
		return false
	}
	key := triedKey(r)
	was, _ := m.verdicts.Load(key)
	n, _ := strconv.Atoi(string(was))
	if n++; n >= maxTries {
		m.done(r)
		return true
	}
	_ = m.verdicts.Save(key, []byte(strconv.Itoa(n)))
	return false
}

// done forgets how many scans did not come to their end.
func (m *Memory) done(r Request) {
	if m != nil {
		m.verdicts.Forget(triedKey(r))
	}
}

func triedKey(r Request) string { return "tried\n" + r.key() }

// unseen is the verdict on a Python that cannot be looked at, which holds as long as its file stays.
func unseen(r Request, err error) Verdict {
	v := Verdict{Outcome: Unclear, Reason: err.Error(), Python: r.Python}
	for _, how := range []byte{watchFile, watchReal} {
		w := watch{how: how, path: r.Python}
		w.was = w.now()
		v.watched = append(v.watched, w)
	}
	return v
}
