#ifndef MCM_SYNC_H
#define MCM_SYNC_H

#include <stdbool.h>

#include "error.h"

/*
 * Parent and child on their way to the command, over a SOCK_SEQPACKET pair: the parent says once
 * that all is ready for the child. The child answers that it is prepared, or with its error; after
 * that only the command's exec can fail, whose error comes last. The end of file at exec is
 * success.
 */

/* What came from the child. */
enum sync_event { SYNC_PREPARED, SYNC_FAILED, SYNC_END };

int sync_make(int ret_fds[2], struct error *error);

int sync_send_ready(int fd, struct error *error);

/* False when the parent is gone. */
bool sync_await_ready(int fd);

/* `terminal` goes along, unless -1. Errors of these two have nobody to go to but the end of file.
 */
void sync_send_prepared(int fd, int terminal);
void sync_send_error(int fd, const struct error *error);

/* Waits for the next. `*ret_terminal` is the fd that came along with SYNC_PREPARED, -1 without;
 * `*child_error` is filled with SYNC_FAILED. */
enum sync_event sync_receive(int fd, int *ret_terminal, struct error *child_error);

#endif
