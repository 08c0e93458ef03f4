/*
 * libomemo-c as one side of the cross-check. A driver of our own, linked against Debian's library for tests only; no part
 * of the extension. Reads one JSON request per line, answers each with one line (tests/cross/peer.ts). Bytes are hex.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <key_helper.h>
#include <protocol.h>
#include <session_builder.h>
#include <session_cipher.h>
#include <session_record.h>
#include <session_state.h>
#include <signal_protocol.h>

#define PREKEYS 100
#define OUR_DEVICE 2002
#define OTHER_DEVICE 1001

/* A stored record: prekeys and signed prekeys by id. */
struct record {
    uint32_t id;
    uint8_t *bytes;
    size_t length;
    struct record *next;
};

/* Everything the library stores, as bytes. */
static struct {
    signal_buffer *identity_public;
    signal_buffer *identity_private;
    struct record *prekeys;
    struct record *signed_prekeys;
    signal_buffer *session;
    uint32_t next_prekey;
    uint32_t next_signed_prekey;
} stored;

static uint32_t version = CIPHERTEXT_CURRENT_VERSION;
static signal_context *context;
static signal_protocol_store_context *store;
static const signal_protocol_address other = {"other", 5, OTHER_DEVICE};

static void fail(const char *what, int code) {
    fprintf(stderr, "%s: %d\n", what, code);
    exit(1);
}

static void check(const char *what, int code) {
    if (code < 0) fail(what, code);
}

/* --- randomness: SHA-256 over seed and counter, so that a run is repeated by its seed --- */

static char random_seed[64] = "0";
static uint64_t random_counter;

static int random_bytes(uint8_t *data, size_t length, void *user) {
    (void) user;
    while (length > 0) {
        char text[128];
        uint8_t block[SHA256_DIGEST_LENGTH];
        int size = snprintf(text, sizeof text, "%s/%llu", random_seed, (unsigned long long) random_counter++);
        SHA256((const uint8_t *) text, (size_t) size, block);
        size_t part = length < sizeof block ? length : sizeof block;
        memcpy(data, block, part);
        data += part;
        length -= part;
    }
    return 0;
}

/* --- crypto provider over OpenSSL --- */

static int hmac_init(void **hmac, const uint8_t *key, size_t length, void *user) {
    (void) user;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *state = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string("digest", digest, 0),
        OSSL_PARAM_construct_end(),
    };
    *hmac = state;
    return EVP_MAC_init(state, key, length, parameters) == 1 ? 0 : SG_ERR_UNKNOWN;
}

static int hmac_update(void *hmac, const uint8_t *data, size_t length, void *user) {
    (void) user;
    return EVP_MAC_update(hmac, data, length) == 1 ? 0 : SG_ERR_UNKNOWN;
}

static int hmac_final(void *hmac, signal_buffer **output, void *user) {
    (void) user;
    uint8_t sum[32];
    size_t length = 0;
    if (EVP_MAC_final(hmac, sum, &length, sizeof sum) != 1) return SG_ERR_UNKNOWN;
    *output = signal_buffer_create(sum, length);
    return *output != NULL ? 0 : SG_ERR_NOMEM;
}

static void hmac_cleanup(void *hmac, void *user) {
    (void) user;
    EVP_MAC_CTX_free(hmac);
}

static int sha512_init(void **digest, void *user) {
    (void) user;
    *digest = EVP_MD_CTX_new();
    return EVP_DigestInit_ex(*digest, EVP_sha512(), NULL) == 1 ? 0 : SG_ERR_UNKNOWN;
}

static int sha512_update(void *digest, const uint8_t *data, size_t length, void *user) {
    (void) user;
    return EVP_DigestUpdate(digest, data, length) == 1 ? 0 : SG_ERR_UNKNOWN;
}

static int sha512_final(void *digest, signal_buffer **output, void *user) {
    uint8_t sum[SHA512_DIGEST_LENGTH];
    (void) user;
    if (EVP_DigestFinal_ex(digest, sum, NULL) != 1) return SG_ERR_UNKNOWN;
    if (EVP_DigestInit_ex(digest, EVP_sha512(), NULL) != 1) return SG_ERR_UNKNOWN;
    *output = signal_buffer_create(sum, sizeof sum);
    return *output != NULL ? 0 : SG_ERR_NOMEM;
}

