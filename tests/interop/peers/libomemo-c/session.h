/* Sessions with the devices of others. */
#ifndef SESSION_H
#define SESSION_H

#include <signal_protocol.h>

/* `words`: identity key, signed prekey's id, signed prekey, signature, prekey's id, prekey. */
int build_session(uint32_t version, const signal_protocol_address *address, char **words);

/* Encrypts when `flag` is NULL; else opens, with a flag of 1 a key exchange. */
int run_cipher(uint32_t version, const signal_protocol_address *address, const char *flag, const char *hex);

/* Replies nothing when the device is not known. */
int print_identity(const signal_protocol_address *address);

#endif
