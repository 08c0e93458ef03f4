/*
 * One round of the scenarios of ../../core/scenarios.ts with libomemo-c over OpenSSL, its records serialized in memory. A driver
 * of our own, linked against Debian's library for measuring only; no part of the extension. Prints the times as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <key_helper.h>
#include <protocol.h>
#include <session_builder.h>
#include <session_cipher.h>
#include <signal_protocol.h>

#include "crypto.h"

#define PREKEYS 100
#define MESSAGES 1000
#define REPEATS 20
/* Sessions are told apart by device id: the other device is 1, those of b and c follow. */
#define OTHER 1
#define FIRST_OF_MANY 2
#define SESSIONS (FIRST_OF_MANY + 1000)

struct device {
    signal_buffer *identity_public, *identity_private;
    signal_buffer *prekeys[PREKEYS + 1], *signed_prekey;
    signal_buffer *sessions[SESSIONS];
    signal_protocol_store_context *store;
};

struct message {
    int is_key_exchange;
    signal_buffer *bytes;
};

static signal_context *library;
static uint32_t version = CIPHERTEXT_CURRENT_VERSION;
static uint8_t key_material[32];

static void check(const char *what, int result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s: %d\n", what, result);
    exit(1);
}

static signal_protocol_address address_of(int id)
{
    return (signal_protocol_address){"other", 5, id};
}

/* Stores. */

static void keep(signal_buffer **place, const uint8_t *bytes, size_t length)
{
    signal_buffer_free(*place);
    *place = signal_buffer_create(bytes, length);
}

static int load_session(signal_buffer **record, signal_buffer **user_record, const signal_protocol_address *address,
                        void *user)
{
    (void)user_record;
    signal_buffer *kept = ((struct device *)user)->sessions[address->device_id];
    if (kept)
        *record = signal_buffer_copy(kept);
    return kept != NULL;
}

static int save_session(const signal_protocol_address *address, uint8_t *record, size_t length, uint8_t *user_record,
                        size_t user_length, void *user)
{
    (void)user_record, (void)user_length;
    keep(&((struct device *)user)->sessions[address->device_id], record, length);
    return SG_SUCCESS;
}

static int has_session(const signal_protocol_address *address, void *user)
{
    return ((struct device *)user)->sessions[address->device_id] != NULL;
}

static int load_prekey(signal_buffer **record, uint32_t id, void *user)
{
    signal_buffer *kept = id <= PREKEYS ? ((struct device *)user)->prekeys[id] : NULL;
    if (!kept)
        return SG_ERR_INVALID_KEY_ID;
    *record = signal_buffer_copy(kept);
    return SG_SUCCESS;
}

static int remove_prekey(uint32_t id, void *user)
{
    struct device *device = user;
    signal_buffer_free(device->prekeys[id]);
    device->prekeys[id] = NULL;
    return SG_SUCCESS;
}

static int load_signed_prekey(signal_buffer **record, uint32_t id, void *user)
{
    (void)id;
    *record = signal_buffer_copy(((struct device *)user)->signed_prekey);
    return SG_SUCCESS;
}

static int load_identity(signal_buffer **public_data, signal_buffer **private_data, void *user)
{
    const struct device *device = user;
    *public_data = signal_buffer_copy(device->identity_public);
    *private_data = signal_buffer_copy(device->identity_private);
    return SG_SUCCESS;
}

static int load_registration_id(void *user, uint32_t *id)
{
    (void)user;
    *id = 1;
    return SG_SUCCESS;
}

static int save_identity(const signal_protocol_address *address, uint8_t *key, size_t length, void *user)
{
    (void)address, (void)key, (void)length, (void)user;
    return SG_SUCCESS;
}

static int is_trusted(const signal_protocol_address *address, uint8_t *key, size_t length, void *user)
{
    (void)address, (void)key, (void)length, (void)user;
    return 1;
}

