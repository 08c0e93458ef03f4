/*
 * One OMEMO device whose keys and sessions are those of libomemo-c, for both versions of OMEMO.
 *
 *     device FOLDER DEVICE-ID
 *
 * The library is under the GPL. It is linked into this program of the tests only; nothing of it is in the extension,
 * and nothing in these files was taken from it.
 *
 * Each line of the input is a request, each gets one line: "ok" and its words, or "error" and a code of the library.
 * Bytes are in hex; V is the library's session version, 3 for the first OMEMO, 4 for urn:xmpp:omemo:2.
 *
 *     bundle V                                         ok IDENTITY SPK-ID SPK SIGNATURE ID:PREKEY...
 *     has V JID DEVICE                                 ok 0 or 1
 *     build V JID DEVICE IDENTITY SPK-ID SPK SIGNATURE ID PREKEY   ok
 *     encrypt V JID DEVICE BYTES                       ok, 1 for a key exchange or 0, BYTES
 *     decrypt V JID DEVICE IS-KEY-EXCHANGE BYTES       ok BYTES
 *     identity JID DEVICE                              ok, the X25519 identity key or nothing
 */
#include <string.h>

#include "bundle.h"
#include "crypto.h"
#include "session.h"
#include "store.h"
#include "wire.h"

enum { MAX_WORDS = 12 };

static void log_line(int level, const char *message, size_t length, void *user_data)
{
    (void)user_data;
    fprintf(stderr, "libomemo-c %d: %.*s\n", level, (int)length, message);
}

static signal_protocol_address address_of(char **words)
{
    return (signal_protocol_address){
        .name = words[0], .name_len = strlen(words[0]), .device_id = (int32_t)strtoul(words[1], NULL, 10)};
}

static int answer(int count, char **words)
{
    if (count == 3 && strcmp(words[0], "identity") == 0) {
        signal_protocol_address address = address_of(words + 1);
        return print_identity(&address);
    }
    uint32_t version = count > 1 ? (uint32_t)strtoul(words[1], NULL, 10) : 0;
    if (version != FIRST_OMEMO && version != OMEMO_2)
        return SG_ERR_INVAL;
    store_use_sessions_of(version);
    if (count == 2 && strcmp(words[0], "bundle") == 0)
        return print_bundle(version);
    if (count < 4)
        return SG_ERR_INVAL;
    signal_protocol_address address = address_of(words + 2);
    if (count == 4 && strcmp(words[0], "has") == 0)
        return fprintf(reply, "%d", signal_protocol_session_contains_session(store, &address)) > 0 ? SG_SUCCESS
                                                                                                   : SG_ERR_UNKNOWN;
    if (count == 10 && strcmp(words[0], "build") == 0)
        return build_session(version, &address, words + 4);
    if (count == 5 && strcmp(words[0], "encrypt") == 0)
        return run_cipher(version, &address, NULL, words[4]);
    if (count == 6 && strcmp(words[0], "decrypt") == 0)
        return run_cipher(version, &address, words[4], words[5]);
    return SG_ERR_INVAL;
}

static int start(const char *folder, uint32_t id)
{
    int result = store_open(folder);
    if (result == SG_SUCCESS)
        result = signal_context_create(&library, NULL);
    if (result == SG_SUCCESS)
        result = signal_context_set_crypto_provider(library, &crypto_provider);
    if (result == SG_SUCCESS)
        result = signal_context_set_log_function(library, log_line);
    if (result == SG_SUCCESS)
        result = signal_protocol_store_context_create(&store, library);
    if (result == SG_SUCCESS)
        result = store_connect(store);
    if (result == SG_SUCCESS && store_read_number("device-id") == 0)
        result = make_device(id);
    return result;
}

static void handle(char *line)
{
    char *words[MAX_WORDS], *text = NULL;
    size_t length = 0;
    int count = 0;
    for (char *word = strtok(line, " \n"); word && count < MAX_WORDS; word = strtok(NULL, " \n"))
        words[count++] = word;
    reply = open_memstream(&text, &length);
    int result = reply ? answer(count, words) : SG_ERR_NOMEM;
    if (reply && fclose(reply) != 0)
        result = SG_ERR_NOMEM;
    if (result == SG_SUCCESS)
        printf("ok %s\n", text);
    else
        printf("error %d\n", result);
    fflush(stdout);
    free(text);
}

int main(int argc, char **argv)
{
    int result = argc == 3 ? start(argv[1], (uint32_t)strtoul(argv[2], NULL, 10)) : SG_ERR_INVAL;
    if (result != SG_SUCCESS) {
        fprintf(stderr, "device: error %d\n", result);
        return 1;
    }
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0)
        handle(line);
    free(line);
    signal_protocol_store_context_destroy(store);
    signal_context_destroy(library);
    return 0;
}
