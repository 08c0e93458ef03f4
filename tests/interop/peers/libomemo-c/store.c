#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const PARTS[] = {"prekeys", "signed-prekeys", "identities", "sessions-3", "sessions-4"};
static uint32_t session_version = FIRST_OMEMO;

int store_open(const char *folder)
{
    if (chdir(folder) != 0)
        return SG_ERR_UNKNOWN;
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (mkdir(PARTS[i], 0700) != 0 && errno != EEXIST)
            return SG_ERR_UNKNOWN;
    return SG_SUCCESS;
}

void store_use_sessions_of(uint32_t version)
{
    session_version = version;
}

/* A whole record or none, also when the process is ended in between. */
int store_write(const char *name, const uint8_t *data, size_t length)
{
    FILE *file = fopen("new", "wb");
    if (!file)
        return SG_ERR_UNKNOWN;
    int is_written = fwrite(data, 1, length, file) == length;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename("new", name) == 0 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

signal_buffer *store_read(const char *name)
{
    struct stat status;
    FILE *file = fopen(name, "rb");
    if (!file)
        return NULL;
    signal_buffer *buffer = fstat(fileno(file), &status) == 0 ? signal_buffer_alloc((size_t)status.st_size) : NULL;
    if (buffer && fread(signal_buffer_data(buffer), 1, signal_buffer_len(buffer), file) != signal_buffer_len(buffer)) {
        signal_buffer_free(buffer);
        buffer = NULL;
    }
    fclose(file);
    return buffer;
}

uint32_t store_read_number(const char *name)
{
    char text[16] = "";
    signal_buffer *buffer = store_read(name);
    if (buffer && signal_buffer_len(buffer) < sizeof text)
        memcpy(text, signal_buffer_data(buffer), signal_buffer_len(buffer));
    signal_buffer_free(buffer);
    return (uint32_t)strtoul(text, NULL, 10);
}

int store_write_number(const char *name, uint32_t number)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%u", number);
    return store_write(name, (const uint8_t *)text, (size_t)length);
}

/* Names of records. */

enum { NAME_SIZE = 1100 };

static void name_of_key(char *name, const char *part, uint32_t id)
{
    snprintf(name, NAME_SIZE, "%s/%u", part, id);
}

static void name_of_identity(char *name, const signal_protocol_address *address)
{
    snprintf(name, NAME_SIZE, "identities/%.*s.%d", (int)address->name_len, address->name, address->device_id);
}

static void name_of_session(char *name, const signal_protocol_address *address)
{
    snprintf(name, NAME_SIZE, "sessions-%u/%.*s.%d", session_version, (int)address->name_len, address->name,
             address->device_id);
}

/* Sessions. */

static int load_session(signal_buffer **record, signal_buffer **user_record, const signal_protocol_address *address,
                        void *user_data)
{
    (void)user_record, (void)user_data;
    char name[NAME_SIZE];
    name_of_session(name, address);
    *record = store_read(name);
    return *record ? 1 : 0;
}

static int save_session(const signal_protocol_address *address, uint8_t *record, size_t length, uint8_t *user_record,
                        size_t user_length, void *user_data)
{
    (void)user_record, (void)user_length, (void)user_data;
    char name[NAME_SIZE];
    name_of_session(name, address);
    return store_write(name, record, length);
}

static int has_session(const signal_protocol_address *address, void *user_data)
{
    (void)user_data;
    char name[NAME_SIZE];
    name_of_session(name, address);
    return access(name, F_OK) == 0;
}

/* Prekeys. */

static int load_key(const char *part, signal_buffer **record, uint32_t id)
{
    char name[NAME_SIZE];
    name_of_key(name, part, id);
    *record = store_read(name);
    return *record ? SG_SUCCESS : SG_ERR_INVALID_KEY_ID;
}

static int save_key(const char *part, uint32_t id, const uint8_t *record, size_t length)
{
    char name[NAME_SIZE];
    name_of_key(name, part, id);
    return store_write(name, record, length);
}

static int has_key(const char *part, uint32_t id)
{
    char name[NAME_SIZE];
    name_of_key(name, part, id);
    return access(name, F_OK) == 0;
}

