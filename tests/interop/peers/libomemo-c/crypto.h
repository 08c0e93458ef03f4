/* The primitives that libomemo-c asks of its user, made of OpenSSL. */
#ifndef CRYPTO_H
#define CRYPTO_H

#include <signal_protocol.h>

extern const signal_crypto_provider crypto_provider;

#endif
