#ifndef MCM_TRACE_NAMES_H
#define MCM_TRACE_NAMES_H

#include "trace.h"

/* The names of bits as their man pages have them, for trace_flags(). */
extern const struct trace_flag trace_clone_flags[];      /* CLONE_*: clone(2), setns(2) */
extern const struct trace_flag trace_mount_flags[];      /* MS_*: mount(2) */
extern const struct trace_flag trace_mount_attributes[]; /* MOUNT_ATTR_*: mount_setattr(2) */
extern const struct trace_flag trace_umount_flags[];     /* MNT_*: umount2(2) */
extern const struct trace_flag trace_capabilities[];     /* CAP_*, bit n is number n:
                                                            capabilities(7) */

#endif
