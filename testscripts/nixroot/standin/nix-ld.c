/* A stand-in for nix-ld 2.0.6 on x86_64, for tests. It is not nix-ld and shares no code with it:
   it does what nix-ld was seen to do with an environment, and fails with the words that nix-ld
   fails with. What it does not do: other machines, AT_SECURE, most of what NIX_LD_LOG shows.

   The kernel has mapped the program and this file, its interpreter, and starts the latter. It
   chooses the real loader and the library path from NIX_LD*, maps the loader, and goes to it as
   the kernel would have, with LD_LIBRARY_PATH set. AT_ENTRY, where the loader goes when all is
   loaded, is a trampoline that puts the environment back first, so that neither the program nor
   its children see that LD_LIBRARY_PATH.

   Everything is static and free of relocations: nobody would apply them. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define DIR "/run/current-system/sw/share/nix-ld/lib"
#define SYSTEM "x86_64_linux"

enum { READ, WRITE, OPEN, CLOSE, MMAP = 9, GETPID = 39, KILL = 62, EXIT_GROUP = 231 };
enum { ENOENT = 2, SIGABRT = 6, PAGE = 4096 };
enum { AT_NULL, AT_BASE = 7, AT_ENTRY = 9 };
enum { PT_LOAD = 1, ET_DYN = 3, EM_X86_64 = 62 };
enum { ERROR = 1, WARN, INFO, DEBUG, TRACE };

struct header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct segment {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

/* What the trampoline reads. */
__attribute__((used)) static u64 entry;	       /* of the program */
__attribute__((used)) static const char **slot; /* of the environment, or 0 */
__attribute__((used)) static const char *kept;  /* what belongs there */

static int level = WARN;

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static int failed(long result) { return result < 0 && result >= -4095; }

/* The compiler calls these two by itself. */
void *memcpy(void *to, const void *from, u64 size)
{
	void *start = to;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return start;
}

void *memset(void *at, int value, u64 size)
{
	void *start = at;
	__asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
	return start;
}

static u64 length(const char *text)
{
	u64 size = 0;
	while (text[size])
		size++;
	return size;
}

/* Returns the value of an entry of the environment called name, or 0. */
static const char *value(const char *entry, const char *name)
{
	while (*name)
		if (*entry++ != *name++)
			return 0;
	return *entry == '=' ? entry + 1 : 0;
}

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* One line is one write, so that those of two processes do not mix. */
static char line[8192];
static u64 used;

static void add(const char *text)
{
	while (*text && used < sizeof line)
		line[used++] = *text++;
}

static void number(u64 n, u64 base)
{
	char digits[24], *at = digits + sizeof digits;
	*--at = 0;
	do
		*--at = "0123456789abcdef"[n % base];
	while (n /= base);
	add(at);
}

static void flush(void)
{
	add("\n");
	call(WRITE, 2, (long)line, used, 0, 0, 0);
	used = 0;
}

static void say(const char *word, const char *text, const char *more)
{
	add("[nix-ld] ");
	add(word);
	add(": ");
	add(text);
	add(more);
	flush();
}

/* Ends as nix-ld does: with the error of an unwrap() and SIGABRT. */
__attribute__((noreturn)) static void panic(long error)
{
	add("[nix-ld] FATAL: panicked at src/main.rs:187:55:\n");
	add("called `Result::unwrap()` on an `Err` value: ");
	if (error) {
		add("Posix(");
		number(error, 10);
		add(")");
	} else
		add("Unknown");
	flush();
	call(KILL, call(GETPID, 0, 0, 0, 0, 0, 0), SIGABRT, 0, 0, 0, 0);
	for (;;)
		call(EXIT_GROUP, 134, 0, 0, 0, 0, 0);
}

/* Opens the loader. A newline at the end of its name, which nix-support/dynamic-linker has, is
   forgiven where there is no such file. */
static int open_loader(char *name)
{
	long fd = call(OPEN, (long)name, 0 /* O_RDONLY */ | 02000000 /* O_CLOEXEC */, 0, 0, 0, 0);
	u64 size = length(name);
	if (fd == -ENOENT && size && name[size - 1] == '\n') {
		name[size - 1] = 0;
		fd = call(OPEN, (long)name, 02000000, 0, 0, 0, 0);
	}
	if (failed(fd))
		panic(-fd);
	return fd;
}

