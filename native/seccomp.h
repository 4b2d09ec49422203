#ifndef MCM_SECCOMP_H
#define MCM_SECCOMP_H

#include "error.h"

/* Installs the embedded filter on this thread; no_new_privs must be set (seccomp(2)). */
int seccomp_install(struct error *error);

#endif
