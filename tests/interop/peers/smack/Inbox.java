import java.util.ArrayDeque;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jivesoftware.smack.packet.Stanza;

/**
 * Hands texts over in the order in which their stanzas arrived.
 *
 * <p>Smack opens every OMEMO message in a thread of its own and says nothing about their order, nor which stanza it could not open: after such
 * a one nothing more comes out, and its log says why.
 */
final class Inbox {
    private final Deque<Stanza> arrived = new ArrayDeque<>();
    private final Map<Stanza, Optional<String>> opened = new IdentityHashMap<>();
    private final BiConsumer<Stanza, String> take;

    Inbox(BiConsumer<Stanza, String> take) {
        this.take = take;
    }

    /** To be called in the order of arrival. */
    synchronized void arrive(Stanza stanza) {
        arrived.add(stanza);
        release();
    }

    /** `text` is null for a message without one. */
    synchronized void open(Stanza stanza, String text) {
        opened.put(stanza, Optional.ofNullable(text));
        release();
    }

    private void release() {
        while (!arrived.isEmpty() && opened.containsKey(arrived.peek())) {
            Stanza stanza = arrived.remove();
            opened.remove(stanza).ifPresent(text -> take.accept(stanza, text));
        }
    }
}