static void connect_store(struct device *device)
{
    signal_protocol_session_store sessions = {
        .load_session_func = load_session,
        .store_session_func = save_session,
        .contains_session_func = has_session,
        .user_data = device,
    };
    signal_protocol_pre_key_store prekeys = {
        .load_pre_key = load_prekey,
        .remove_pre_key = remove_prekey,
        .user_data = device,
    };
    signal_protocol_signed_pre_key_store signed_prekeys = {
        .load_signed_pre_key = load_signed_prekey,
        .user_data = device,
    };
    signal_protocol_identity_key_store identities = {
        .get_identity_key_pair = load_identity,
        .get_local_registration_id = load_registration_id,
        .save_identity = save_identity,
        .is_trusted_identity = is_trusted,
        .user_data = device,
    };
    check("store", signal_protocol_store_context_create(&device->store, library));
    signal_protocol_store_context_set_session_store(device->store, &sessions);
    signal_protocol_store_context_set_pre_key_store(device->store, &prekeys);
    signal_protocol_store_context_set_signed_pre_key_store(device->store, &signed_prekeys);
    signal_protocol_store_context_set_identity_key_store(device->store, &identities);
}

/* Devices. Nothing of them is freed: the program ends soon. */

static ratchet_identity_key_pair *new_identity(void)
{
    ratchet_identity_key_pair *pair = NULL;
    check("identity", signal_protocol_key_helper_generate_identity_key_pair(&pair, library));
    return pair;
}

static session_signed_pre_key *new_signed_prekey(const ratchet_identity_key_pair *identity)
{
    session_signed_pre_key *key = NULL;
    check("signed prekey", signal_protocol_key_helper_generate_signed_pre_key(&key, identity, 1, 0, library));
    return key;
}

static session_pre_key_bundle *bundle_of(int id, const ratchet_identity_key_pair *identity,
                                         const session_signed_pre_key *signed_prekey, const session_pre_key *prekey)
{
    int is_omemo_2 = version == CIPHERTEXT_OMEMO_VERSION;
    session_pre_key_bundle *bundle = NULL;
    check("bundle",
          session_pre_key_bundle_create(
              &bundle, 1, id, 1, ec_key_pair_get_public(session_pre_key_get_key_pair(prekey)), 1,
              ec_key_pair_get_public(session_signed_pre_key_get_key_pair(signed_prekey)),
              is_omemo_2 ? session_signed_pre_key_get_signature_omemo(signed_prekey)
                         : session_signed_pre_key_get_signature(signed_prekey),
              is_omemo_2 ? session_signed_pre_key_get_signature_omemo_len(signed_prekey)
                         : session_signed_pre_key_get_signature_len(signed_prekey),
              ratchet_identity_key_pair_get_public(identity)));
    return bundle;
}

static session_pre_key_bundle *foreign_bundle(int id)
{
    signal_protocol_key_helper_pre_key_list_node *prekeys = NULL;
    ratchet_identity_key_pair *identity = new_identity();
    check("prekey", signal_protocol_key_helper_generate_pre_keys(&prekeys, 1, 1, library));
    return bundle_of(id, identity, new_signed_prekey(identity), signal_protocol_key_helper_key_list_element(prekeys));
}

/* Answers the device's own bundle in `bundle`. */
static struct device *new_device(session_pre_key_bundle **bundle)
{
    struct device *device = calloc(1, sizeof *device);
    ratchet_identity_key_pair *identity = new_identity();
    session_signed_pre_key *signed_prekey = new_signed_prekey(identity);
    signal_protocol_key_helper_pre_key_list_node *prekeys = NULL;
    check("public key", ec_public_key_serialize(&device->identity_public, ratchet_identity_key_pair_get_public(identity)));
    check("private key",
          ec_private_key_serialize(&device->identity_private, ratchet_identity_key_pair_get_private(identity)));
    check("signed prekey", session_signed_pre_key_serialize(&device->signed_prekey, signed_prekey));
    check("prekeys", signal_protocol_key_helper_generate_pre_keys(&prekeys, 1, PREKEYS, library));
    for (signal_protocol_key_helper_pre_key_list_node *at = prekeys; at;
         at = signal_protocol_key_helper_key_list_next(at)) {
        session_pre_key *prekey = signal_protocol_key_helper_key_list_element(at);
        check("prekey", session_pre_key_serialize(&device->prekeys[session_pre_key_get_id(prekey)], prekey));
    }
    connect_store(device);
    *bundle = bundle_of(OTHER, identity, signed_prekey, signal_protocol_key_helper_key_list_element(prekeys));
    return device;
}