static void sha512_cleanup(void *digest, void *user) {
    (void) user;
    EVP_MD_CTX_free(digest);
}

static int aes(int encrypting, signal_buffer **output, int cipher, const uint8_t *key, size_t key_length,
               const uint8_t *iv, const uint8_t *input, size_t length) {
    if (cipher != SG_CIPHER_AES_CBC_PKCS5 || key_length != 32) return SG_ERR_INVAL;
    EVP_CIPHER_CTX *state = EVP_CIPHER_CTX_new();
    uint8_t *bytes = malloc(length + 32);
    int first = 0, last = 0;
    int good = EVP_CipherInit_ex(state, EVP_aes_256_cbc(), NULL, key, iv, encrypting) == 1 &&
               EVP_CipherUpdate(state, bytes, &first, input, (int) length) == 1 &&
               EVP_CipherFinal_ex(state, bytes + first, &last) == 1;
    if (good) *output = signal_buffer_create(bytes, (size_t) (first + last));
    free(bytes);
    EVP_CIPHER_CTX_free(state);
    return good ? 0 : SG_ERR_UNKNOWN;
}

static int encrypt_bytes(signal_buffer **output, int cipher, const uint8_t *key, size_t key_length, const uint8_t *iv,
                         size_t iv_length, const uint8_t *input, size_t length, void *user) {
    (void) user;
    (void) iv_length;
    return aes(1, output, cipher, key, key_length, iv, input, length);
}

static int decrypt_bytes(signal_buffer **output, int cipher, const uint8_t *key, size_t key_length, const uint8_t *iv,
                         size_t iv_length, const uint8_t *input, size_t length, void *user) {
    (void) user;
    (void) iv_length;
    return aes(0, output, cipher, key, key_length, iv, input, length);
}

/* --- stores: one list per kind of record; the callbacks tell them apart by `user` --- */

static struct record *find(struct record *list, uint32_t id) {
    while (list != NULL && list->id != id) list = list->next;
    return list;
}

static void drop(struct record **list, uint32_t id) {
    for (struct record **at = list; *at != NULL; at = &(*at)->next) {
        if ((*at)->id != id) continue;
        struct record *gone = *at;
        *at = gone->next;
        free(gone->bytes);
        free(gone);
        return;
    }
}

static void put(struct record **list, uint32_t id, const uint8_t *bytes, size_t length) {
    drop(list, id);
    struct record *added = malloc(sizeof *added);
    added->id = id;
    added->bytes = malloc(length);
    memcpy(added->bytes, bytes, length);
    added->length = length;
    added->next = NULL;
    while (*list != NULL) list = &(*list)->next;
    *list = added;
}

static int load_record(signal_buffer **record, uint32_t id, void *user) {
    struct record *found = find(*(struct record **) user, id);
    if (found == NULL) return SG_ERR_INVALID_KEY_ID;
    *record = signal_buffer_create(found->bytes, found->length);
    return SG_SUCCESS;
}

static int store_record(uint32_t id, uint8_t *bytes, size_t length, void *user) {
    put(user, id, bytes, length);
    return 0;
}

static int contains_record(uint32_t id, void *user) {
    return find(*(struct record **) user, id) != NULL;
}

static int remove_record(uint32_t id, void *user) {
    drop(user, id);
    return 0;
}

static int load_session(signal_buffer **record, signal_buffer **user_record, const signal_protocol_address *address,
                        void *user) {
    (void) user_record;
    (void) address;
    (void) user;
    if (stored.session == NULL) return 0;
    *record = signal_buffer_copy(stored.session);
    return 1;
}

static int sub_devices(signal_int_list **sessions, const char *name, size_t length, void *user) {
    (void) name;
    (void) length;
    (void) user;
    *sessions = signal_int_list_alloc();
    if (stored.session != NULL) signal_int_list_push_back(*sessions, OTHER_DEVICE);
    return stored.session != NULL;
}

