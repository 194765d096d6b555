package nixld

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kernels before 5.6 have no openat2, and container runtimes older than it refuse it: a root is
// the same there.
func TestRootWithoutOpenat2(t *testing.T) {
	sys := tree{"/file": "the root's", "/link": "-> /../../file"}.root(t)
	for _, errno := range []unix.Errno{unix.ENOSYS, unix.EPERM} {
		type result struct {
			filter error // in setting it up
			direct error // of openat2 itself
			got    string
		}
		results := make(chan result)
		go func() {
			// the filter is this thread's, and the thread ends with the goroutine
			runtime.LockOSThread()
			var r result
			if r.filter = refuse(unix.SYS_OPENAT2, errno); r.filter == nil {
				_, r.direct = openat2(sys.fd, "/file", unix.O_RDONLY)
				r.got = read(t, sys, "/link")
			}
			results <- r
		}()
		r := <-results
		if r.filter != nil {
			lacking(t, "no seccomp filter can be set: "+r.filter.Error())
		}
		if r.direct != errno || r.got != "the root's" {
			t.Errorf("openat2 says %v, want %v; then Open: %q", r.direct, errno, r.got)
		}
	}
}

// refuse makes a system call of this thread fail (seccomp(2)).
func refuse(call uint32, errno unix.Errno) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}