static u64 down(u64 at) { return at & -(u64)PAGE; }
static u64 up(u64 at) { return down(at + PAGE - 1); }

/* Maps the loader and returns its entry; its load address goes to *base. */
static u64 map_loader(char *name, u64 *base)
{
	static u8 head[4096];
	int fd = open_loader(name);
	long size = call(READ, fd, (long)head, sizeof head, 0, 0, 0);
	struct header *h = (struct header *)head;
	struct segment *s;
	u64 low = ~0ul, high = 0;
	int i;

	if (size < (long)sizeof *h) { /* a directory as well */
		say("ERROR", "File too small", "");
		panic(0);
	}
	if (h->ident[0] != 0x7f || h->ident[1] != 'E' || h->ident[2] != 'L' || h->ident[3] != 'F') {
		add("[nix-ld] ERROR: \"");
		add(name);
		add("\" is not an ELF");
		flush();
		panic(0);
	}
	if (h->machine != EM_X86_64) {
		add("[nix-ld] ERROR: \"");
		add(name);
		add("\" is for the wrong architecture (expected 0x3e, got 0x");
		number(h->machine, 16);
		add(")");
		flush();
		panic(0);
	}
	if (h->type != ET_DYN || h->phentsize != sizeof *s || h->phoff > (u64)size ||
	    h->phnum > ((u64)size - h->phoff) / sizeof *s) {
		say("ERROR", "bad headers in ", name);
		panic(0);
	}
	s = (struct segment *)(head + h->phoff);
	for (i = 0; i < h->phnum; i++)
		if (s[i].type == PT_LOAD) {
			if (down(s[i].vaddr) < low)
				low = down(s[i].vaddr);
			if (up(s[i].vaddr + s[i].memsz) > high)
				high = up(s[i].vaddr + s[i].memsz);
		}
	if (low >= high) {
		say("ERROR", "nothing to load in ", name);
		panic(0);
	}
	long place = call(MMAP, 0, high - low, 0 /* PROT_NONE */, 0x22 /* private, anonymous */, -1, 0);
	if (failed(place))
		panic(-place);
	*base = place - low;
	for (i = 0; i < h->phnum; i++) {
		if (s[i].type != PT_LOAD)
			continue;
		u64 start = *base + down(s[i].vaddr), file = *base + s[i].vaddr + s[i].filesz;
		u64 end = up(*base + s[i].vaddr + s[i].memsz);
		int access = (s[i].flags & 4 ? 1 : 0) | (s[i].flags & 2) | (s[i].flags & 1 ? 4 : 0);
		long at = start;
		if (s[i].filesz)
			at = call(MMAP, start, up(file) - start, access, 0x12 /* private, fixed */, fd, down(s[i].offset));
		if (!failed(at) && s[i].memsz > s[i].filesz) {
			if (s[i].filesz)
				memset((void *)file, 0, up(file) - file);
			if (end > up(file))
				at = call(MMAP, up(file), end - up(file), access, 0x32, -1, 0);
		}
		if (failed(at))
			panic(-at);
	}
	call(CLOSE, fd, 0, 0, 0, 0, 0);
	return *base + h->entry;
}

/* Puts a + b + c into memory of its own. */
static char *join(const char *a, const char *b, const char *c)
{
	u64 na = length(a), nb = length(b), nc = length(c);
	long at = call(MMAP, 0, na + nb + nc + 1, 3 /* read, write */, 0x22, -1, 0);
	if (failed(at))
		panic(-at);
	memcpy((char *)at, a, na);
	memcpy((char *)at + na, b, nb);
	memcpy((char *)at + na + nb, c, nc + 1);
	return (char *)at;
}

static void set_level(const char *name)
{
	if (equal(name, "error"))
		level = ERROR;
	else if (equal(name, "warn"))
		level = WARN;
	else if (equal(name, "info"))
		level = INFO;
	else if (equal(name, "debug"))
		level = DEBUG;
	else if (equal(name, "trace"))
		level = TRACE;
	else
		say(" WARN", "Unknown log level ", name);
}

void trampoline(void) __attribute__((visibility("hidden")));
void go(u64 *stack, u64 start) __attribute__((visibility("hidden"), noreturn));

