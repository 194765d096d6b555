package preflight

// Run returns the remembered verdict on a request or, for the first process to ask, makes one and
// remembers it under day. ok is false where there is none: another process is at it, or the Python
// cannot be looked at.
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
		return Verdict{}, "", false
	}
	_ = r.Memory.Save(r, v, day)
	return v, "", true
}
