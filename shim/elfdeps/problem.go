package elfdeps

// A Kind is a kind of problem.
type Kind int

const (
	_                Kind = iota
	MissingFile           // Name, needed by By, is found nowhere, or only for another machine
	BadFile               // the file found for Name cannot be loaded
	MissingVersion        // Provider, known as Name, does not define Version, which By needs
	StrayVersions         // By has versions of a file Name that it does not need: the loader aborts
	ExecStackRefused      // the file found for Name wants an executable stack, which glibc 2.41 refuses
	ForeignLibc           // the libc.so.6 found is not that of the loader
	NoVersions            // a note: By needs Version of Provider, which has no versions at all
)

// Note reports whether problems of the kind do not keep the loader from going on.
func (k Kind) Note() bool { return k == NoVersions }

// A Problem is why something cannot be loaded.
type Problem struct {
	Kind       Kind
	Name       string  // soname or path, as it was asked for
	Version    string  // symbol version
	By         *Object // who asked; nil for the name that dlopen got
	Provider   *Object // the object that was found instead of a right one
	Path       string  // the file that was found
	OtherClass bool    // a MissingFile was found for the other word size only
	Detail     string  // as the loader says it
}

// String returns what the loader says.
func (p Problem) String() string { return p.Detail }
