/* What a device keeps, one file per record in the folder it is given: it goes on with the same keys after a restart. */
#ifndef STORE_H
#define STORE_H

#include <signal_protocol.h>

/* Session version 3 is the first OMEMO (eu.siacs.conversations.axolotl), 4 is urn:xmpp:omemo:2. */
enum { FIRST_OMEMO = 3, OMEMO_2 = 4 };

/* Makes the folder's parts where they are missing and works below it from now on. */
int store_open(const char *folder);

/* The sessions that are read and written from now on: both versions can have one with the same device. */
void store_use_sessions_of(uint32_t version);

int store_write(const char *name, const uint8_t *data, size_t length);
/* NULL when there is no such record. */
signal_buffer *store_read(const char *name);

/* Reads a number kept as text; 0 when there is none. */
uint32_t store_read_number(const char *name);
int store_write_number(const char *name, uint32_t number);

/* Calls `take` with the id of each one-time prekey. */
int store_each_prekey(int (*take)(uint32_t id, void *to), void *to);

/* The serialized identity key of a foreign device, or NULL. */
signal_buffer *store_read_identity(const signal_protocol_address *address);

/* Connects the library to this store. */
int store_connect(signal_protocol_store_context *context);

#endif
