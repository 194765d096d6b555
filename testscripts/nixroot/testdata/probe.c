/* Prints what it and a child of it see of two variables. With arguments it starts another program
   instead, with a malformed entry before the rest of the environment. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

static const char *seen(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "(unset)";
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		int count = 0;
		while (environ[count])
			count++;
		char **env = calloc(count + 2, sizeof *env);
		env[0] = "malformed";
		for (int i = 0; i < count; i++)
			env[i + 1] = environ[i];
		execve(argv[1], argv + 1, env);
		perror(argv[1]);
		return 1;
	}
	printf("program %s %s\n", seen("LD_LIBRARY_PATH"), seen("NIX_LD_LIBRARY_PATH"));
	fflush(stdout);
	unsetenv("LD_DEBUG");
	return system("echo child ${LD_LIBRARY_PATH-(unset)} ${NIX_LD_LIBRARY_PATH-(unset)}") != 0;
}
