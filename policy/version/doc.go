// Package version knows Python version requests as uv takes them: how their text is read, which
// interpreters satisfy them and which of several uv would choose, which executable names uv looks
// for, and which lines of a version file count. It is pure: values in, values out.
//
// The rules are those of uv 0.13 (PythonRequest::parse, VersionRequest, find_python_installation,
// PythonVersionFile). A test holds them against a real uv; where the two differ, this package is
// wrong, save for what it cannot know: uv also takes an existing file or directory of any name for
// a path, and this package, which looks at no file system, sees a path only in "." and ".." and in
// what has a slash.
package version
