#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static EVP_MD *sha256, *sha512;
static EVP_CIPHER *aes_256_cbc;

static int random_bytes(uint8_t *data, size_t length, void *user)
{
    (void)user;
    return RAND_bytes(data, (int)length) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

/* OpenSSL 3.0's EVP_MAC is several times slower for messages as short as a chain step's. */
static int hmac_init(void **context, const uint8_t *key, size_t length, void *user)
{
    (void)user;
    *context = HMAC_CTX_new();
    return HMAC_Init_ex(*context, key, (int)length, sha256, NULL) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int hmac_update(void *context, const uint8_t *data, size_t length, void *user)
{
    (void)user;
    return HMAC_Update(context, data, length) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int hmac_final(void *context, signal_buffer **output, void *user)
{
    (void)user;
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (HMAC_Final(context, mac, &length) != 1)
        return SG_ERR_UNKNOWN;
    *output = signal_buffer_create(mac, length);
    return *output ? SG_SUCCESS : SG_ERR_NOMEM;
}

static void hmac_cleanup(void *context, void *user)
{
    (void)user;
    HMAC_CTX_free(context);
}

static int digest_init(void **context, void *user)
{
    (void)user;
    *context = EVP_MD_CTX_new();
    return EVP_DigestInit_ex(*context, sha512, NULL) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int digest_update(void *context, const uint8_t *data, size_t length, void *user)
{
    (void)user;
    return EVP_DigestUpdate(context, data, length) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int digest_final(void *context, signal_buffer **output, void *user)
{
    (void)user;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    /* The library goes on with the same context. */
    if (EVP_DigestFinal_ex(context, hash, &length) != 1 || EVP_DigestInit_ex(context, sha512, NULL) != 1)
        return SG_ERR_UNKNOWN;
    *output = signal_buffer_create(hash, length);
    return *output ? SG_SUCCESS : SG_ERR_NOMEM;
}

static void digest_cleanup(void *context, void *user)
{
    (void)user;
    EVP_MD_CTX_free(context);
}

static int run_cipher(int is_encrypting, signal_buffer **output, int mode, const uint8_t *key, size_t key_length,
                      const uint8_t *iv, const uint8_t *input, size_t length)
{
    if (mode != SG_CIPHER_AES_CBC_PKCS5 || key_length != 32)
        return SG_ERR_INVAL;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *bytes = malloc(length + EVP_MAX_BLOCK_LENGTH);
    int result = SG_ERR_UNKNOWN, first = 0, rest = 0;
    if (context && bytes && EVP_CipherInit_ex(context, aes_256_cbc, NULL, key, iv, is_encrypting) == 1 &&
        EVP_CipherUpdate(context, bytes, &first, input, (int)length) == 1 &&
        EVP_CipherFinal_ex(context, bytes + first, &rest) == 1) {
        *output = signal_buffer_create(bytes, (size_t)(first + rest));
        result = *output ? SG_SUCCESS : SG_ERR_NOMEM;
    }
    free(bytes);
    EVP_CIPHER_CTX_free(context);
    return result;
}

static int encrypt_bytes(signal_buffer **output, int mode, const uint8_t *key, size_t key_length, const uint8_t *iv,
                         size_t iv_length, const uint8_t *input, size_t length, void *user)
{
    (void)user, (void)iv_length;
    return run_cipher(1, output, mode, key, key_length, iv, input, length);
}

static int decrypt_bytes(signal_buffer **output, int mode, const uint8_t *key, size_t key_length, const uint8_t *iv,
                         size_t iv_length, const uint8_t *input, size_t length, void *user)
{
    (void)user, (void)iv_length;
    return run_cipher(0, output, mode, key, key_length, iv, input, length);
}

signal_crypto_provider crypto_provider = {
    .random_func = random_bytes,
    .hmac_sha256_init_func = hmac_init,
    .hmac_sha256_update_func = hmac_update,
    .hmac_sha256_final_func = hmac_final,
    .hmac_sha256_cleanup_func = hmac_cleanup,
    .sha512_digest_init_func = digest_init,
    .sha512_digest_update_func = digest_update,
    .sha512_digest_final_func = digest_final,
    .sha512_digest_cleanup_func = digest_cleanup,
    .encrypt_func = encrypt_bytes,
    .decrypt_func = decrypt_bytes,
};

void crypto_open(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
    aes_256_cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
}
