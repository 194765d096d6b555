# Opens shared objects in children of this process and says what the loader made of it: "base PATH"
# for what is mapped before, then for every line of standard input "ok" or "error TEXT", and after
# "ok" what came in as "map PATH".
import ctypes, os, sys

def maps():
    with open("/proc/self/maps", errors="surrogateescape") as f:
        paths = [line.split(None, 5)[5].rstrip("\n") for line in f if len(line.split(None, 5)) == 6]
    return list(dict.fromkeys(p for p in paths if ".so" in p))

base = maps()
for path in base:
    print("base", path)
for line in sys.stdin:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            # lazily, as symbols of the module that imports it are not our subject
            ctypes.CDLL(line.rstrip("\n"), mode=os.RTLD_LAZY)
            print("ok")
            for path in maps():
                if path not in base:
                    print("map", path)
        except OSError as e:
            print("error", e)
        sys.stdout.flush()
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        print("died")
