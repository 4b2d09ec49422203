#ifndef MCM_ATTACH_H
#define MCM_ATTACH_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "input.h"

#define ATTACH_CLIENTS 8     /* at a time; who comes then waits in the socket's queue */
#define ATTACH_CHUNK   16384 /* the most output that is handed on at once */
#define ATTACH_POLLS   (1 + ATTACH_CLIENTS)

/* Types of frames to the clients; README.md describes the frames. */
enum attach_type { ATTACH_STDOUT, ATTACH_STDERR };

struct client;

/* The socket that clients attach to, and those who did. */
struct attach {
    int listener;
    struct client *clients[ATTACH_CLIENTS];
    bool keep_recent;      /* for those who come later */
    unsigned char *recent; /* frames, the oldest first; NULL before the first output */
    size_t recent_length;
};

/* Makes attach.sock in the runtime directory. */
int attach_open(int run_dir, bool keep_recent, struct attach *ret_attach, struct error *error);

/* Whether every client can take one more chunk. Output is read only then: it waits for the slow. */
bool attach_has_room(const struct attach *attach);

/* Hands at most ATTACH_CHUNK bytes to every client. */
void attach_send(struct attach *attach, enum attach_type type, const char *data, size_t size);

/* Fills in what is to be polled for; returns for how long at most, in milliseconds (-1: any). */
int attach_prepare(const struct attach *attach, const struct input *input,
                   struct pollfd polls[ATTACH_POLLS]);

/* Works on what poll(2) found: new clients, their input, their output. Drops who made no progress
 * for too long. */
void attach_handle(struct attach *attach, struct input *input,
                   const struct pollfd polls[ATTACH_POLLS]);

/* Sends what is still to be sent, with the same patience, and closes all connections. */
void attach_close(struct attach *attach);

#endif