static session_cipher *cipher_for(struct device *device, const signal_protocol_address *address)
{
    session_cipher *cipher = NULL;
    check("cipher", session_cipher_create(&cipher, device->store, address, library));
    session_cipher_set_version(cipher, version);
    return cipher;
}

static struct message encrypt(struct device *device, int id)
{
    signal_protocol_address address = address_of(id);
    session_cipher *cipher = cipher_for(device, &address);
    ciphertext_message *sealed = NULL;
    check("encrypt", session_cipher_encrypt(cipher, key_material, sizeof key_material, &sealed));
    struct message message = {
        ciphertext_message_get_type(sealed) == CIPHERTEXT_PREKEY_TYPE,
        signal_buffer_copy(ciphertext_message_get_serialized(sealed)),
    };
    SIGNAL_UNREF(sealed);
    session_cipher_free(cipher);
    return message;
}

static struct message start(struct device *device, int id, session_pre_key_bundle *bundle)
{
    signal_protocol_address address = address_of(id);
    session_builder *builder = NULL;
    check("builder", session_builder_create(&builder, device->store, &address, library));
    session_builder_set_version(builder, version);
    check("bundle", session_builder_process_pre_key_bundle(builder, bundle));
    session_builder_free(builder);
    return encrypt(device, id);
}

static int open_key_exchange(session_cipher *cipher, const uint8_t *data, size_t length, signal_buffer **plain)
{
    pre_key_signal_message *message = NULL;
    check("key exchange", version == CIPHERTEXT_OMEMO_VERSION
                              ? pre_key_signal_message_deserialize_omemo(&message, data, length, 1, library)
                              : pre_key_signal_message_deserialize(&message, data, length, library));
    int result = session_cipher_decrypt_pre_key_signal_message(cipher, message, NULL, plain);
    SIGNAL_UNREF(message);
    return result;
}

static int open_message(session_cipher *cipher, const uint8_t *data, size_t length, signal_buffer **plain)
{
    signal_message *message = NULL;
    check("message", version == CIPHERTEXT_OMEMO_VERSION
                         ? signal_message_deserialize_omemo(&message, data, length, library)
                         : signal_message_deserialize(&message, data, length, library));
    int result = session_cipher_decrypt_signal_message(cipher, message, NULL, plain);
    SIGNAL_UNREF(message);
    return result;
}

static void decrypt(struct device *device, struct message message)
{
    signal_protocol_address address = address_of(OTHER);
    session_cipher *cipher = cipher_for(device, &address);
    const uint8_t *data = signal_buffer_const_data(message.bytes);
    size_t length = signal_buffer_len(message.bytes);
    signal_buffer *plain = NULL;
    check("decrypt", message.is_key_exchange ? open_key_exchange(cipher, data, length, &plain)
                                             : open_message(cipher, data, length, &plain));
    if (signal_buffer_len(plain) != sizeof key_material ||
        memcmp(signal_buffer_data(plain), key_material, sizeof key_material) != 0)
        check("another key came out than went in", -1);
    signal_buffer_free(plain);
    signal_buffer_free(message.bytes);
    session_cipher_free(cipher);
}

