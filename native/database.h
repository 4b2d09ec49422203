#ifndef MCM_DATABASE_H
#define MCM_DATABASE_H

#include "error.h"

/*
 * Reads a file of the current root's /etc, such as passwd, as a whole and NUL-terminated; the caller
 * frees it. It belongs to the container and may be anything: it is opened without ever leaving the
 * root or waiting (a FIFO), and read up to a bound. One that does not exist is an empty one.
 */
int database_read(const char *path, char **ret_text, struct error *error);

#endif
