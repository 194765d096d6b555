# Says what the real loader makes of extension modules. Standard input: lines of a module's name and
# its file, with a tab between. Standard output: a line for each with the name, what came of loading
# the file alone, and what came of importing the module, each in a process of its own. An empty
# answer means that it went well, or failed for another reason than the loader's.
import importlib
import importlib.machinery
import os
import sys

import _imp

LOADER = ("cannot open shared object file", "version `", "cannot enable executable stack", "failed to find libmagic")


def load(name, path):
    spec = importlib.machinery.ModuleSpec(name, None, origin=path)
    _imp.create_dynamic(spec)


def errors(error):
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    return " | ".join(str(e) for e in seen)


def trial(action, *args):
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        text = ""
        try:
            action(*args)
        except BaseException as error:
            text = errors(error)
        os.write(w, text.encode("utf-8", "replace")[:60000])
        os._exit(0)
    os.close(w)
    chunks = []
    while True:
        chunk = os.read(r, 65536)
        if not chunk:
            break
        chunks.append(chunk)
    os.close(r)
    os.waitpid(pid, 0)
    text = b"".join(chunks).decode("utf-8", "replace").replace("\n", " ").replace("\t", " ")
    return text if any(words in text for words in LOADER) else ""


for line in sys.stdin.read().splitlines():
    name, _, path = line.partition("\t")
    alone = trial(load, name, path) if path else ""
    print(name, alone, trial(importlib.import_module, name), sep="\t")
