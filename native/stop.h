#ifndef MCM_STOP_H
#define MCM_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "target.h"

/* Signals a container's init, which hands it on to the command. A paused container takes KILL at
 * once, and any other signal when it is resumed. */
int container_signal(const char *id, const struct target *init, int signal, struct error *error);

/*
 * Ends a container: `signal` to its init, then, when it has not ended within `grace_ms`, the whole
 * cgroup is killed. A paused one is made to go on. Returns once the monitor (pid 0: there is none)
 * has written the end down.
 */
int container_stop(const char *id, const struct target *init, const struct target *monitor,
                   int signal, uint64_t grace_ms, bool *ret_forced, struct error *error);

#endif
