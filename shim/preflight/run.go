package preflight

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
	if !passing(err) {
		_ = r.Memory.Save(r, v, day)
	}
	return v, "", true
}

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
