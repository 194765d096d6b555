/* Opens shared objects and says what the loader made of it. Every line of standard input is a list
   of names for dlopen, split by tabs, which a child process opens one after the other. Lines out:
   "ok", "error TEXT" or "died" for each, and after "ok" the loader's list, each as "map PATH".
   FILE>NAME opens NAME in FILE, which is caller.c, and opened already. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *open_in(char *file, char *name) {
	*name++ = 0;
	void *(*open)(const char *) = dlsym(dlopen(file, RTLD_NOW), "open_here");
	return open(name);
}

static void child(char *line) {
	for (char *name = strtok(line, "\t"); name; name = strtok(NULL, "\t")) {
		char *in = strchr(name, '>');
		if (in ? !open_in(name, in) : !dlopen(name, RTLD_NOW)) {
			printf("error %s\n", dlerror());
			continue;
		}
		printf("ok\n");
		for (struct link_map *m = _r_debug.r_map; m; m = m->l_next)
			printf("map %s\n", m->l_name);
	}
	fflush(stdout);
	_exit(0);
}

int main(void) {
	static char line[65536];
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		printf("line\n");
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0)
			child(line);
		int status = 0;
		waitpid(pid, &status, 0);
		if (status != 0) {
			printf("died\n");
			fflush(stdout);
		}
	}
	return 0;
}
