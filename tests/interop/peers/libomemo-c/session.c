#include "session.h"

#include <string.h>

#include <protocol.h>
#include <session_builder.h>
#include <session_cipher.h>

#include "store.h"
#include "wire.h"

int build_session(uint32_t version, const signal_protocol_address *address, char **words)
{
    ec_public_key *identity = NULL, *signed_prekey = NULL, *prekey = NULL;
    session_pre_key_bundle *bundle = NULL;
    session_builder *builder = NULL;
    signal_buffer *signature = read_bytes(words[3]);
    decode_key *decode = version == OMEMO_2 ? curve_decode_point_mont : curve_decode_point;
    int result = signature ? SG_SUCCESS : SG_ERR_INVAL;
    if (result == SG_SUCCESS)
        result = read_key(&identity, words[0], version == OMEMO_2 ? curve_decode_point_ed : curve_decode_point);
    if (result == SG_SUCCESS)
        result = read_key(&signed_prekey, words[2], decode);
    if (result == SG_SUCCESS)
        result = read_key(&prekey, words[5], decode);
    if (result == SG_SUCCESS)
        result = session_pre_key_bundle_create(&bundle, (uint32_t)address->device_id, address->device_id,
                                               (uint32_t)strtoul(words[4], NULL, 10), prekey,
                                               (uint32_t)strtoul(words[1], NULL, 10), signed_prekey,
                                               signal_buffer_data(signature), signal_buffer_len(signature), identity);
    if (result == SG_SUCCESS)
        result = session_builder_create(&builder, store, address, library);
    if (result == SG_SUCCESS) {
        session_builder_set_version(builder, version);
        result = session_builder_process_pre_key_bundle(builder, bundle);
    }
    session_builder_free(builder);
    SIGNAL_UNREF(bundle);
    SIGNAL_UNREF(prekey);
    SIGNAL_UNREF(signed_prekey);
    SIGNAL_UNREF(identity);
    signal_buffer_free(signature);
    return result;
}

static int encrypt(session_cipher *cipher, signal_buffer *plain)
{
    ciphertext_message *message = NULL;
    int result = session_cipher_encrypt(cipher, signal_buffer_data(plain), signal_buffer_len(plain), &message);
    if (result == SG_SUCCESS) {
        fprintf(reply, "%d ", ciphertext_message_get_type(message) == CIPHERTEXT_PREKEY_TYPE);
        print_buffer(ciphertext_message_get_serialized(message));
    }
    SIGNAL_UNREF(message);
    return result;
}

static int open_key_exchange(session_cipher *cipher, const signal_buffer *bytes, uint32_t sender, signal_buffer **plain)
{
    pre_key_signal_message *message = NULL;
    const uint8_t *data = signal_buffer_const_data(bytes);
    size_t length = signal_buffer_len(bytes);
    int result = session_cipher_get_version(cipher) == OMEMO_2
                     ? pre_key_signal_message_deserialize_omemo(&message, data, length, sender, library)
                     : pre_key_signal_message_deserialize(&message, data, length, library);
    if (result == SG_SUCCESS)
        result = session_cipher_decrypt_pre_key_signal_message(cipher, message, NULL, plain);
    SIGNAL_UNREF(message);
    return result;
}

static int open_message(session_cipher *cipher, const signal_buffer *bytes, signal_buffer **plain)
{
    signal_message *message = NULL;
    const uint8_t *data = signal_buffer_const_data(bytes);
    size_t length = signal_buffer_len(bytes);
    int result = session_cipher_get_version(cipher) == OMEMO_2
                     ? signal_message_deserialize_omemo(&message, data, length, library)
                     : signal_message_deserialize(&message, data, length, library);
    if (result == SG_SUCCESS)
        result = session_cipher_decrypt_signal_message(cipher, message, NULL, plain);
    SIGNAL_UNREF(message);
    return result;
}

static int decrypt(session_cipher *cipher, int is_key_exchange, uint32_t sender, const signal_buffer *bytes)
{
    signal_buffer *plain = NULL;
    int result = is_key_exchange ? open_key_exchange(cipher, bytes, sender, &plain)
                                 : open_message(cipher, bytes, &plain);
    if (result == SG_SUCCESS)
        print_buffer(plain);
    signal_buffer_bzero_free(plain);
    return result;
}

int run_cipher(uint32_t version, const signal_protocol_address *address, const char *flag, const char *hex)
{
    session_cipher *cipher = NULL;
    signal_buffer *bytes = read_bytes(hex);
    int result = bytes ? session_cipher_create(&cipher, store, address, library) : SG_ERR_INVAL;
    if (result == SG_SUCCESS) {
        session_cipher_set_version(cipher, version);
        result = flag ? decrypt(cipher, strcmp(flag, "1") == 0, (uint32_t)address->device_id, bytes)
                      : encrypt(cipher, bytes);
    }
    session_cipher_free(cipher);
    signal_buffer_bzero_free(bytes);
    return result;
}

int print_identity(const signal_protocol_address *address)
{
    signal_buffer *bytes = store_read_identity(address);
    ec_public_key *key = NULL;
    int result = bytes ? curve_decode_point(&key, signal_buffer_data(bytes), signal_buffer_len(bytes), library)
                       : SG_SUCCESS;
    signal_buffer_free(bytes);
    if (result != SG_SUCCESS)
        return result;
    if (key)
        result = print_curve_key(key, OMEMO_2);
    SIGNAL_UNREF(key);
    return result;
}
