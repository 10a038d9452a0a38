import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A receiver of ringback's callbacks: the JDK (17 or later) alone, and a file that only grows.
 *
 * <p>A callback is answered {@code success} once it is on disk in inbox.tsv, and worked on afterwards. {@link #process} is the
 * place for your code. Settings come from the environment; README.md in the folder above lists them.
 */
public final class Receiver {
    private static final int BODY_MAX = 1024 * 1024;
    private static final long TOLERANCE_S = 5 * 60;

    /** Several while a secret is being rotated. */
    private final List<byte[]> secrets = new ArrayList<>();
    private final String appKey = setting("RINGBACK_APP_KEY", "");
    private final String appSecret = setting("RINGBACK_APP_SECRET", "");
    private final Inbox inbox;

    public static void main(String[] arguments) throws IOException {
        // The JDK's server would hold each answer back for 40 ms, and wait for ever for a request that never ends.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("sun.net.httpserver.maxReqTime", "30");
        var receiver = new Receiver(Inbox.open(Path.of(setting("DATA_DIR", "data"))));
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(setting("PORT", "8080"))), 1024);
        // 32 requests at once is what ringback sends by default.
        server.setExecutor(Executors.newFixedThreadPool(64));
        server.createContext("/callbacks", receiver::receive);
        if (setting("RINGBACK_JOURNAL", "").equals("1")) {
            server.createContext("/journal", receiver::journal);
        }
        Thread worker = new Thread(() -> receiver.inbox.work(Receiver::process), "worker");
        worker.setDaemon(true);
        worker.start();
        server.start();
    }

    /** Your code. It may take its time. If the machine fails at the wrong moment it is called again with the same callback. */
    private static void process(Inbox.Event event) {
        System.out.printf("%s %s: apply %s%n", event.kind, event.key, event.apply);
    }

    private Receiver(Inbox inbox) {
        this.inbox = inbox;
        for (String secret : setting("RINGBACK_SECRET", "").split(",")) {
            // An empty one would let everybody in.
            if (!secret.strip().matches("whsec_[A-Za-z0-9+/]+=*")) {
                throw new IllegalArgumentException("RINGBACK_SECRET: must be one or more whsec_…, separated by commas");
            }
            secrets.add(Base64.getDecoder().decode(secret.strip().substring("whsec_".length())));
        }
    }

    private static String setting(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    // --- HTTP ---------------------------------------------------------------------------------------------------------

    private void receive(HttpExchange exchange) throws IOException {
        try (exchange) {
            int status = take(exchange);
            byte[] text = (status == 200 ? "success" : "fail").getBytes(StandardCharsets.US_ASCII);
            exchange.getResponseHeaders().set("content-type", "text/plain;charset=utf-8");
            exchange.sendResponseHeaders(status, text.length);
            exchange.getResponseBody().write(text);
        }
    }

    private int take(HttpExchange exchange) throws IOException {
        if (!exchange.getRequestMethod().equals("POST")) {
            return 405;
        }
        byte[] body = exchange.getRequestBody().readNBytes(BODY_MAX + 1);
        if (body.length > BODY_MAX) {
            return 413;
        }
        var headers = exchange.getRequestHeaders();
        String id = headers.getFirst("webhook-id");
        if (!signatureFits(id, headers.getFirst("webhook-timestamp"), headers.getFirst("webhook-signature"), body)) {
            return 401;
        }
        Callback callback;
        try {
            callback = Callback.read(body);
        } catch (IllegalArgumentException | CharacterCodingException error) {
            return 400;
        }
        boolean hasSign = callback.kind.equals("call") || callback.kind.equals("inbound");
        if (hasSign && !signFits(callback)) {
            return 401;
        }
        inbox.store(id, callback.kind, callback.key, body);
        return 200;
    }

    /** What {@link #process} was called with, for `ringback conformance`. Not for production: it asks for no credentials. */
    private void journal(HttpExchange exchange) throws IOException {
        try (exchange) {
            var lines = new StringBuilder();
            for (String[] event : inbox.processed()) {
                lines.append("{\"webhookId\": \"%s\", \"kind\": \"%s\", \"processed\": true}\n".formatted(event[0], event[1]));
            }
            byte[] text = lines.toString().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("content-type", "application/x-ndjson");
            exchange.sendResponseHeaders(200, text.length == 0 ? -1 : text.length);
            exchange.getResponseBody().write(text);
        }
    }

    // --- where it comes from ------------------------------------------------------------------------------------------

    /** Standard Webhooks, over the raw body: parsed and written again, it would be other bytes. */
    private boolean signatureFits(String id, String sent, String signatures, byte[] body) {
        if (id == null || id.isEmpty() || signatures == null || sent == null || !sent.matches("[0-9]{1,12}")) {
            return false;
        }
        if (Math.abs(Instant.now().getEpochSecond() - Long.parseLong(sent)) > TOLERANCE_S) {
            return false;
        }
        boolean fits = false;
        for (byte[] secret : secrets) {
            byte[] mac = hmac("HmacSHA256", secret, (id + "." + sent + ".").getBytes(StandardCharsets.UTF_8), body);
            String expected = "v1," + Base64.getEncoder().encodeToString(mac);
            for (String given : signatures.split(" ")) {
                fits |= same(given, expected);
            }
        }
        return fits;
    }

    /** The platform's own `sign`, which does not cover the body: a second check, never the only one. Version two has none. */
    private boolean signFits(Callback callback) {
        if (appKey.isEmpty() || callback.versionTwo) {
            return true;
        }
        byte[] message = (appKey + "\n" + callback.dateTime).getBytes(StandardCharsets.UTF_8);
        byte[] mac = hmac("HmacSHA1", appSecret.getBytes(StandardCharsets.UTF_8), message);
        return same(String.valueOf(callback.sign), Base64.getEncoder().encodeToString(mac));
    }

    private static byte[] hmac(String algorithm, byte[] key, byte[]... message) {
        try {
            Mac mac = Mac.getInstance(algorithm);
            mac.init(new SecretKeySpec(key, algorithm));
            for (byte[] part : message) {
                mac.update(part);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    /** In constant time. */
    private static boolean same(String given, String expected) {
        return MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), expected.getBytes(StandardCharsets.UTF_8));
    }

    // --- what it is ---------------------------------------------------------------------------------------------------

    /** What came, and the key whose events have an order; null for an unknown kind. */
    private record Callback(String kind, String key, Object sign, Object dateTime, boolean versionTwo) {
        /** Only the fields that make a callback one are asked for: all others can be null, absent or new. */
        static Callback read(byte[] body) throws CharacterCodingException {
            var callback = object(object(new Json(body).read()).get("data"));
            var data = object(callback.get("data"));
            // The names of the first version, and of the second (`profile` v2).
            var call = either(data, "sceneInstance", "callInstance");
            if (!(either(callback, "dataType", "callbackType") instanceof String type)) {
                throw new IllegalArgumentException("data.dataType: is missing");
            }
            return switch (type) {
                case "CALL_INSTANCE_RESULT" -> call == null
                    ? of("correction", "call", entry(data.get("taskResult")), "sceneInstanceId", data)
                    : of("call", "call", object(call), "callInstanceId", data);
                case "INBOUND_CALL_INSTANCE_RESULT" -> of("inbound", "inbound", object(call), "inboundInstanceId", data);
                case "JOB_INFO_RESULT" -> of("job", "job", data, "callJobId", data);
                // A kind of the future: kept, since a refusal would only bring it again.
                default -> new Callback("unknown", null, null, null, false);
            };
        }

        /** A correction belongs to its call: {@code name} is that of the call, so that the two have one key. */
        private static Callback of(String kind, String name, Map<?, ?> holder, String field, Map<?, ?> data) {
            Object company = holder.get("companyId");
            Object id = holder.get(field);
            if (company == null || id == null) {
                throw new IllegalArgumentException(field + ": is missing");
            }
            boolean versionTwo = data.containsKey("callInstance");
            return new Callback(kind, name + "/" + company + "/" + id, data.get("sign"), data.get("dateTime"), versionTwo);
        }

        private static Object either(Map<?, ?> holder, String first, String second) {
            return holder.get(first) == null ? holder.get(second) : holder.get(first);
        }

        private static Map<?, ?> entry(Object results) {
            return results instanceof List<?> list && !list.isEmpty() ? object(list.get(0)) : object(null);
        }

        private static Map<?, ?> object(Object value) {
            if (value instanceof Map<?, ?> map) {
                return map;
            }
            throw new IllegalArgumentException("is no object");
        }
    }

    // --- the inbox ----------------------------------------------------------------------------------------------------

    /**
     * A file that only grows, and what has to be known of it in memory: about 200 bytes for each event. Where that gets too
     * much, take a database with a unique column.
     *
     * <p>A line is an event – webhook-id, kind, key, what to apply, and the raw body in Base64, separated by tabs – or a
     * webhook-id alone: that event has been processed.
     */
    private static final class Inbox {
        record Event(String id, String kind, String key, String apply, byte[] body) {
            static Event of(String[] columns) {
                return new Event(columns[0], columns[1], columns[2], columns[3], Base64.getDecoder().decode(columns[4]));
            }
        }

        /** The largest ids of one key: of all its events, and of those that are no corrections. */
        private record Newest(String any, String call) {}

        private record Place(String id, long position, int length) {}

        interface Work {
            void process(Event event) throws Exception;
        }

        private final Path path;
        private final FileChannel file;
        private final Set<String> known = new HashSet<>();
        private final Set<String> done = new HashSet<>();
        private final Map<String, Newest> newest = new HashMap<>();
        private final LinkedBlockingQueue<Place> open = new LinkedBlockingQueue<>();
        private long end;

        private Inbox(Path path) throws IOException {
            this.path = path;
            this.file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        }

        static Inbox open(Path directory) throws IOException {
            Files.createDirectories(directory);
            var inbox = new Inbox(directory.resolve("inbox.tsv"));
            inbox.readAll();
            // The name of a new file has to be on disk, too.
            try (var folder = FileChannel.open(directory)) {
                folder.force(true);
            }
            return inbox;
        }

        private void readAll() throws IOException {
            long size = file.size();
            try (BufferedReader lines = Files.newBufferedReader(path, StandardCharsets.ISO_8859_1)) {
                for (String line = lines.readLine(); line != null && end + line.length() < size; line = lines.readLine()) {
                    String[] columns = line.split("\t");
                    if (columns.length == 1) {
                        done.add(columns[0]);
                    } else {
                        remember(columns[0], columns[1], columns[2]);
                        open.add(new Place(columns[0], end, line.length()));
                    }
                    end += line.length() + 1;
                }
            }
            open.removeIf(place -> done.contains(place.id));
            // A crash can leave half a line at the end. Nobody was told that it is stored.
            file.truncate(end);
        }

        /** Returns when the event is on disk. What is known already stays as it is. */
        synchronized void store(String id, String kind, String key, byte[] body) {
            if (known.contains(id)) {
                return;
            }
            String column = key == null ? "" : key;
            String encoded = Base64.getEncoder().encodeToString(body);
            String line = String.join("\t", id, kind, column, whatToApply(id, kind, column), encoded);
            var place = new Place(id, end, line.length());
            append(line);
            try {
                file.force(false);
            } catch (IOException error) {
                giveUp(error);
            }
            remember(id, kind, column);
            open.add(place);
        }

        /**
         * A resend can bring an old event after a newer one of its key; a webhook-id sorts by age.
         *
         * <p>An old event must not overwrite what is newer. But a call that comes after its own correction still brings all
         * that the correction does not have: it is applied, save for the level.
         */
        private String whatToApply(String id, String kind, String key) {
            Newest of = newest.getOrDefault(key, new Newest("", ""));
            if (key.isEmpty() || id.compareTo(of.any) > 0) {
                return "all";
            }
            return kind.equals("call") && id.compareTo(of.call) > 0 ? "without-level" : "nothing";
        }

        private void remember(String id, String kind, String key) {
            known.add(id);
            if (!key.isEmpty()) {
                newest.merge(key, new Newest(id, kind.equals("correction") ? "" : id), (a, b) ->
                    new Newest(later(a.any, b.any), later(a.call, b.call)));
            }
        }

        private static String later(String a, String b) {
            return a.compareTo(b) > 0 ? a : b;
        }

        private void append(String line) {
            var bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.ISO_8859_1));
            try {
                while (bytes.hasRemaining()) {
                    end += file.write(bytes, end);
                }
            } catch (IOException error) {
                giveUp(error);
            }
        }

        /**
         * After a failed write nobody knows what the file holds. The next start reads what is there, and ringback sends again
         * what was not answered.
         */
        private static void giveUp(IOException error) {
            System.err.println("the inbox cannot be written: " + error.getMessage());
            Runtime.getRuntime().halt(1);
        }

        /** Hands what is open to {@code work}, one after the other, in the order in which it came. */
        void work(Work work) {
            while (true) {
                try {
                    Place place = open.take();
                    var bytes = ByteBuffer.allocate(place.length);
                    while (bytes.hasRemaining() && file.read(bytes, place.position + bytes.position()) >= 0) {}
                    process(work, Event.of(new String(bytes.array(), StandardCharsets.ISO_8859_1).split("\t")));
                } catch (IOException error) {
                    giveUp(error);
                } catch (InterruptedException error) {
                    return;
                }
            }
        }

        private void process(Work work, Event event) throws InterruptedException {
            while (!event.apply.equals("nothing")) {
                try {
                    work.process(event);
                    break;
                } catch (Exception error) {
                    // It was acknowledged, and ringback will not repeat it.
                    error.printStackTrace();
                    Thread.sleep(5000);
                }
            }
            synchronized (this) {
                // Without waiting for the disk: to lose the note costs a repetition of the work.
                append(event.id);
                done.add(event.id);
            }
        }

        /** The columns of all that {@code work} was called with. */
        synchronized List<String[]> processed() throws IOException {
            try (var lines = Files.lines(path, StandardCharsets.ISO_8859_1)) {
                return lines.map(line -> line.split("\t"))
                    .filter(columns -> columns.length > 1 && done.contains(columns[0]) && !columns[3].equals("nothing"))
                    .toList();
            }
        }
    }

    // --- JSON ---------------------------------------------------------------------------------------------------------

    /** The JDK reads no JSON. This is enough for a receiver; if you have Jackson or Gson, take that. Numbers stay text. */
    private static final class Json {
        private static final int DEPTH_MAX = 100;
        private final String text;
        private int at;

        Json(byte[] utf8) throws CharacterCodingException {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
        }

        Object read() {
            Object value = value(0);
            peek();
            expect(at == text.length());
            return value;
        }

        private Object value(int depth) {
            expect(depth < DEPTH_MAX);
            switch (peek()) {
                case '{':
                    var members = new HashMap<String, Object>();
                    for (at++; peek() != '}' || !members.isEmpty(); at++) {
                        expect(peek() == '"');
                        String name = string();
                        expect(peek() == ':');
                        at++;
                        members.put(name, value(depth + 1));
                        if (peek() == '}') {
                            break;
                        }
                        expect(peek() == ',');
                    }
                    at++;
                    return members;
                case '[':
                    var items = new ArrayList<>();
                    for (at++; peek() != ']' || !items.isEmpty(); at++) {
                        items.add(value(depth + 1));
                        if (peek() == ']') {
                            break;
                        }
                        expect(peek() == ',');
                    }
                    at++;
                    return items;
                case '"':
                    return string();
                default:
                    int from = at;
                    while ("+-.".indexOf(here()) >= 0 || Character.isLetterOrDigit(here())) {
                        at++;
                    }
                    String word = text.substring(from, at);
                    expect(word.matches("true|false|null|-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?"));
                    return word.equals("null") ? null : word;
            }
        }

        private String string() {
            var string = new StringBuilder();
            for (at++; ; at++) {
                char c = here();
                expect(c >= ' ');
                if (c == '"') {
                    at++;
                    return string.toString();
                }
                if (c != '\\') {
                    string.append(c);
                    continue;
                }
                at++;
                int escaped = "\"\\/bfnrt".indexOf(here());
                if (escaped >= 0) {
                    string.append("\"\\/\b\f\n\r\t".charAt(escaped));
                } else {
                    expect(here() == 'u' && text.substring(at + 1, Math.min(at + 5, text.length())).matches("[0-9a-fA-F]{4}"));
                    string.append((char) Integer.parseInt(text, at + 1, at + 5, 16));
                    at += 4;
                }
            }
        }

        /** The next character that is no white space; 0 at the end. */
        private char peek() {
            while (" \t\r\n".indexOf(here()) >= 0) {
                at++;
            }
            return here();
        }

        private char here() {
            return at < text.length() ? text.charAt(at) : 0;
        }

        private static void expect(boolean holds) {
            if (!holds) {
                throw new IllegalArgumentException("is no JSON");
            }
        }
    }
}
