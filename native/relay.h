#ifndef MCM_RELAY_H
#define MCM_RELAY_H

#include "attach.h"
#include "input.h"
#include "log.h"
#include "sandbox.h"

/* What goes between the command, its log and the attached clients. */
struct relay {
    int init;       /* pidfd */
    int outputs[2]; /* by enum attach_type; -1 once at their end. A terminal has the first only */
    struct input input;
    struct log *log;
    struct attach attach;
};

/* Takes the sandbox's ends of input, output and terminal over. */
void relay_begin(struct relay *relay, struct sandbox *sandbox, struct log *log);

/* Relays until init has ended. */
void relay_run(struct relay *relay);

/* Relays what is still to be read, when nobody is left who writes. */
void relay_drain(struct relay *relay);

#endif