/* stack is the program's: argc, argv, 0, environment, 0, auxiliary vector. */
__attribute__((used, noreturn)) static void run(u64 *stack)
{
	const char **env = (const char **)(stack + 1 + stack[0] + 1), **end = env, **at;
	const char *loader = 0, *loader_system = 0, *found;
	const char **path = 0, **path_system = 0, **user = 0;
	u64 *aux, words, base;

	while (*end)
		end++;
	for (at = env; *at; at++) {
		const char *c = *at;
		while (*c && *c != '=')
			c++;
		if (!*c)
			break; /* nix-ld reads no further than an entry that is none */
		if ((found = value(*at, "NIX_LD_" SYSTEM)))
			loader_system = found;
		else if ((found = value(*at, "NIX_LD"))) {
			if (!loader)
				loader = found;
		} else if (value(*at, "NIX_LD_LIBRARY_PATH_" SYSTEM))
			path_system = at;
		else if (value(*at, "NIX_LD_LIBRARY_PATH")) {
			if (!path)
				path = at;
		} else if (value(*at, "LD_LIBRARY_PATH"))
			user = at;
		else if ((found = value(*at, "NIX_LD_LOG")))
			set_level(found);
	}
	if (loader_system)
		loader = loader_system;
	if (path_system)
		path = path_system;
	if (!loader || !*loader)
		loader = DIR "/ld.so";
	const char *libraries = DIR;
	if (path) {
		libraries = *path;
		while (*libraries++ != '=')
			;
	}
	if (level >= INFO) {
		say(" INFO", "NIX_LD: ", loader);
		say(" INFO", "NIX_LD_LIBRARY_PATH: ", libraries);
	}
	u64 start = map_loader(join(loader, "", ""), &base);

	/* The whole block once more, further down, with room for one more variable. */
	for (aux = (u64 *)(end + 1); aux[0] != AT_NULL; aux += 2)
		;
	words = aux + 2 - stack;
	u64 *copy = __builtin_alloca((words + 4) * sizeof *copy);
	copy = (u64 *)(((u64)copy + 15) & -16ul);
	u64 before = (u64 *)end - stack;
	memcpy(copy, stack, before * sizeof *copy);
	const char **env_copy = (const char **)(copy + ((u64 *)env - stack)), **last = (const char **)(copy + before);
	if (user) {
		/* the user's directories come first */
		const char *own = *user + length("LD_LIBRARY_PATH=");
		u64 size = length(own);
		slot = env_copy + (user - env);
		kept = *user;
		*slot = join(*user, size && own[size - 1] != ':' ? ":" : "", libraries);
	} else if (path) {
		/* the loader has no use for this variable: its place will do */
		slot = env_copy + (path - env);
		kept = *path;
		*slot = join("LD_LIBRARY_PATH=", libraries, "");
	} else {
		/* the program will see the variable that was added, empty */
		slot = last++;
		kept = "LD_LIBRARY_PATH=";
		*slot = join("LD_LIBRARY_PATH=", libraries, "");
	}
	*last++ = 0;
	memcpy(last, end + 1, (u64)((u8 *)(aux + 2) - (u8 *)(end + 1)));
	for (aux = (u64 *)last; aux[0] != AT_NULL; aux += 2) {
		if (aux[0] == AT_BASE) {
			if (!aux[1]) {
				say("ERROR", "nix-ld is a program interpreter and not to be run by itself", "");
				panic(0);
			}
			aux[1] = base;
		} else if (aux[0] == AT_ENTRY) {
			entry = aux[1];
			aux[1] = (u64)trampoline;
		}
	}
	go(copy, start);
}

__asm__(".text\n"
	".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call run\n"

	/* The loader is entered as the kernel would. */
	".hidden go\n"
	".globl go\n"
	"go:\n"
	"	mov %rdi, %rsp\n"
	"	xor %edx, %edx\n"
	"	xor %ebp, %ebp\n"
	"	jmp *%rsi\n"

	/* The program's _start takes rsp and rdx from the loader: they stay. */
	".hidden trampoline\n"
	".globl trampoline\n"
	"trampoline:\n"
	"	mov slot(%rip), %rax\n"
	"	mov kept(%rip), %rcx\n"
	"	mov %rcx, (%rax)\n"
	"	jmp *entry(%rip)\n");
