/* A stand-in for stub-ld, which NixOS has at the loader's path where nix-ld is not enabled
   (nixpkgs nixos/modules/config/stub-ld.nix). It says the same words and exits with 127.

   It has no libc: the kernel starts an interpreter with the auxiliary vector of the program, and
   a libc would take the program's headers for its own. */

static long call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

static void say(const char *text)
{
	long size = 0;
	while (text[size])
		size++;
	call(1 /* write */, 2, (long)text, size);
}

__attribute__((used, noreturn)) static void run(long *stack)
{
	say("Could not start dynamically linked executable: ");
	if (stack[0] > 0)
		say((const char *)stack[1]);
	say("\nNixOS cannot run dynamically linked executables intended for generic\n"
	    "linux environments out of the box. For more information, see:\n"
	    "https://nix.dev/permalink/stub-ld\n");
	for (;;)
		call(231 /* exit_group */, 127, 0, 0);
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call run\n");
