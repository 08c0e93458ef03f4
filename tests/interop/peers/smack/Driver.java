import com.google.gson.JsonObject;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.jivesoftware.smack.ConnectionConfiguration.SecurityMode;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.Presence;
import org.jivesoftware.smack.packet.Stanza;
import org.jivesoftware.smack.packet.XmlElement;
import org.jivesoftware.smack.tcp.XMPPTCPConnection;
import org.jivesoftware.smack.tcp.XMPPTCPConnectionConfiguration;
import org.jivesoftware.smackx.carbons.packet.CarbonExtension;
import org.jivesoftware.smackx.omemo.OmemoManager;
import org.jivesoftware.smackx.omemo.OmemoMessage;
import org.jivesoftware.smackx.omemo.OmemoService;
import org.jivesoftware.smackx.omemo.element.OmemoElement;
import org.jivesoftware.smackx.omemo.internal.OmemoDevice;
import org.jivesoftware.smackx.omemo.listener.OmemoMessageListener;
import org.jivesoftware.smackx.omemo.signal.SignalFileBasedOmemoStore;
import org.jivesoftware.smackx.omemo.signal.SignalOmemoService;
import org.jivesoftware.smackx.omemo.trust.OmemoFingerprint;
import org.jivesoftware.smackx.omemo.trust.OmemoTrustCallback;
import org.jivesoftware.smackx.omemo.trust.TrustState;
import org.jivesoftware.smackx.omemo.util.OmemoConstants;
import org.jxmpp.jid.BareJid;
import org.jxmpp.jid.EntityBareJid;
import org.jxmpp.jid.impl.JidCreate;

/**
 * A scripted OMEMO client: Smack with smack-omemo-signal, unmodified. That stands for Java libsignal, as in Conversations.
 *
 * <p>smack-omemo-signal and its libsignal are under the GPL. They are linked into this driver of the tests only; nothing of them is in the
 * extension, and nothing in these files was taken from them.
 *
 * <p>Its keys stay in the folder it is given, so that it goes on with the same device when it is started again.
 */
public final class Driver {
    /** What Smack says about a message without a key for its device. */
    private static final String NO_KEY = "no suitable message key was provided";

    /** Kept here: the logging itself holds loggers weakly. */
    private static final Logger SMACK_LOGGER = Logger.getLogger(OmemoService.class.getName());

    private final XMPPTCPConnection connection;
    private final OmemoManager omemo;
    private final Inbox inbox = new Inbox((stanza, text) -> tellMessage(stanza, text, true));

    private Driver(Map<String, String> options, String password) throws Exception {
        EntityBareJid own = JidCreate.entityBareFrom(options.get("--jid"));
        connection = new XMPPTCPConnection(
                XMPPTCPConnectionConfiguration.builder()
                        .setXmppDomain(own.asDomainBareJid())
                        .setUsernameAndPassword(own.getLocalpart(), password)
                        .setHost("127.0.0.1")
                        .setPort(Integer.parseInt(options.get("--port")))
                        .setSecurityMode(SecurityMode.required)
                        .setCustomX509TrustManager(trustOf(options.get("--ca")))
                        .setSendPresence(false)
                        .build());
        SignalOmemoService.acknowledgeLicense();
        SignalOmemoService.setup();
        Path keys = Path.of(options.get("--folder"), "omemo");
        ((SignalOmemoService) SignalOmemoService.getInstance())
                .setOmemoStoreBackend(new SignalFileBasedOmemoStore(keys.toFile()));
        // Smack initialises AES-GCM in a way that Java's own provider refuses.
        Security.addProvider(new BouncyCastleProvider());
        reportFailures();
        omemo = OmemoManager.getInstanceFor(connection);
        omemo.setTrustCallback(new BlindTrust());
        omemo.addOmemoMessageListener(new OmemoMessageListener() {
            @Override
            public void onOmemoMessageReceived(Stanza stanza, OmemoMessage.Received received) {
                inbox.open(stanza, received.getBody());
            }

            @Override
            public void onOmemoCarbonCopyReceived(
                    CarbonExtension.Direction direction, Message copy, Message wrapper, OmemoMessage.Received received) {
                // Nothing here asks the server for carbons.
            }
        });
        connection.addSyncStanzaListener(this::arrive, stanza -> stanza instanceof Message);
    }

