package sync

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
)

// upgradeAll has uv upgrade what is there already, all at once, and where that fails one by one, to
// know which, and why. Where it fails for want of a network nothing is lost, and the next sync tries
// again.
func (r *Runner) upgradeAll(what string, names []string, args ...string) {
	if len(names) == 0 {
		return
	}
	err := r.tried(append(slices.Clone(args), names...)...)
	if err == nil {
		return
	}
	shown := r.progress(args)
	for _, name := range names {
		if shown || len(names) > 1 {
			if err = r.quietly(nil, append(slices.Clone(args), name)...); err == nil {
				continue
			}
		}
		var said *failure
		errors.As(err, &said)
		switch {
		case said != nil && noNetwork(said.text):
			r.unreached = append(r.unreached, what+" "+name)
			continue
		case said != nil && strings.Contains(said.text, "unexpected argument"):
			r.Say.Hint("%s %s is not upgraded: this uv is too old for that", what, name)
			continue
		case said != nil && strings.Contains(said.text, "Python downloads are not allowed"):
			r.Say.Hint("%s %s is not upgraded: uv is told not to download Pythons (python-downloads)", what, name)
			continue
		case said != nil && !shown:
			io.WriteString(os.Stderr, said.text)
		}
		r.fail("%s %s is not upgraded: uv %s: %v", what, name, strings.Join(args[:2], " "), err)
	}
}

// progress reports whether an upgrade is one that uv is to show the progress of.
func (r *Runner) progress(args []string) bool { return r.Terminal && args[0] == "python" }

// tried runs uv for an upgrade, quietly unless it changes something. What is large shows its progress
// on a terminal, but uv is asked without the network first: its list of Pythons is built in, and
// mostly there is nothing newer in it.
func (r *Runner) tried(args ...string) error {
	if !r.progress(args) {
		return r.quietly(nil, args...)
	}
	if r.quietly([]string{"UV_OFFLINE=1"}, args...) == nil {
		return nil
	}
	return r.run(call{args: args, extra: r.oneTry(), attempt: true})
}

// quietly runs uv with extra variables and passes on what it says if something changed by it. The
// error is a failure where uv ran.
func (r *Runner) quietly(extra []string, args ...string) error {
	var said bytes.Buffer
	before := r.state()
	err := r.run(call{args: args, extra: append(r.oneTry(), extra...), said: &said, attempt: true})
	if err != nil {
		return &failure{err, said.String()}
	}
	if r.state() != before {
		os.Stderr.Write(said.Bytes())
	}
	return nil
}

// oneTry keeps uv from trying an upgrade again and again, ten seconds long, where there is no
// network.
func (r *Runner) oneTry() []string {
	if _, ok := r.Env.Lookup("UV_HTTP_RETRIES"); ok {
		return nil
	}
	return []string{"UV_HTTP_RETRIES=0"}
}

// A failure is an error of uv with what it said.
type failure struct {
	error
	text string
}

func (f *failure) Unwrap() error { return f.error }

// noNetwork reports whether uv says that it did not reach what it was looking for.
func noNetwork(text string) bool {
	for _, sign := range [...]string{
		"error sending request", "dns error", "tcp connect error", "client error (Connect)",
		"Network connectivity is disabled", "the network was disabled", "operation timed out",
		"error decoding response body", "request or response body error", "connection closed", "Connection reset",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
