#ifndef MCM_PAUSE_H
#define MCM_PAUSE_H

#include "error.h"
#include "target.h"

/* Freezes the container whose init is `init`. Step `freeze`, EALREADY when it is frozen. */
int container_pause(const char *id, const struct target *init, struct error *error);

/* Lets it run on. Step `freeze`, EALREADY when it is not frozen. */
int container_resume(const char *id, const struct target *init, struct error *error);

#endif