/* Scenarios. */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void report(const char *name, int count, double milliseconds)
{
    static const char *separator = "{";
    printf(count ? "%s\"%s%d\":%.4f" : "%s\"%s%.0d\":%.4f", separator, name, count, milliseconds);
    separator = ",";
}

static int by_size(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static void making(void)
{
    session_pre_key_bundle *own;
    double begin = now();
    struct device *device = new_device(&own);
    report("a", 0, now() - begin);
    for (int count = 1; count <= 100; count *= 10) {
        session_pre_key_bundle *bundles[100];
        for (int i = 0; i < count; i++) {
            signal_buffer_free(device->sessions[FIRST_OF_MANY + i]);
            device->sessions[FIRST_OF_MANY + i] = NULL;
            bundles[i] = foreign_bundle(FIRST_OF_MANY + i);
        }
        begin = now();
        for (int i = 0; i < count; i++)
            signal_buffer_free(start(device, FIRST_OF_MANY + i, bundles[i]).bytes);
        report("b", count, now() - begin);
    }
}

/* Two devices with a session that both have written in; the first has the current sending chain. */
static void acquaint(struct device **alice, struct device **bob)
{
    session_pre_key_bundle *own, *of_bob;
    *alice = new_device(&own);
    *bob = new_device(&of_bob);
    decrypt(*bob, start(*alice, OTHER, of_bob));
    decrypt(*alice, encrypt(*bob, OTHER));
    decrypt(*bob, encrypt(*alice, OTHER));
}

static void fan_out(void)
{
    struct device *alice, *bob;
    acquaint(&alice, &bob);
    for (int count = 1; count <= 1000; count *= 10) {
        double times[REPEATS];
        int repeats = count > 10 ? 1 : REPEATS;
        for (int i = 0; i < count; i++) {
            signal_buffer *session = alice->sessions[OTHER];
            keep(&alice->sessions[FIRST_OF_MANY + i], signal_buffer_data(session), signal_buffer_len(session));
        }
        for (int repeat = 0; repeat < repeats; repeat++) {
            double begin = now();
            for (int i = 0; i < count; i++)
                signal_buffer_free(encrypt(alice, FIRST_OF_MANY + i).bytes);
            times[repeat] = now() - begin;
        }
        qsort(times, (size_t)repeats, sizeof *times, by_size);
        report("c", count, times[repeats / 2]);
    }
}

static void talking(void)
{
    static struct message sent[MESSAGES];
    struct device *alice, *bob;
    acquaint(&alice, &bob);
    for (int i = 0; i < MESSAGES; i++)
        sent[i] = encrypt(alice, OTHER);
    double begin = now();
    for (int i = 0; i < MESSAGES; i++)
        decrypt(bob, sent[i]);
    report("d", 0, now() - begin);
    begin = now();
    for (int i = 0; i < MESSAGES / 2; i++) {
        decrypt(bob, encrypt(alice, OTHER));
        decrypt(alice, encrypt(bob, OTHER));
    }
    report("e", 0, now() - begin);
    for (int i = 0; i < MESSAGES; i++)
        signal_buffer_free(encrypt(alice, OTHER).bytes);
    struct message late = encrypt(alice, OTHER);
    begin = now();
    decrypt(bob, late);
    report("f", 0, now() - begin);
}

/* libomemo_c VERSION: the namespace of the version. */
int main(int argc, char **argv)
{
    if (argc != 2)
        check("usage: libomemo_c VERSION", -1);
    if (strcmp(argv[1], "urn:xmpp:omemo:2") == 0)
        version = CIPHERTEXT_OMEMO_VERSION;
    for (size_t i = 0; i < sizeof key_material; i++)
        key_material[i] = (uint8_t)(i + 1);
    crypto_open();
    check("context", signal_context_create(&library, NULL));
    check("provider", signal_context_set_crypto_provider(library, &crypto_provider));
    making();
    fan_out();
    talking();
    puts("}");
    return 0;
}
