#ifndef MCM_NS_ENTER_SESSION_H
#define MCM_NS_ENTER_SESSION_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Sends `signal_number` (0: none) to every process of session `session` but zombies, and returns
 * how many there were. The session keeps its number for as long as it has a member, also when the
 * leader has gone.
 */
size_t session_signal(pid_t session, int signal_number);

/* Sends KILL until nobody is left; members may fork meanwhile. */
void session_kill(pid_t session);

#endif
