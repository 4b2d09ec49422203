#ifndef MCM_TERMINAL_H
#define MCM_TERMINAL_H

#include <stdint.h>

#include "error.h"

/* Rows and columns of a terminal; zeros mean that nobody knows (ioctl_tty(2)). */
struct terminal_size {
    uint16_t rows;
    uint16_t columns;
};

/*
 * Makes a new pty in the devpts of the current root, which must be the container's: then ttyname(3)
 * works inside. Both ends are close-on-exec. Step `terminal`, EINVAL when /dev/pts is no devpts.
 */
int terminal_open(struct terminal_size size, int *ret_master, int *ret_slave, struct error *error);

/* Tells the terminal its size; its foreground process group gets WINCH. -1 with errno. */
int terminal_resize(int master, struct terminal_size size);

#endif
