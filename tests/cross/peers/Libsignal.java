// Java libsignal (signal-protocol-java, under Smack's smack-omemo-signal) as one side of the cross-check. A driver of our
// own, linked against the libraries of pom.xml for tests only; no part of the extension. Reads one JSON request per line,
// answers each with one line (tests/cross/peer.ts). Bytes are hex.
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.whispersystems.libsignal.DuplicateMessageException;
import org.whispersystems.libsignal.IdentityKey;
import org.whispersystems.libsignal.IdentityKeyPair;
import org.whispersystems.libsignal.InvalidKeyException;
import org.whispersystems.libsignal.InvalidKeyIdException;
import org.whispersystems.libsignal.InvalidMessageException;
import org.whispersystems.libsignal.InvalidVersionException;
import org.whispersystems.libsignal.LegacyMessageException;
import org.whispersystems.libsignal.NoSessionException;
import org.whispersystems.libsignal.SessionBuilder;
import org.whispersystems.libsignal.SessionCipher;
import org.whispersystems.libsignal.SignalProtocolAddress;
import org.whispersystems.libsignal.UntrustedIdentityException;
import org.whispersystems.libsignal.ecc.Curve;
import org.whispersystems.libsignal.ecc.ECPublicKey;
import org.whispersystems.libsignal.protocol.CiphertextMessage;
import org.whispersystems.libsignal.protocol.PreKeySignalMessage;
import org.whispersystems.libsignal.protocol.SignalMessage;
import org.whispersystems.libsignal.state.PreKeyBundle;
import org.whispersystems.libsignal.state.PreKeyRecord;
import org.whispersystems.libsignal.state.SessionRecord;
import org.whispersystems.libsignal.state.SessionState;
import org.whispersystems.libsignal.state.SignalProtocolStore;
import org.whispersystems.libsignal.state.SignedPreKeyRecord;
import org.whispersystems.libsignal.util.KeyHelper;

public final class Libsignal {
  static final int OUR_DEVICE = 2002;
  static final int OTHER_DEVICE = 1001;
  static final int PREKEYS = 100;
  static final SignalProtocolAddress OTHER = new SignalProtocolAddress("other", OTHER_DEVICE);

  /** Everything the library stores, as bytes. */
  static final class Store implements SignalProtocolStore {
    byte[] identity = KeyHelper.generateIdentityKeyPair().serialize();
    final Map<Integer, byte[]> prekeys = new TreeMap<>();
    final Map<Integer, byte[]> signedPrekeys = new TreeMap<>();
    byte[] session;
    int nextPrekey = 1;
    int nextSignedPrekey = 1;

    static byte[] found(Map<Integer, byte[]> records, int id) throws InvalidKeyIdException {
      byte[] record = records.get(id);
      if (record == null) throw new InvalidKeyIdException("no such id");
      return record;
    }

    @Override
    public IdentityKeyPair getIdentityKeyPair() {
      try {
        return new IdentityKeyPair(identity);
      } catch (InvalidKeyException error) {
        throw new IllegalStateException(error);
      }
    }

    @Override
    public int getLocalRegistrationId() {
      return OUR_DEVICE;
    }

    @Override
    public boolean saveIdentity(SignalProtocolAddress address, IdentityKey key) {
      return false;
    }

    /** Trust is the business of the client. */
    @Override
    public boolean isTrustedIdentity(SignalProtocolAddress address, IdentityKey key, Direction direction) {
      return true;
    }

    @Override
    public IdentityKey getIdentity(SignalProtocolAddress address) {
      return null;
    }

