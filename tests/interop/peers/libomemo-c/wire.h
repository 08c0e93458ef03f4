/* The words of requests and replies. */
#ifndef WIRE_H
#define WIRE_H

#include <curve.h>
#include <signal_protocol.h>

/* What is written here is sent when the request went well, and dropped when not. */
extern FILE *reply;
extern signal_context *library;
extern signal_protocol_store_context *store;

void print_bytes(const uint8_t *bytes, size_t length);
void print_buffer(const signal_buffer *buffer);
/* NULL when it is no hex. */
signal_buffer *read_bytes(const char *hex);

/* Public keys have a type byte in the first version and none in the second. */
int print_curve_key(const ec_public_key *key, uint32_t version);
/* X25519 in the first version, Ed25519 in the second. */
int print_identity_key(const ec_public_key *key, uint32_t version);

typedef int decode_key(ec_public_key **, const uint8_t *, size_t, signal_context *);
int read_key(ec_public_key **key, const char *hex, decode_key *decode);

#endif
