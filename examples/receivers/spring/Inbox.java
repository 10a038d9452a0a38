package com.example.receiver;

import java.util.List;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Repository;

/** The inbox: every callback once, in the table of schema.sql. */
@Repository
class Inbox {
    /** A callback; {@code apply} is all, without-level or nothing. */
    record Event(String webhookId, String kind, String key, String apply, byte[] body) {}

    private final JdbcTemplate jdbc;

    Inbox(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    /** Committed when it returns. What is known already stays as it is. */
    void store(String webhookId, String kind, String key, byte[] body) {
        try {
            jdbc.update(
                "INSERT INTO inbox (webhook_id, kind, event_key, apply, body) VALUES (?, ?, ?, ?, ?)",
                webhookId, kind, key, whatToApply(webhookId, kind, key), body);
        } catch (DuplicateKeyException known) {
            // A repetition: it is answered success like the first.
        }
    }

    /**
     * A resend can bring an old event after a newer one of its key; a webhook-id sorts by age.
     *
     * <p>An old event must not overwrite what is newer. But a call that comes after its own correction still brings all that the
     * correction does not have: it is applied, save for the level. (By default ringback sends one event of a key at a time, so
     * that this query and the insert need no lock between them.)
     */
    private String whatToApply(String webhookId, String kind, String key) {
        String query = "SELECT max(webhook_id) FROM inbox WHERE event_key = ?";
        String newest = jdbc.queryForObject(query, String.class, key);
        String newestCall = jdbc.queryForObject(query + " AND kind <> 'correction'", String.class, key);
        if (newest == null || webhookId.compareTo(newest) > 0) {
            return "all";
        }
        boolean newerThanTheCall = newestCall == null || webhookId.compareTo(newestCall) > 0;
        return kind.equals("call") && newerThanTheCall ? "without-level" : "nothing";
    }

    /** What has to be worked on, in the order in which it came. */
    List<Event> open(int limit) {
        return jdbc.query(
            "SELECT webhook_id, kind, event_key, apply, body FROM inbox WHERE processed = 0 ORDER BY arrival LIMIT ?",
            (row, number) -> new Event(
                row.getString("webhook_id"), row.getString("kind"), row.getString("event_key"),
                row.getString("apply"), row.getBytes("body")),
            limit);
    }

    void finish(String webhookId) {
        jdbc.update("UPDATE inbox SET processed = 1 WHERE webhook_id = ?", webhookId);
    }
}