static int store_session(const signal_protocol_address *address, uint8_t *record, size_t length, uint8_t *user_record,
                         size_t user_length, void *user) {
    (void) address;
    (void) user_record;
    (void) user_length;
    (void) user;
    signal_buffer_free(stored.session);
    stored.session = signal_buffer_create(record, length);
    return 0;
}

static int contains_session(const signal_protocol_address *address, void *user) {
    (void) address;
    (void) user;
    return stored.session != NULL;
}

static int delete_session(const signal_protocol_address *address, void *user) {
    (void) address;
    (void) user;
    int had = stored.session != NULL;
    signal_buffer_free(stored.session);
    stored.session = NULL;
    return had;
}

static int delete_all_sessions(const char *name, size_t length, void *user) {
    (void) name;
    (void) length;
    return delete_session(&other, user);
}

static int identity_pair(signal_buffer **public_data, signal_buffer **private_data, void *user) {
    (void) user;
    *public_data = signal_buffer_copy(stored.identity_public);
    *private_data = signal_buffer_copy(stored.identity_private);
    return 0;
}

static int registration_id(void *user, uint32_t *id) {
    (void) user;
    *id = OUR_DEVICE;
    return 0;
}

static int save_identity(const signal_protocol_address *address, uint8_t *key, size_t length, void *user) {
    (void) address;
    (void) key;
    (void) length;
    (void) user;
    return 0;
}

/* Trust is the business of the client. */
static int is_trusted(const signal_protocol_address *address, uint8_t *key, size_t length, void *user) {
    (void) address;
    (void) key;
    (void) length;
    (void) user;
    return 1;
}

static void open_store(void) {
    if (store != NULL) signal_protocol_store_context_destroy(store);
    check("store", signal_protocol_store_context_create(&store, context));
    signal_protocol_session_store sessions = {
        .load_session_func = load_session,
        .get_sub_device_sessions_func = sub_devices,
        .store_session_func = store_session,
        .contains_session_func = contains_session,
        .delete_session_func = delete_session,
        .delete_all_sessions_func = delete_all_sessions,
    };
    signal_protocol_pre_key_store prekeys = {
        .load_pre_key = load_record,
        .store_pre_key = store_record,
        .contains_pre_key = contains_record,
        .remove_pre_key = remove_record,
        .user_data = &stored.prekeys,
    };
    signal_protocol_signed_pre_key_store signed_prekeys = {
        .load_signed_pre_key = load_record,
        .store_signed_pre_key = store_record,
        .contains_signed_pre_key = contains_record,
        .remove_signed_pre_key = remove_record,
        .user_data = &stored.signed_prekeys,
    };
    signal_protocol_identity_key_store identity = {
        .get_identity_key_pair = identity_pair,
        .get_local_registration_id = registration_id,
        .save_identity = save_identity,
        .is_trusted_identity = is_trusted,
    };
    signal_protocol_store_context_set_session_store(store, &sessions);
    signal_protocol_store_context_set_pre_key_store(store, &prekeys);
    signal_protocol_store_context_set_signed_pre_key_store(store, &signed_prekeys);
    signal_protocol_store_context_set_identity_key_store(store, &identity);
}

static void open_context(void) {
    check("context", signal_context_create(&context, NULL));
    const signal_crypto_provider provider = {
        .random_func = random_bytes,
        .hmac_sha256_init_func = hmac_init,
        .hmac_sha256_update_func = hmac_update,
        .hmac_sha256_final_func = hmac_final,
        .hmac_sha256_cleanup_func = hmac_cleanup,
        .sha512_digest_init_func = sha512_init,
        .sha512_digest_update_func = sha512_update,
        .sha512_digest_final_func = sha512_final,
        .sha512_digest_cleanup_func = sha512_cleanup,
        .encrypt_func = encrypt_bytes,
        .decrypt_func = decrypt_bytes,
    };
    check("provider", signal_context_set_crypto_provider(context, &provider));
    open_store();
}

/* --- JSON and hex --- */

