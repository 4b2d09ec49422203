/*
 * Only in the sanitizer build: counts which lines are reached, in a file that is mapped into every
 * process. So it also counts those that end by _exit(2), execve(2) or a signal, and those that see
 * nothing of the host's files any more.
 */
#include <stdlib.h>

/* Of LLVM's run-time library. */
void __llvm_profile_set_filename(const char *pattern);

/* Its presence keeps the library from choosing a file, by the environment, before we do. */
int __llvm_profile_runtime;

__attribute__((constructor)) static void coverage_begin(void)
{
    /* %m: a file for each program, added to by all its processes; %c: mapped (clang's manual). */
    __llvm_profile_set_filename(PROFILES "/%m%c.profraw");
    /* A note of the library's to its own children. Our programs start over while they find an
     * environment. */
    unsetenv("__LLVM_PROFILE_RT_INIT_ONCE");
}
