package com.example.receiver;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * A receiver of ringback's callbacks for Spring Boot 3: a text to copy. Unlike the other receivers in this folder it is NOT
 * compiled and NOT run by this project's checks; run `ringback conformance` against it before you rely on it.
 *
 * <p>A callback is answered {@code success} once {@link Inbox} has committed it, and worked on afterwards, by {@link Worker}.
 */
@RestController
class CallbackController {
    private static final int BODY_MAX = 1024 * 1024;
    private static final long TOLERANCE_S = 5 * 60;
    private static final Set<String> WITH_SIGN = Set.of("call", "inbound");

    private final Inbox inbox;
    private final ObjectMapper json = new ObjectMapper();
    private final List<byte[]> secrets;
    private final String appKey;
    private final String appSecret;

    CallbackController(
            Inbox inbox,
            // Several while a secret is being rotated.
            @Value("${RINGBACK_SECRET}") String[] secrets,
            @Value("${RINGBACK_APP_KEY:}") String appKey,
            @Value("${RINGBACK_APP_SECRET:}") String appSecret) {
        this.inbox = inbox;
        this.secrets = Arrays.stream(secrets)
            .map(CallbackController::key)
            .toList();
        this.appKey = appKey;
        this.appSecret = appSecret;
    }

    private static byte[] key(String secret) {
        // An empty one would let everybody in.
        if (!secret.strip().matches("whsec_[A-Za-z0-9+/]+=*")) {
            throw new IllegalArgumentException("RINGBACK_SECRET: must be one or more whsec_…, separated by commas");
        }
        return Base64.getDecoder().decode(secret.strip().substring("whsec_".length()));
    }

    /** Not {@code @RequestBody} with a class: Spring would parse the body, and the raw bytes would be gone. */
    @PostMapping("/callbacks")
    ResponseEntity<String> receive(HttpServletRequest request) throws IOException {
        byte[] body = request.getInputStream().readNBytes(BODY_MAX + 1);
        if (body.length > BODY_MAX) {
            return answer(413, "fail");
        }
        if (!signatureFits(request, body)) {
            return answer(401, "fail");
        }
        JsonNode callback;
        try {
            callback = json.readTree(body).path("data");
        } catch (IOException error) {
            return answer(400, "fail");
        }
        JsonNode data = callback.path("data");
        // The names of the first version, and of the second (`profile` v2).
        JsonNode call = data.hasNonNull("sceneInstance") ? data.get("sceneInstance") : data.path("callInstance");
        String type = callback.hasNonNull("dataType") ? callback.get("dataType").asText() : callback.path("callbackType").asText();
        String kind = kind(type, call);
        String key = key(kind, call, data);
        if (kind == null || key == null && !kind.equals("unknown")) {
            return answer(400, "fail");
        }
        if (WITH_SIGN.contains(kind) && !signFits(data)) {
            return answer(401, "fail");
        }
        // If the commit fails, this throws, the answer is a 500, and the callback comes again.
        inbox.store(request.getHeader("webhook-id"), kind, key, body);
        return answer(200, "success");
    }

    private static ResponseEntity<String> answer(int status, String text) {
        return ResponseEntity.status(status).contentType(MediaType.TEXT_PLAIN).body(text);
    }

    /** Standard Webhooks, over the raw body: parsed and written again, it would be other bytes. */
    private boolean signatureFits(HttpServletRequest request, byte[] body) {
        String id = request.getHeader("webhook-id");
        String sent = request.getHeader("webhook-timestamp");
        String signatures = request.getHeader("webhook-signature");
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
    private boolean signFits(JsonNode data) {
        if (appKey.isEmpty() || data.has("callInstance")) {
            return true;
        }
        byte[] message = (appKey + "\n" + data.path("dateTime").asText()).getBytes(StandardCharsets.UTF_8);
        byte[] mac = hmac("HmacSHA1", appSecret.getBytes(StandardCharsets.UTF_8), message);
        return same(data.path("sign").asText(), Base64.getEncoder().encodeToString(mac));
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

    private static String kind(String type, JsonNode call) {
        return switch (type) {
            // Nothing else tells a correction from a call.
            case "CALL_INSTANCE_RESULT" -> call.isObject() ? "call" : "correction";
            case "INBOUND_CALL_INSTANCE_RESULT" -> "inbound";
            case "JOB_INFO_RESULT" -> "job";
            case "" -> null;
            // A kind of the future: kept, since a refusal would only bring it again.
            default -> "unknown";
        };
    }

    /** The key whose events have an order. A correction belongs to its call, so that the two have one key. */
    private static String key(String kind, JsonNode call, JsonNode data) {
        JsonNode entry = data.path("taskResult").path(0);
        return kind == null ? null : switch (kind) {
            case "call" -> key("call", call, "callInstanceId");
            case "correction" -> key("call", entry, "sceneInstanceId");
            case "inbound" -> key("inbound", call, "inboundInstanceId");
            case "job" -> key("job", data, "callJobId");
            default -> null;
        };
    }

    private static String key(String name, JsonNode holder, String field) {
        return holder.hasNonNull("companyId") && holder.hasNonNull(field)
            ? name + "/" + holder.get("companyId").asText() + "/" + holder.get(field).asText()
            : null;
    }
}
