#ifndef MCM_NS_ENTER_CONTROL_H
#define MCM_NS_ENTER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "terminal.h"

#define CONTROL_LINE_SIZE 64

/* The lines of the control fd, as far as they came. */
struct control {
    int fd; /* -1: its end was reached */
    bool overlong;
    size_t length;
    char line[CONTROL_LINE_SIZE];
};

enum control_request_kind {
    CONTROL_NOTHING, /* no whole line is there now */
    CONTROL_RESIZE,
    CONTROL_SIGNAL,
    CONTROL_UNKNOWN,
    CONTROL_END, /* the client has gone */
};

struct control_request {
    enum control_request_kind kind;
    struct terminal_size size;
    int signal;
};

/* Makes `fd`, which stays the caller's, non-blocking. */
void control_open(struct control *control, int fd);

/* The next line, without waiting for one. */
struct control_request control_next(struct control *control);

#endif