    @Override
    public PreKeyRecord loadPreKey(int id) throws InvalidKeyIdException {
      try {
        return new PreKeyRecord(found(prekeys, id));
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    @Override
    public void storePreKey(int id, PreKeyRecord record) {
      prekeys.put(id, record.serialize());
    }

    @Override
    public boolean containsPreKey(int id) {
      return prekeys.containsKey(id);
    }

    @Override
    public void removePreKey(int id) {
      prekeys.remove(id);
    }

    @Override
    public SignedPreKeyRecord loadSignedPreKey(int id) throws InvalidKeyIdException {
      try {
        return new SignedPreKeyRecord(found(signedPrekeys, id));
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    @Override
    public List<SignedPreKeyRecord> loadSignedPreKeys() {
      List<SignedPreKeyRecord> records = new ArrayList<>();
      try {
        for (byte[] record : signedPrekeys.values()) records.add(new SignedPreKeyRecord(record));
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
      return records;
    }

    @Override
    public void storeSignedPreKey(int id, SignedPreKeyRecord record) {
      signedPrekeys.put(id, record.serialize());
    }

    @Override
    public boolean containsSignedPreKey(int id) {
      return signedPrekeys.containsKey(id);
    }

    @Override
    public void removeSignedPreKey(int id) {
      signedPrekeys.remove(id);
    }

    @Override
    public SessionRecord loadSession(SignalProtocolAddress address) {
      try {
        return session == null ? new SessionRecord() : new SessionRecord(session);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    @Override
    public List<Integer> getSubDeviceSessions(String name) {
      return session == null ? List.of() : List.of(OTHER_DEVICE);
    }

    @Override
    public void storeSession(SignalProtocolAddress address, SessionRecord record) {
      session = record.serialize();
    }

    @Override
    public boolean containsSession(SignalProtocolAddress address) {
      return session != null;
    }

    @Override
    public void deleteSession(SignalProtocolAddress address) {
      session = null;
    }

    @Override
    public void deleteAllSessions(String name) {
      session = null;
    }
  }

  Store store = new Store();

  static byte[] bytes(JsonObject object, String name) {
    return HexFormat.of().parseHex(object.get(name).getAsString());
  }

  static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  static ECPublicKey key(JsonObject object, String name) throws InvalidKeyException {
    return Curve.decodePoint(bytes(object, name), 0);
  }

  void refill() {
    int missing = PREKEYS - store.prekeys.size();
    if (missing <= 0) return;
    // The helper counts its first id from 1.
    for (PreKeyRecord record : KeyHelper.generatePreKeys(store.nextPrekey, missing)) {
      store.storePreKey(record.getId(), record);
    }
    store.nextPrekey += missing;
  }

  /** A new signed prekey; the one before is kept, older ones go. */
  void rotate() throws InvalidKeyException {
    int id = store.nextSignedPrekey++;
    store.storeSignedPreKey(id, KeyHelper.generateSignedPreKey(store.getIdentityKeyPair(), id));
    store.removeSignedPreKey(id - 2);
  }

  JsonObject bundle() throws Exception {
    SignedPreKeyRecord signed = store.loadSignedPreKey(store.nextSignedPrekey - 1);
    JsonObject answer = new JsonObject();
    answer.addProperty("identityKey", hex(store.getIdentityKeyPair().getPublicKey().serialize()));
    answer.addProperty("signedPrekeyId", signed.getId());
    answer.addProperty("signedPrekey", hex(signed.getKeyPair().getPublicKey().serialize()));
    answer.addProperty("signature", hex(signed.getSignature()));
    JsonArray prekeys = new JsonArray();
    for (int id : store.prekeys.keySet()) {
      JsonObject prekey = new JsonObject();
      prekey.addProperty("id", id);
      prekey.addProperty("key", hex(store.loadPreKey(id).getKeyPair().getPublicKey().serialize()));
      prekeys.add(prekey);
    }
    answer.add("prekeys", prekeys);
    return answer;
  }

  /** The bundle's first prekey is taken; the harness leaves one. */
  JsonObject start(JsonObject request) throws Exception {
    JsonObject prekey = request.getAsJsonArray("prekeys").get(0).getAsJsonObject();
    PreKeyBundle bundle =
        new PreKeyBundle(
            OTHER_DEVICE,
            OTHER_DEVICE,
            prekey.get("id").getAsInt(),
            key(prekey, "key"),
            request.get("signedPrekeyId").getAsInt(),
            key(request, "signedPrekey"),
            bytes(request, "signature"),
            new IdentityKey(key(request, "identityKey")));
    new SessionBuilder(store, OTHER).process(bundle);
    return encrypt(request);
  }

  JsonObject encrypt(JsonObject request) throws Exception {
    CiphertextMessage message = new SessionCipher(store, OTHER).encrypt(bytes(request, "keyMaterial"));
    JsonObject answer = new JsonObject();
    answer.addProperty("bytes", hex(message.serialize()));
    answer.addProperty("isKeyExchange", message.getType() == CiphertextMessage.PREKEY_TYPE);
    return answer;
  }

  JsonObject decrypt(JsonObject request) throws UntrustedIdentityException {
    JsonObject answer = new JsonObject();
    byte[] message = bytes(request, "bytes");
    SessionCipher cipher = new SessionCipher(store, OTHER);
    try {
      byte[] material =
          request.get("isKeyExchange").getAsBoolean()
              ? cipher.decrypt(new PreKeySignalMessage(message))
              : cipher.decrypt(new SignalMessage(message));
      answer.addProperty("keyMaterial", hex(material));
      refill();
    } catch (DuplicateMessageException error) {
      answer.addProperty("refused", "duplicate");
    } catch (InvalidMessageException
        | InvalidVersionException
        | InvalidKeyException
        | InvalidKeyIdException
        | LegacyMessageException
        | NoSessionException error) {
      answer.addProperty("refused", error.getClass().getSimpleName());
    }
    return answer;
  }

  JsonObject sessions() {
    JsonArray list = new JsonArray();
    if (store.session != null) {
      SessionRecord record = store.loadSession(OTHER);
      List<SessionState> states = new ArrayList<>(List.of(record.getSessionState()));
      states.addAll(record.getPreviousSessionStates());
      // Without the type byte, as the harness names sessions.
      for (SessionState state : states) list.add(hex(state.getAliceBaseKey()).substring(2));
    }
    JsonObject answer = new JsonObject();
    answer.add("sessions", list);
    return answer;
  }

  static JsonObject written(Map<Integer, byte[]> records) {
    JsonObject object = new JsonObject();
    records.forEach((id, record) -> object.addProperty(String.valueOf(id), hex(record)));
    return object;
  }

  static void read(JsonObject object, Map<Integer, byte[]> records) {
    for (Map.Entry<String, JsonElement> entry : object.entrySet()) {
      records.put(Integer.valueOf(entry.getKey()), HexFormat.of().parseHex(entry.getValue().getAsString()));
    }
  }

  JsonObject save() {
    JsonObject state = new JsonObject();
    state.addProperty("identity", hex(store.identity));
    state.add("prekeys", written(store.prekeys));
    state.add("signedPrekeys", written(store.signedPrekeys));
    if (store.session != null) state.addProperty("session", hex(store.session));
    state.addProperty("nextPrekey", store.nextPrekey);
    state.addProperty("nextSignedPrekey", store.nextSignedPrekey);
    JsonObject answer = new JsonObject();
    answer.add("state", state);
    return answer;
  }

  void restore(JsonObject state) {
    store = new Store();
    store.identity = bytes(state, "identity");
    read(state.getAsJsonObject("prekeys"), store.prekeys);
    read(state.getAsJsonObject("signedPrekeys"), store.signedPrekeys);
    if (state.has("session")) store.session = bytes(state, "session");
    store.nextPrekey = state.get("nextPrekey").getAsInt();
    store.nextSignedPrekey = state.get("nextSignedPrekey").getAsInt();
  }

  JsonObject perform(JsonObject request) throws Exception {
    switch (request.get("do").getAsString()) {
      case "create":
        rotate();
        refill();
        break;
      case "bundle":
        return bundle();
      case "start":
        return start(request);
      case "encrypt":
        return encrypt(request);
      case "decrypt":
        return decrypt(request);
      case "rotate":
        rotate();
        break;
      case "sessions":
        return sessions();
      case "save":
        return save();
      case "restore":
        restore(request.getAsJsonObject("state"));
        break;
      default:
        throw new IllegalArgumentException("unknown request");
    }
    return new JsonObject();
  }

  /** Arguments (version and seed) are those of every driver; there is one version, and the library's randomness is its own. */
  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    Libsignal driver = new Libsignal();
    Gson gson = new Gson();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      out.println(gson.toJson(driver.perform(JsonParser.parseString(line).getAsJsonObject())));
      out.flush();
    }
  }
}
