#include "crypto.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

static int random_bytes(uint8_t *data, size_t length, void *user_data)
{
    (void)user_data;
    return RAND_bytes(data, (int)length) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int hmac_init(void **context, const uint8_t *key, size_t length, void *user_data)
{
    (void)user_data;
    /* OpenSSL takes no empty key; HMAC pads with zeros, so one zero byte is the same key. */
    static const uint8_t zero[1] = {0};
    EVP_PKEY *mac_key = length == 0 ? EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, zero, 1)
                                    : EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, key, length);
    EVP_MD_CTX *made = EVP_MD_CTX_new();
    int is_good = made && mac_key && EVP_DigestSignInit(made, NULL, EVP_sha256(), NULL, mac_key) == 1;
    EVP_PKEY_free(mac_key);
    if (!is_good) {
        EVP_MD_CTX_free(made);
        return SG_ERR_UNKNOWN;
    }
    *context = made;
    return SG_SUCCESS;
}

static int hmac_update(void *context, const uint8_t *data, size_t length, void *user_data)
{
    (void)user_data;
    return EVP_DigestSignUpdate(context, data, length) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int hmac_final(void *context, signal_buffer **output, void *user_data)
{
    (void)user_data;
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t length = sizeof mac;
    if (EVP_DigestSignFinal(context, mac, &length) != 1)
        return SG_ERR_UNKNOWN;
    *output = signal_buffer_create(mac, length);
    return *output ? SG_SUCCESS : SG_ERR_NOMEM;
}

static int digest_init(void **context, void *user_data)
{
    (void)user_data;
    EVP_MD_CTX *made = EVP_MD_CTX_new();
    if (!made || EVP_DigestInit_ex(made, EVP_sha512(), NULL) != 1) {
        EVP_MD_CTX_free(made);
        return SG_ERR_UNKNOWN;
    }
    *context = made;
    return SG_SUCCESS;
}

static int digest_update(void *context, const uint8_t *data, size_t length, void *user_data)
{
    (void)user_data;
    return EVP_DigestUpdate(context, data, length) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int digest_final(void *context, signal_buffer **output, void *user_data)
{
    (void)user_data;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned int length = sizeof hash;
    /* The library goes on with the same context. */
    if (EVP_DigestFinal_ex(context, hash, &length) != 1 ||
        EVP_DigestInit_ex(context, EVP_sha512(), NULL) != 1)
        return SG_ERR_UNKNOWN;
    *output = signal_buffer_create(hash, length);
    return *output ? SG_SUCCESS : SG_ERR_NOMEM;
}

static void free_context(void *context, void *user_data)
{
    (void)user_data;
    EVP_MD_CTX_free(context);
}

static const EVP_CIPHER *aes(int mode, size_t key_length)
{
    int is_cbc = mode == SG_CIPHER_AES_CBC_PKCS5;
    switch (key_length) {
    case 16: return is_cbc ? EVP_aes_128_cbc() : EVP_aes_128_ctr();
    case 24: return is_cbc ? EVP_aes_192_cbc() : EVP_aes_192_ctr();
    case 32: return is_cbc ? EVP_aes_256_cbc() : EVP_aes_256_ctr();
    default: return NULL;
    }
}

static int run_cipher(int is_encrypting, signal_buffer **output, int mode, const uint8_t *key,
                      size_t key_length, const uint8_t *iv, const uint8_t *input, size_t length)
{
    const EVP_CIPHER *cipher = aes(mode, key_length);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *bytes = malloc(length + EVP_MAX_BLOCK_LENGTH);
    int result = SG_ERR_UNKNOWN, first = 0, rest = 0;
    if (cipher && context && bytes &&
        EVP_CipherInit_ex(context, cipher, NULL, key, iv, is_encrypting) == 1 &&
        EVP_CipherUpdate(context, bytes, &first, input, (int)length) == 1 &&
        EVP_CipherFinal_ex(context, bytes + first, &rest) == 1) {
        *output = signal_buffer_create(bytes, (size_t)(first + rest));
        result = *output ? SG_SUCCESS : SG_ERR_NOMEM;
    }
    free(bytes);
    EVP_CIPHER_CTX_free(context);
    return result;
}

static int encrypt(signal_buffer **output, int mode, const uint8_t *key, size_t key_length,
                   const uint8_t *iv, size_t iv_length, const uint8_t *input, size_t length,
                   void *user_data)
{
    (void)user_data;
    return iv_length == 16 ? run_cipher(1, output, mode, key, key_length, iv, input, length)
                           : SG_ERR_INVAL;
}

static int decrypt(signal_buffer **output, int mode, const uint8_t *key, size_t key_length,
                   const uint8_t *iv, size_t iv_length, const uint8_t *input, size_t length,
                   void *user_data)
{
    (void)user_data;
    return iv_length == 16 ? run_cipher(0, output, mode, key, key_length, iv, input, length)
                           : SG_ERR_INVAL;
}

const signal_crypto_provider crypto_provider = {
    .random_func = random_bytes,
    .hmac_sha256_init_func = hmac_init,
    .hmac_sha256_update_func = hmac_update,
    .hmac_sha256_final_func = hmac_final,
    .hmac_sha256_cleanup_func = free_context,
    .sha512_digest_init_func = digest_init,
    .sha512_digest_update_func = digest_update,
    .sha512_digest_final_func = digest_final,
    .sha512_digest_cleanup_func = free_context,
    .encrypt_func = encrypt,
    .decrypt_func = decrypt,
};
