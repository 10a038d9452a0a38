package com.example.receiver;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/** Works on what the inbox holds. Needs {@code @EnableScheduling}; with several instances of the program, let one do it. */
@Component
class Worker {
    private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

    private final Inbox inbox;

    Worker(Inbox inbox) {
        this.inbox = inbox;
    }

    @Scheduled(fixedDelay = 500)
    void work() {
        List<Inbox.Event> events;
        do {
            events = inbox.open(100);
            for (Inbox.Event event : events) {
                if (!event.apply().equals("nothing")) {
                    process(event);
                }
                inbox.finish(event.webhookId());
            }
        } while (!events.isEmpty());
    }

    /** Your code. If it throws, or the machine fails at the wrong moment, it is called again with the same callback. */
    private void process(Inbox.Event event) {
        LOG.info("{} {}: apply {}", event.kind(), event.key(), event.apply());
    }
}
