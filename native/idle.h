#ifndef MCM_IDLE_H
#define MCM_IDLE_H

#include <poll.h>

/*
 * poll(2), for a process that has set everything up and may wait for days: gives the memory of its
 * program back first. What is needed again afterwards comes from the page cache, if the kernel did
 * not need that for something better.
 */
int idle_poll(struct pollfd *polls, nfds_t count, int timeout_ms);

#endif