static void add_hex(cJSON *object, const char *name, const uint8_t *bytes, size_t length) {
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * length + 1);
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * length] = 0;
    cJSON *item = cJSON_CreateString(text);
    if (name != NULL) cJSON_AddItemToObject(object, name, item);
    else cJSON_AddItemToArray(object, item);
    free(text);
}

static void add_buffer(cJSON *object, const char *name, const signal_buffer *buffer) {
    add_hex(object, name, signal_buffer_const_data(buffer), signal_buffer_len((signal_buffer *) buffer));
}

static int nibble(char digit) {
    return isdigit((unsigned char) digit) ? digit - '0' : digit - 'a' + 10;
}

static signal_buffer *hex_of(const cJSON *item) {
    const char *text = cJSON_GetStringValue(item);
    if (text == NULL) fail("hex: want a string", 0);
    size_t length = strlen(text) / 2;
    signal_buffer *buffer = signal_buffer_alloc(length);
    uint8_t *bytes = signal_buffer_data(buffer);
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t) (nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
    return buffer;
}

static signal_buffer *get_hex(const cJSON *object, const char *name) {
    return hex_of(cJSON_GetObjectItemCaseSensitive(object, name));
}

static uint32_t get_number(const cJSON *object, const char *name) {
    return (uint32_t) cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static void add_records(cJSON *object, const char *name, const struct record *list) {
    cJSON *records = cJSON_AddArrayToObject(object, name);
    for (; list != NULL; list = list->next) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "id", list->id);
        add_hex(item, "record", list->bytes, list->length);
        cJSON_AddItemToArray(records, item);
    }
}

static void get_records(const cJSON *object, const char *name, struct record **list) {
    while (*list != NULL) drop(list, (*list)->id);
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(object, name)) {
        signal_buffer *record = get_hex(item, "record");
        put(list, get_number(item, "id"), signal_buffer_data(record), signal_buffer_len(record));
        signal_buffer_free(record);
    }
}

/* --- keys as they stand on the wire of each version --- */

static void add_key(cJSON *object, const char *name, const ec_public_key *key, int is_identity) {
    signal_buffer *bytes = NULL;
    if (version == CIPHERTEXT_CURRENT_VERSION) check("key", ec_public_key_serialize(&bytes, key));
    else bytes = is_identity ? ec_public_key_get_ed(key) : ec_public_key_get_mont(key);
    add_buffer(object, name, bytes);
    signal_buffer_free(bytes);
}

static ec_public_key *get_key(const cJSON *object, const char *name, int is_identity) {
    signal_buffer *bytes = get_hex(object, name);
    const uint8_t *data = signal_buffer_data(bytes);
    size_t length = signal_buffer_len(bytes);
    ec_public_key *key = NULL;
    if (version == CIPHERTEXT_CURRENT_VERSION) check(name, curve_decode_point(&key, data, length, context));
    else if (is_identity) check(name, curve_decode_point_ed(&key, data, length, context));
    else check(name, curve_decode_point_mont(&key, data, length, context));
    signal_buffer_free(bytes);
    return key;
}

static ratchet_identity_key_pair *identity(void) {
    ec_public_key *public_key = NULL;
    ec_private_key *private_key = NULL;
    ratchet_identity_key_pair *pair = NULL;
    check("identity", curve_decode_point(&public_key, signal_buffer_data(stored.identity_public),
                                         signal_buffer_len(stored.identity_public), context));
    check("identity", curve_decode_private_point(&private_key, signal_buffer_data(stored.identity_private),
                                                 signal_buffer_len(stored.identity_private), context));
    check("identity", ratchet_identity_key_pair_create(&pair, public_key, private_key));
    SIGNAL_UNREF(public_key);
    SIGNAL_UNREF(private_key);
    return pair;
}

/* --- requests --- */

