#ifndef MCM_INPUT_H
#define MCM_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#define INPUT_MAX 4096

/*
 * What attached clients send on its way to the command. Nobody is read from while some of it still
 * waits, so it needs no more room than one read.
 */
struct input {
    int fd;        /* never blocks; -1 once ended, when what comes is dropped */
    bool terminal; /* fd is a pty's master */
    bool ending;   /* to be ended once all is written */
    size_t start, length;
    char data[INPUT_MAX];
};

bool input_is_waiting(const struct input *input);

/* Takes at most INPUT_MAX bytes while none is waiting, and writes what can be written. */
void input_put(struct input *input, const char *data, size_t size);

/* Goes on writing, once fd can be written to. */
void input_flush(struct input *input);

/* Ends the command's input, after what is waiting. */
void input_end(struct input *input);

#endif