    private static X509TrustManager trustOf(String caFile) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream file = new FileInputStream(caFile)) {
            Certificate ca = CertificateFactory.getInstance("X.509").generateCertificate(file);
            trusted.setCertificateEntry("ca", ca);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(trusted);
        return (X509TrustManager) factory.getTrustManagers()[0];
    }

    /** What Smack cannot open it mentions in its log only, or a thread of its ends by it. */
    private static void reportFailures() {
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            error.printStackTrace();
            Lines.tell("undecrypted", Map.of("error", error.toString()));
        });
        Handler handler = new Handler() {
            private final SimpleFormatter formatter = new SimpleFormatter();

            @Override
            public void publish(LogRecord record) {
                // Judged where the stanza arrives.
                if (String.valueOf(record.getThrown()).contains(NO_KEY)) return;
                if (record.getLevel().intValue() >= Level.WARNING.intValue())
                    Lines.tell("undecrypted", Map.of("error", formatter.formatMessage(record) + record.getThrown()));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        SMACK_LOGGER.addHandler(handler);
    }

    private static final class BlindTrust implements OmemoTrustCallback {
        @Override
        public TrustState getTrust(OmemoDevice device, OmemoFingerprint fingerprint) {
            return TrustState.trusted;
        }

        @Override
        public void setTrust(OmemoDevice device, OmemoFingerprint fingerprint, TrustState state) {}
    }

    private static void tellMessage(Stanza stanza, String text, boolean isEncrypted) {
        String sender = stanza.getFrom().asBareJid().toString();
        Lines.tell("message", Map.of("sender", sender, "text", text, "encrypted", isEncrypted));
    }

    private void arrive(Stanza stanza) {
        XmlElement encrypted = stanza.getExtensionElement(OmemoElement.NAME_ENCRYPTED, OmemoConstants.OMEMO_NAMESPACE_V_AXOLOTL);
        if (encrypted instanceof OmemoElement) arriveEncrypted(stanza, (OmemoElement) encrypted);
        else if (((Message) stanza).getBody() != null) tellMessage(stanza, ((Message) stanza).getBody(), false);
    }

    private void arriveEncrypted(Stanza stanza, OmemoElement encrypted) {
        int own = omemo.getDeviceId();
        if (encrypted.getHeader().getKeys().stream().anyMatch(key -> key.getId() == own)) inbox.arrive(stanza);
        // One without text answers a key exchange of another device of the account.
        else if (encrypted.isMessageElement()) Lines.tell("undecrypted", Map.of("error", NO_KEY));
    }

    private void start() throws Exception {
        connection.connect().login();
        omemo.initialize();
        // Only now: what waited for us needs the keys.
        connection.sendStanza(connection.getStanzaFactory().buildPresenceStanza().ofType(Presence.Type.available).build());
        Lines.tell("ready", Map.of("device", omemo.getDeviceId(), "fingerprint", omemo.getOwnFingerprint().toString()));
    }

    private Map<String, ?> answer(String action, JsonObject request) throws Exception {
        switch (action) {
            case "send":
                send(JidCreate.entityBareFrom(request.get("to").getAsString()), request.get("text").getAsString());
                return Map.of();
            case "fingerprints":
                return Map.of("fingerprints", fingerprints(JidCreate.bareFrom(request.get("jid").getAsString())));
            default:
                throw new IllegalArgumentException(action);
        }
    }

    private void send(EntityBareJid to, String text) throws Exception {
        omemo.requestDeviceListUpdateFor(to);
        OmemoMessage.Sent sealed = omemo.encrypt(to, text);
        if (sealed.getIntendedDevices().isEmpty() || sealed.isMissingRecipients())
            throw new IllegalStateException("not encrypted for every device: " + sealed.getSkippedDevices());
        connection.sendStanza(sealed.buildMessage(connection.getStanzaFactory().buildMessageStanza(), to));
    }

    private List<String> fingerprints(BareJid jid) throws Exception {
        return omemo.getActiveFingerprints(jid).values().stream().map(OmemoFingerprint::toString).sorted().toList();
    }

    public static void main(String[] arguments) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < arguments.length; i += 2) options.put(arguments[i], arguments[i + 1]);
        try {
            Driver driver = new Driver(options, System.getenv("PEER_PASSWORD"));
            driver.start();
            Lines.answerRequests(driver::answer);
            // The end of the input is the order to log out.
            driver.connection.disconnect();
            System.exit(0);
        } catch (Exception error) {
            error.printStackTrace();
            Lines.tell("failed", Map.of("why", error.toString()));
            System.exit(1);
        }
    }
}
