#ifndef MCM_UPDATE_H
#define MCM_UPDATE_H

#include <stdbool.h>

#include "container.h"
#include "error.h"

/*
 * Changes the limits that are given in `container`, which is what its id, directories and volumes
 * are needed for. Of one that runs, at once, and all of them or none. For one that does not, all is
 * tried on a control group that is then removed, so that what the next start would refuse is
 * refused now. Fails at the limit's own step; with step `lock`, EBUSY, while it starts or ends.
 */
int container_update(struct container *container, int status_fd, bool *ret_running,
                     struct error *error);

#endif
