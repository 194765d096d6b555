/* A library that calls dlopen, which then goes by its search path. */
#include <dlfcn.h>

void *open_here(const char *name) { return dlopen(name, RTLD_NOW); }