static void refill(void) {
    int count = 0;
    for (struct record *at = stored.prekeys; at != NULL; at = at->next) count++;
    if (count >= PREKEYS) return;
    signal_protocol_key_helper_pre_key_list_node *made = NULL;
    check("prekeys", signal_protocol_key_helper_generate_pre_keys(&made, stored.next_prekey, PREKEYS - count, context));
    stored.next_prekey += PREKEYS - count;
    for (signal_protocol_key_helper_pre_key_list_node *at = made; at != NULL;
         at = signal_protocol_key_helper_key_list_next(at)) {
        check("prekey", signal_protocol_pre_key_store_key(store, signal_protocol_key_helper_key_list_element(at)));
    }
    signal_protocol_key_helper_key_list_free(made);
}

/* A new signed prekey; the one before is kept, older ones go. */
static void rotate(void) {
    session_signed_pre_key *made = NULL;
    ratchet_identity_key_pair *pair = identity();
    uint32_t id = stored.next_signed_prekey++;
    check("signed prekey", signal_protocol_key_helper_generate_signed_pre_key(&made, pair, id, id, context));
    check("signed prekey", signal_protocol_signed_pre_key_store_key(store, made));
    if (id > 2) drop(&stored.signed_prekeys, id - 2);
    SIGNAL_UNREF(made);
    SIGNAL_UNREF(pair);
}

static void create(const cJSON *request) {
    (void) request;
    ratchet_identity_key_pair *pair = NULL;
    check("identity", signal_protocol_key_helper_generate_identity_key_pair(&pair, context));
    check("identity", ec_public_key_serialize(&stored.identity_public, ratchet_identity_key_pair_get_public(pair)));
    check("identity", ec_private_key_serialize(&stored.identity_private, ratchet_identity_key_pair_get_private(pair)));
    SIGNAL_UNREF(pair);
    stored.next_prekey = 1;
    stored.next_signed_prekey = 1;
    rotate();
    refill();
}

static void bundle(cJSON *answer) {
    ratchet_identity_key_pair *pair = identity();
    add_key(answer, "identityKey", ratchet_identity_key_pair_get_public(pair), 1);
    SIGNAL_UNREF(pair);
    session_signed_pre_key *signed_prekey = NULL;
    uint32_t id = stored.next_signed_prekey - 1;
    check("signed prekey", signal_protocol_signed_pre_key_load_key(store, &signed_prekey, id));
    int is_legacy = version == CIPHERTEXT_CURRENT_VERSION;
    cJSON_AddNumberToObject(answer, "signedPrekeyId", id);
    add_key(answer, "signedPrekey", ec_key_pair_get_public(session_signed_pre_key_get_key_pair(signed_prekey)), 0);
    add_hex(answer, "signature",
            is_legacy ? session_signed_pre_key_get_signature(signed_prekey)
                      : session_signed_pre_key_get_signature_omemo(signed_prekey),
            is_legacy ? session_signed_pre_key_get_signature_len(signed_prekey)
                      : session_signed_pre_key_get_signature_omemo_len(signed_prekey));
    SIGNAL_UNREF(signed_prekey);
    cJSON *prekeys = cJSON_AddArrayToObject(answer, "prekeys");
    for (struct record *at = stored.prekeys; at != NULL; at = at->next) {
        session_pre_key *prekey = NULL;
        check("prekey", session_pre_key_deserialize(&prekey, at->bytes, at->length, context));
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "id", at->id);
        add_key(item, "key", ec_key_pair_get_public(session_pre_key_get_key_pair(prekey)), 0);
        cJSON_AddItemToArray(prekeys, item);
        SIGNAL_UNREF(prekey);
    }
}

static session_cipher *open_cipher(void) {
    session_cipher *cipher = NULL;
    check("cipher", session_cipher_create(&cipher, store, &other, context));
    session_cipher_set_version(cipher, version);
    return cipher;
}

static void encrypt(const cJSON *request, cJSON *answer) {
    signal_buffer *material = get_hex(request, "keyMaterial");
    session_cipher *cipher = open_cipher();
    ciphertext_message *message = NULL;
    check("encrypt", session_cipher_encrypt(cipher, signal_buffer_data(material), signal_buffer_len(material), &message));
    add_buffer(answer, "bytes", ciphertext_message_get_serialized(message));
    int is_key_exchange = ciphertext_message_get_type(message) == CIPHERTEXT_PREKEY_TYPE;
    cJSON_AddBoolToObject(answer, "isKeyExchange", is_key_exchange);
    SIGNAL_UNREF(message);
    session_cipher_free(cipher);
    signal_buffer_free(material);
}

