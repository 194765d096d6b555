// Runs its arguments as a child and prints the peak of the child's resident memory in KiB.
//
// The kernel keeps the largest peak of all the programs that a process was, over execve(2), so
// the figure is that of the shim even though another program ends in its place. It counts what
// the child was before its first execve as well: a copy of the program that forked it. Therefore
// this small program, and not the benchmark, has to be the parent.
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
	if (argc < 2)
		return 2;
	pid_t pid = fork();
	if (pid < 0)
		return 2;
	if (pid == 0) {
		execve(argv[1], argv + 1, envp);
		_exit(127);
	}
	int status;
	struct rusage usage;
	if (wait4(pid, &status, 0, &usage) != pid)
		return 2;
	printf("%ld\n", usage.ru_maxrss);
	return status != 0;
}
