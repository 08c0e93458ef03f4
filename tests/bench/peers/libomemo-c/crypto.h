/* The primitives that libomemo-c asks of its user, made of OpenSSL. */
#ifndef CRYPTO_H
#define CRYPTO_H

#include <signal_protocol.h>

extern signal_crypto_provider crypto_provider;

/* Fetches the algorithms once, as OpenSSL 3 advises: fetched by each call they take most of its time. */
void crypto_open(void);

#endif