/* The bundle's first prekey is taken; the harness leaves one. */
static void start(const cJSON *request, cJSON *answer) {
    const cJSON *prekey = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(request, "prekeys"), 0);
    ec_public_key *identity_key = get_key(request, "identityKey", 1);
    ec_public_key *signed_prekey = get_key(request, "signedPrekey", 0);
    ec_public_key *prekey_key = get_key(prekey, "key", 0);
    signal_buffer *signature = get_hex(request, "signature");
    session_pre_key_bundle *made = NULL;
    check("bundle", session_pre_key_bundle_create(&made, OTHER_DEVICE, OTHER_DEVICE, get_number(prekey, "id"), prekey_key,
                                                  get_number(request, "signedPrekeyId"), signed_prekey,
                                                  signal_buffer_data(signature), signal_buffer_len(signature),
                                                  identity_key));
    session_builder *builder = NULL;
    check("builder", session_builder_create(&builder, store, &other, context));
    session_builder_set_version(builder, version);
    check("session from bundle", session_builder_process_pre_key_bundle(builder, made));
    session_builder_free(builder);
    SIGNAL_UNREF(made);
    SIGNAL_UNREF(identity_key);
    SIGNAL_UNREF(signed_prekey);
    SIGNAL_UNREF(prekey_key);
    signal_buffer_free(signature);
    encrypt(request, answer);
}

static const char *name_of(int code) {
    switch (code) {
        case SG_ERR_DUPLICATE_MESSAGE: return "duplicate";
        case SG_ERR_INVALID_KEY_ID: return "unknown-prekey";
        case SG_ERR_NO_SESSION: return "no-session";
        case SG_ERR_INVALID_MESSAGE: return "invalid-message";
        case SG_ERR_INVALID_KEY: return "invalid-key";
        case SG_ERR_INVALID_PROTO_BUF: return "invalid-protobuf";
        case SG_ERR_INVALID_VERSION: return "invalid-version";
        case SG_ERR_LEGACY_MESSAGE: return "legacy-message";
        default: fail("decrypt", code);
    }
    return NULL;
}

static int open_key_exchange(session_cipher *cipher, signal_buffer *bytes, signal_buffer **plaintext) {
    pre_key_signal_message *message = NULL;
    const uint8_t *data = signal_buffer_data(bytes);
    size_t length = signal_buffer_len(bytes);
    int code = version == CIPHERTEXT_CURRENT_VERSION
                   ? pre_key_signal_message_deserialize(&message, data, length, context)
                   : pre_key_signal_message_deserialize_omemo(&message, data, length, OTHER_DEVICE, context);
    if (code >= 0) code = session_cipher_decrypt_pre_key_signal_message(cipher, message, NULL, plaintext);
    SIGNAL_UNREF(message);
    return code;
}

static int open_message(session_cipher *cipher, signal_buffer *bytes, signal_buffer **plaintext) {
    signal_message *message = NULL;
    const uint8_t *data = signal_buffer_data(bytes);
    size_t length = signal_buffer_len(bytes);
    int code = version == CIPHERTEXT_CURRENT_VERSION ? signal_message_deserialize(&message, data, length, context)
                                                     : signal_message_deserialize_omemo(&message, data, length, context);
    if (code >= 0) code = session_cipher_decrypt_signal_message(cipher, message, NULL, plaintext);
    SIGNAL_UNREF(message);
    return code;
}

static void decrypt(const cJSON *request, cJSON *answer) {
    signal_buffer *bytes = get_hex(request, "bytes");
    session_cipher *cipher = open_cipher();
    signal_buffer *plaintext = NULL;
    int is_key_exchange = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "isKeyExchange"));
    int code = is_key_exchange ? open_key_exchange(cipher, bytes, &plaintext) : open_message(cipher, bytes, &plaintext);
    if (code < 0) {
        cJSON_AddStringToObject(answer, "refused", name_of(code));
    } else {
        add_buffer(answer, "keyMaterial", plaintext);
        signal_buffer_free(plaintext);
        refill();
    }
    session_cipher_free(cipher);
    signal_buffer_free(bytes);
}

