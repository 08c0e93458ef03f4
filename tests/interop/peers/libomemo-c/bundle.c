#include "bundle.h"

#include <time.h>

#include <key_helper.h>

#include "store.h"
#include "wire.h"

enum { PREKEYS = 100, SIGNED_PREKEY_ID = 1 };

int make_device(uint32_t id)
{
    ratchet_identity_key_pair *identity = NULL;
    session_signed_pre_key *signed_prekey = NULL;
    signal_buffer *public_key = NULL, *private_key = NULL;
    int result = signal_protocol_key_helper_generate_identity_key_pair(&identity, library);
    if (result == SG_SUCCESS)
        result = ec_public_key_serialize(&public_key, ratchet_identity_key_pair_get_public(identity));
    if (result == SG_SUCCESS)
        result = ec_private_key_serialize(&private_key, ratchet_identity_key_pair_get_private(identity));
    if (result == SG_SUCCESS)
        result = signal_protocol_key_helper_generate_signed_pre_key(&signed_prekey, identity, SIGNED_PREKEY_ID,
                                                                    (uint64_t)time(NULL) * 1000, library);
    if (result == SG_SUCCESS)
        result = signal_protocol_signed_pre_key_store_key(store, signed_prekey);
    if (result == SG_SUCCESS)
        result = store_write("public-key", signal_buffer_data(public_key), signal_buffer_len(public_key));
    if (result == SG_SUCCESS)
        result = store_write("private-key", signal_buffer_data(private_key), signal_buffer_len(private_key));
    /* Last: a device with an id is complete. */
    if (result == SG_SUCCESS)
        result = store_write_number("device-id", id);
    signal_buffer_free(public_key);
    signal_buffer_bzero_free(private_key);
    SIGNAL_UNREF(signed_prekey);
    SIGNAL_UNREF(identity);
    return result;
}

static int count_prekey(uint32_t id, void *count)
{
    (void)id;
    ++*(unsigned int *)count;
    return SG_SUCCESS;
}

/* What was used is replaced under new ids. */
static int replenish_prekeys(void)
{
    signal_protocol_key_helper_pre_key_list_node *made = NULL;
    unsigned int count = 0;
    uint32_t last = store_read_number("last-prekey");
    int result = store_each_prekey(count_prekey, &count);
    if (result != SG_SUCCESS || count >= PREKEYS)
        return result;
    result = store_write_number("last-prekey", last + PREKEYS - count);
    if (result == SG_SUCCESS)
        result = signal_protocol_key_helper_generate_pre_keys(&made, last + 1, PREKEYS - count, library);
    for (signal_protocol_key_helper_pre_key_list_node *node = made; node && result == SG_SUCCESS;
         node = signal_protocol_key_helper_key_list_next(node))
        result = signal_protocol_pre_key_store_key(store, signal_protocol_key_helper_key_list_element(node));
    signal_protocol_key_helper_key_list_free(made);
    return result;
}

static int print_prekey(uint32_t id, void *version)
{
    session_pre_key *prekey = NULL;
    int result = signal_protocol_pre_key_load_key(store, &prekey, id);
    if (result != SG_SUCCESS)
        return result;
    fprintf(reply, " %u:", id);
    result = print_curve_key(ec_key_pair_get_public(session_pre_key_get_key_pair(prekey)), *(uint32_t *)version);
    SIGNAL_UNREF(prekey);
    return result;
}

int print_bundle(uint32_t version)
{
    ratchet_identity_key_pair *identity = NULL;
    session_signed_pre_key *signed_prekey = NULL;
    int result = replenish_prekeys();
    if (result == SG_SUCCESS)
        result = signal_protocol_identity_get_key_pair(store, &identity);
    if (result == SG_SUCCESS)
        result = signal_protocol_signed_pre_key_load_key(store, &signed_prekey, SIGNED_PREKEY_ID);
    if (result == SG_SUCCESS) {
        result = print_identity_key(ratchet_identity_key_pair_get_public(identity), version);
    }
    if (result == SG_SUCCESS) {
        fprintf(reply, " %u ", SIGNED_PREKEY_ID);
        result = print_curve_key(ec_key_pair_get_public(session_signed_pre_key_get_key_pair(signed_prekey)), version);
    }
    if (result == SG_SUCCESS) {
        fputc(' ', reply);
        if (version == OMEMO_2)
            print_bytes(session_signed_pre_key_get_signature_omemo(signed_prekey),
                        session_signed_pre_key_get_signature_omemo_len(signed_prekey));
        else
            print_bytes(session_signed_pre_key_get_signature(signed_prekey),
                        session_signed_pre_key_get_signature_len(signed_prekey));
        result = store_each_prekey(print_prekey, &version);
    }
    SIGNAL_UNREF(signed_prekey);
    SIGNAL_UNREF(identity);
    return result;
}
