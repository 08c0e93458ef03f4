import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** JSON lines with the test that started this process: requests on stdin, answers and events on stdout. */
final class Lines {
    /** Answers one request with what belongs into its reply. */
    interface Handler {
        Map<String, ?> answer(String action, JsonObject request) throws Exception;
    }

    private static final Gson GSON = new Gson();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Lines() {}

    private static synchronized void write(Map<String, ?> message) {
        OUT.println(GSON.toJson(message));
    }

    static void tell(String event, Map<String, ?> details) {
        Map<String, Object> message = new LinkedHashMap<>(details);
        message.put("event", event);
        write(message);
    }

    /** Ends with the input. */
    static void answerRequests(Handler handler) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JsonObject request = GSON.fromJson(line, JsonObject.class);
            Map<String, Object> reply = new LinkedHashMap<>();
            reply.put("id", request.get("id").getAsInt());
            try {
                reply.putAll(handler.answer(request.get("do").getAsString(), request));
                reply.put("ok", true);
            } catch (Throwable error) {
                // Smack throws errors as well, where a primitive is missing.
                error.printStackTrace();
                reply.put("ok", false);
                reply.put("error", error.toString());
            }
            write(reply);
        }
    }
}