static void add_session(cJSON *sessions, const session_state *state) {
    signal_buffer *key = ec_public_key_get_mont(session_state_get_alice_base_key(state));
    add_buffer(sessions, NULL, key);
    signal_buffer_free(key);
}

static void sessions(cJSON *answer) {
    cJSON *list = cJSON_AddArrayToObject(answer, "sessions");
    if (stored.session == NULL) return;
    session_record *record = NULL;
    check("sessions", signal_protocol_session_load_session(store, &record, &other, version));
    add_session(list, session_record_get_state(record));
    for (session_record_state_node *at = session_record_get_previous_states_head(record); at != NULL;
         at = session_record_get_previous_states_next(at)) {
        add_session(list, session_record_get_previous_states_element(at));
    }
    SIGNAL_UNREF(record);
}

static void save(cJSON *answer) {
    cJSON *state = cJSON_AddObjectToObject(answer, "state");
    add_buffer(state, "identityPublic", stored.identity_public);
    add_buffer(state, "identityPrivate", stored.identity_private);
    add_records(state, "prekeys", stored.prekeys);
    add_records(state, "signedPrekeys", stored.signed_prekeys);
    if (stored.session != NULL) add_buffer(state, "session", stored.session);
    cJSON_AddNumberToObject(state, "nextPrekey", stored.next_prekey);
    cJSON_AddNumberToObject(state, "nextSignedPrekey", stored.next_signed_prekey);
}

static void restore(const cJSON *request) {
    const cJSON *state = cJSON_GetObjectItemCaseSensitive(request, "state");
    signal_buffer_free(stored.identity_public);
    signal_buffer_free(stored.identity_private);
    stored.identity_public = get_hex(state, "identityPublic");
    stored.identity_private = get_hex(state, "identityPrivate");
    get_records(state, "prekeys", &stored.prekeys);
    get_records(state, "signedPrekeys", &stored.signed_prekeys);
    delete_session(&other, NULL);
    if (cJSON_HasObjectItem(state, "session")) stored.session = get_hex(state, "session");
    stored.next_prekey = get_number(state, "nextPrekey");
    stored.next_signed_prekey = get_number(state, "nextSignedPrekey");
    open_store();
}

static void perform(const cJSON *request, cJSON *answer) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "do"));
    if (name == NULL) fail("request: want do", 0);
    else if (strcmp(name, "create") == 0) create(request);
    else if (strcmp(name, "bundle") == 0) bundle(answer);
    else if (strcmp(name, "start") == 0) start(request, answer);
    else if (strcmp(name, "encrypt") == 0) encrypt(request, answer);
    else if (strcmp(name, "decrypt") == 0) decrypt(request, answer);
    else if (strcmp(name, "rotate") == 0) rotate();
    else if (strcmp(name, "sessions") == 0) sessions(answer);
    else if (strcmp(name, "save") == 0) save(answer);
    else if (strcmp(name, "restore") == 0) restore(request);
    else fail(name, 0);
}

/* libomemo_c VERSION SEED: the namespace of the version, any text as seed. */
int main(int argc, char **argv) {
    if (argc != 3) fail("usage: libomemo_c VERSION SEED", 0);
    if (strcmp(argv[1], "urn:xmpp:omemo:2") == 0) version = CIPHERTEXT_OMEMO_VERSION;
    snprintf(random_seed, sizeof random_seed, "%s", argv[2]);
    open_context();
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        cJSON *request = cJSON_Parse(line);
        cJSON *answer = cJSON_CreateObject();
        perform(request, answer);
        char *text = cJSON_PrintUnformatted(answer);
        puts(text);
        fflush(stdout);
        free(text);
        cJSON_Delete(request);
        cJSON_Delete(answer);
    }
    free(line);
    return 0;
}
