/* The keys of this device. */
#ifndef BUNDLE_H
#define BUNDLE_H

#include <stdint.h>

/* Makes an identity and a signed prekey, and keeps them under this device id. */
int make_device(uint32_t id);

/* Replaces used prekeys, then replies: identity key, signed prekey's id, signed prekey, signature, id:prekey... */
int print_bundle(uint32_t version);

#endif
