#ifndef MCM_ATTACH_H
#define MCM_ATTACH_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "input.h"

#define ATTACH_SOCKET  "attach.sock"
#define ATTACH_CLIENTS 8     /* at a time; who comes then waits in the socket's queue */
#define ATTACH_CHUNK   16384 /* the most output that is handed on at once */
#define ATTACH_POLLS   (1 + ATTACH_CLIENTS)

/* Types of frames to the clients; README.md describes the frames. */
enum attach_type { ATTACH_STDOUT, ATTACH_STDERR, ATTACH_END };

/* What clients have in all to take what is left, once the container has ended. */
#define ATTACH_END_MS 3000

struct client;

/* The socket that clients attach to, and those who did. */
struct attach {
    int listener;
    struct client *clients[ATTACH_CLIENTS];
    bool was_attended;     /* somebody has been attached */
    bool ended;            /* whoever attaches is told so */
    int64_t deadline;      /* in milliseconds of the monotonic clock; 0 while the container runs */
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

/* The container has ended: what clients have not taken after ATTACH_END_MS is lost to them. */
void attach_limit(struct attach *attach);

/*
 * The end is recorded: tells all clients, and waits, as long as attach_limit() allows, until they
 * have gone, by which each says that it has taken everything. `await_first`: until there was one.
 */
void attach_close(struct attach *attach, int run_dir, bool await_first);

#endif
