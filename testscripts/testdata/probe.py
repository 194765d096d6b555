# probe.py FILE: writes what this process was born with into FILE, as JSON.
import ctypes, fcntl, hashlib, os, resource, signal, sys

fds = {}
for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
    try:
        fds[fd] = [os.readlink(f"/proc/self/fd/{fd}"), fcntl.fcntl(fd, fcntl.F_GETFL), fcntl.fcntl(fd, fcntl.F_GETFD)]
        if fds[fd][0].startswith("/dev/pts/"):
            fds[fd][0] = "terminal"
    except OSError:
        pass  # that of listdir

import json


def own(pid):
    return "own" if pid == os.getpid() else pid


def death_signal():
    n = ctypes.c_int()
    ctypes.CDLL(None).prctl(2, ctypes.byref(n), 0, 0, 0)
    return n.value


def terminal():
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    import termios

    return {"foreground": os.tcgetpgrp(fd) == os.getpgrp(), "attributes": str(termios.tcgetattr(fd))}


def directory():
    try:
        return os.fsdecode(os.getcwdb())
    except OSError as e:
        return e.errno


def words(file):
    with open(file, "rb") as f:
        text = f.read()
    if len(text) > 50_000:
        return [hashlib.sha256(text).hexdigest()]
    return text.decode("latin-1").split("\0")[:-1]


kept = ("Name", "Umask", "Uid", "Gid", "Groups", "Threads", "Sig", "Shd", "Cap", "NoNew", "Seccomp", "Cpus", "Mems")
with open("/proc/self/status") as f:
    status = {"status " + line.split(":")[0]: line.split()[1:] for line in f if line.startswith(kept) and not line.startswith("SigQ")}

told = status | {
    "pid": os.getpid(),
    "parent": os.getppid(),
    "group": own(os.getpgrp()),
    "session": own(os.getsid(0)),
    "terminal": terminal(),
    "executable": sys.executable,
    "prefix": [sys.prefix, sys.base_prefix],
    "path": sys.path,
    "arguments": words("/proc/self/cmdline"),
    "environment": words("/proc/self/environ"),
    "directory": directory(),
    "descriptors": fds,
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")},
    "nice": os.getpriority(os.PRIO_PROCESS, 0),
    "scheduler": [os.sched_getscheduler(0), sorted(os.sched_getaffinity(0))],
    "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
    "death signal": death_signal(),
    "oom": open("/proc/self/oom_score_adj").read(),
    "personality": open("/proc/self/personality").read() if os.access("/proc/self/personality", os.R_OK) else None,
}
with open(sys.argv[1], "w") as f:
    json.dump(told, f)
