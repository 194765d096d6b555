"""Imports modules of an environment, each in a process of its own that was forked from a fresh one.

  probe.py list SITE    prints what there is to import below SITE, a JSON object a line
  probe.py import       reads such lines and prints them again with what came of each

"error" is what the exceptions say, those that led to the last one included; it is empty where the
import works. "trace" is what the loader says of a module's file that cannot be imported.
"""

import importlib
import json
import os
import signal
import sys


def targets(site):
    # not in the process that imports: the less it has loaded itself, the better
    import importlib.machinery
    import importlib.metadata
    import pathlib

    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    seen = set()
    for dist in importlib.metadata.distributions(path=[site]):
        name = dist.metadata["Name"]
        for path in dist.files or []:
            parts = list(pathlib.PurePosixPath(path).parts)
            base, _, rest = parts[-1].partition(".")
            file = os.path.join(site, *parts)
            if len(parts) == 1 and rest == "py":
                found = [base], ""
            elif len(parts) == 2 and parts[1] == "__init__.py":
                found = parts[:1], ""
            elif "." + rest in suffixes and (rest != "so" or init(base) in open(file, "rb").read()):
                found = parts[:-1] + [base], file
            else:
                continue
            module = ".".join(found[0]).removesuffix(".__init__")
            if module in seen or not all(part.isidentifier() for part in found[0]):
                continue
            seen.add(module)
            yield {"module": module, "file": found[1], "distribution": name}


def init(name):
    return b"PyInit_" + name.encode() + b"\0"


def words(error):
    out = []
    while error is not None and len(out) < 40:
        out.append(type(error).__name__ + ": " + str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(out)


def attempt(target, out):
    signal.alarm(120)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in 0, 1, 2:
        os.dup2(null, fd)
    try:
        importlib.import_module(target["module"])
        target["error"] = ""
    except BaseException as error:
        target["error"] = words(error)[:5000]
        target["trace"] = trace(target["file"])[:40000]
    os.write(out, json.dumps(target).encode())
    os._exit(0)


def trace(file):
    """What the loader that stands behind nix-ld says of a file alone."""
    if not file or not os.environ.get("NIX_LD"):
        return ""
    import subprocess

    path = os.environ.get("NIX_LD_LIBRARY_PATH", "")
    env = dict(os.environ, LD_TRACE_LOADED_OBJECTS="1")
    said = subprocess.run(
        [os.environ["NIX_LD"], "--library-path", path, file],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ).stdout
    # each thing once, and not for all the files that want it: that can be thousands of lines
    return "\n".join(sorted({line.strip().partition(" (required by")[0] for line in said.splitlines() if "not found" in line}))


def main():
    if sys.argv[1] == "list":
        for target in targets(sys.argv[2]):
            print(json.dumps(target))
        return
    work = [json.loads(line) for line in sys.stdin]
    running = {}
    while work or running:
        if work and len(running) < (os.cpu_count() or 1):
            target = work.pop()
            result, out = os.pipe()  # which has room for all that a child writes
            pid = os.fork()
            if pid == 0:
                attempt(target, out)
            os.close(out)
            running[pid] = target, result
            continue
        pid, status = os.wait()
        target, result = running.pop(pid)
        with open(result) as text:
            said = text.read()
        if status != 0 or not said:
            said = json.dumps({**target, "error": "died: wait status %d" % status})
        print(said, flush=True)


main()
