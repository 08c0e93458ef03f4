#include "wire.h"

#include <ctype.h>
#include <string.h>

#include "store.h"

FILE *reply;
signal_context *library;
signal_protocol_store_context *store;

void print_bytes(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        fprintf(reply, "%02x", bytes[i]);
}

void print_buffer(const signal_buffer *buffer)
{
    print_bytes(signal_buffer_const_data(buffer), signal_buffer_len(buffer));
}

signal_buffer *read_bytes(const char *hex)
{
    size_t length = strlen(hex) / 2;
    signal_buffer *buffer = strlen(hex) % 2 == 0 ? signal_buffer_alloc(length) : NULL;
    for (size_t i = 0; buffer && i < length; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1])) {
            signal_buffer_free(buffer);
            return NULL;
        }
        signal_buffer_data(buffer)[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return buffer;
}

int print_curve_key(const ec_public_key *key, uint32_t version)
{
    signal_buffer *bytes = NULL;
    int result = SG_SUCCESS;
    if (version == OMEMO_2)
        bytes = ec_public_key_get_mont(key);
    else
        result = ec_public_key_serialize(&bytes, key);
    if (bytes)
        print_buffer(bytes);
    signal_buffer_free(bytes);
    return bytes ? result : SG_ERR_NOMEM;
}

int print_identity_key(const ec_public_key *key, uint32_t version)
{
    if (version != OMEMO_2)
        return print_curve_key(key, version);
    signal_buffer *bytes = ec_public_key_get_ed(key);
    if (!bytes)
        return SG_ERR_NOMEM;
    print_buffer(bytes);
    signal_buffer_free(bytes);
    return SG_SUCCESS;
}

int read_key(ec_public_key **key, const char *hex, decode_key *decode)
{
    signal_buffer *bytes = read_bytes(hex);
    if (!bytes)
        return SG_ERR_INVAL;
    int result = decode(key, signal_buffer_data(bytes), signal_buffer_len(bytes), library);
    signal_buffer_free(bytes);
    return result;
}