static int load_prekey(signal_buffer **record, uint32_t id, void *user_data)
{
    (void)user_data;
    return load_key("prekeys", record, id);
}

static int save_prekey(uint32_t id, uint8_t *record, size_t length, void *user_data)
{
    (void)user_data;
    return save_key("prekeys", id, record, length);
}

static int has_prekey(uint32_t id, void *user_data)
{
    (void)user_data;
    return has_key("prekeys", id);
}

static int remove_prekey(uint32_t id, void *user_data)
{
    (void)user_data;
    char name[NAME_SIZE];
    name_of_key(name, "prekeys", id);
    return unlink(name) == 0 || errno == ENOENT ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int load_signed_prekey(signal_buffer **record, uint32_t id, void *user_data)
{
    (void)user_data;
    return load_key("signed-prekeys", record, id);
}

static int save_signed_prekey(uint32_t id, uint8_t *record, size_t length, void *user_data)
{
    (void)user_data;
    return save_key("signed-prekeys", id, record, length);
}

static int has_signed_prekey(uint32_t id, void *user_data)
{
    (void)user_data;
    return has_key("signed-prekeys", id);
}

int store_each_prekey(int (*take)(uint32_t id, void *to), void *to)
{
    DIR *folder = opendir("prekeys");
    int result = folder ? SG_SUCCESS : SG_ERR_UNKNOWN;
    struct dirent *entry;
    while (result == SG_SUCCESS && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            result = take((uint32_t)strtoul(entry->d_name, NULL, 10), to);
    if (folder)
        closedir(folder);
    return result;
}

/* Identity keys. */

static int load_own_identity(signal_buffer **public_data, signal_buffer **private_data, void *user_data)
{
    (void)user_data;
    *public_data = store_read("public-key");
    *private_data = store_read("private-key");
    return *public_data && *private_data ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int load_device_id(void *user_data, uint32_t *id)
{
    (void)user_data;
    *id = store_read_number("device-id");
    return *id != 0 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int save_identity(const signal_protocol_address *address, uint8_t *key, size_t length, void *user_data)
{
    (void)user_data;
    char name[NAME_SIZE];
    name_of_identity(name, address);
    return store_write(name, key, length);
}

signal_buffer *store_read_identity(const signal_protocol_address *address)
{
    char name[NAME_SIZE];
    name_of_identity(name, address);
    return store_read(name);
}

/* Blind trust: the tests compare fingerprints themselves. */
static int is_trusted(const signal_protocol_address *address, uint8_t *key, size_t length, void *user_data)
{
    (void)address, (void)key, (void)length, (void)user_data;
    return 1;
}

int store_connect(signal_protocol_store_context *context)
{
    /* What is left out is for groups and for deleting, which nobody asks of this device. */
    const signal_protocol_session_store sessions = {
        .load_session_func = load_session,
        .store_session_func = save_session,
        .contains_session_func = has_session,
    };
    const signal_protocol_pre_key_store prekeys = {
        .load_pre_key = load_prekey,
        .store_pre_key = save_prekey,
        .contains_pre_key = has_prekey,
        .remove_pre_key = remove_prekey,
    };
    const signal_protocol_signed_pre_key_store signed_prekeys = {
        .load_signed_pre_key = load_signed_prekey,
        .store_signed_pre_key = save_signed_prekey,
        .contains_signed_pre_key = has_signed_prekey,
    };
    const signal_protocol_identity_key_store identities = {
        .get_identity_key_pair = load_own_identity,
        .get_local_registration_id = load_device_id,
        .save_identity = save_identity,
        .is_trusted_identity = is_trusted,
    };
    int result = signal_protocol_store_context_set_session_store(context, &sessions);
    if (result == SG_SUCCESS)
        result = signal_protocol_store_context_set_pre_key_store(context, &prekeys);
    if (result == SG_SUCCESS)
        result = signal_protocol_store_context_set_signed_pre_key_store(context, &signed_prekeys);
    if (result == SG_SUCCESS)
        result = signal_protocol_store_context_set_identity_key_store(context, &identities);
    return result;
}
