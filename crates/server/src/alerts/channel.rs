//! A channel: gathers notices for a while, sends them as one message at the vendor's pace, and tries again a few times.
//!
//! Whoever has a notice leaves it in a bounded queue and goes on: a channel that is slow or dead delays nobody. A notice
//! counts as told when the channel is done with it, sent or given up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use jiff::tz::TimeZone;
use ringback_contract::ack::AckRule;
use ringback_contract::webhook::Secret;
use ringback_core::limits;
use tokio::sync::{Mutex, MutexGuard, mpsc};

use super::email::{self, Mail};
use super::robots::{self, Post};
use super::settings::{ChannelSettings, Destination};
use super::source::{Missing, Source};
use super::text::Words;
use super::{Content, Item};
use crate::clock::{self, Clock};
use crate::outbound::{Message, Outbound, Outcome, TargetSettings};
use crate::random;
use crate::telemetry::Metrics;

/// What channels need of the rest of the program.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) outbound: Outbound,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    /// Authorities of the installation, for mail servers.
    pub(super) tls_ca: Option<String>,
    pub(super) window: Duration,
    /// The zone of the times in texts.
    pub(super) zone: TimeZone,
}

/// A channel.
#[derive(Debug)]
pub(super) struct Channel {
    source: Source,
    tools: Tools,
    /// When the last message was sent, by the boot clock. Held while one is on its way: they go one after the other.
    last_us: Mutex<Option<i64>>,
}

/// A channel, and where notices for it are left.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) channel: Arc<Channel>,
    items: mpsc::Sender<Item>,
}

impl Queue {
    /// Leaves a notice here; drops it when the queue is full.
    pub(super) fn leave(&self, item: Item) {
        if self.items.try_send(item).is_err() {
            self.channel.tools.metrics.alerts.notices_dropped.inc();
        }
    }
}

/// What came of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Why it was not taken, in one line; `None` when it was.
    pub(crate) problem: Option<String>,
    /// The status of the answer, where it came by HTTP.
    pub(crate) status: Option<u16>,
    /// The beginning of the answer's body.
    pub(crate) body_start: Bytes,
}

impl Sent {
    fn failed(problem: &impl ToString) -> Self {
        Self {
            problem: Some(problem.to_string()),
            ..Self::default()
        }
    }

    fn by_mail(result: Result<(), String>) -> Self {
        Self {
            problem: result.err(),
            ..Self::default()
        }
    }
}

impl Channel {
    /// A channel with its queue, and the end of that, for [`Channel::run`].
    pub(super) fn queued(source: Source, tools: Tools) -> (Queue, mpsc::Receiver<Item>) {
        let (queue, items) = mpsc::channel(limits::ALERT_QUEUE);
        let channel = Self {
            source,
            tools,
            last_us: Mutex::new(None),
        };
        let queue = Queue {
            channel: Arc::new(channel),
            items: queue,
        };
        (queue, items)
    }

    /// Sends what is left here, until nobody can leave anything any more.
    pub(super) async fn run(self: Arc<Self>, mut items: mpsc::Receiver<Item>) {
        let clock = Arc::clone(&self.tools.clock);
        while let Some(first) = items.recv().await {
            let until = clock::after(clock.boot_us(), self.tools.window);
            let mut group = vec![first];
            clock.sleep_until(until).await;
            while let Ok(item) = items.try_recv() {
                group.push(item);
            }
            let said = group.iter().map(|item| (*item.said).clone()).collect();
            self.deliver(&Content::Alerts(said)).await;
            drop(group);
        }
    }

    /// Sends a message, and again when it fails, until it is given up, or until its channel is deleted.
    async fn deliver(&self, content: &Content) {
        let clock = &*self.tools.clock;
        let (channel, company_id) = (self.source.name(), self.source.company_id());
        let waits = limits::ALERT_RETRIES_MS.iter().map(Some).chain([None]);
        for wait in waits {
            if self.source.settings() == Err(Missing::Channel) {
                return;
            }
            let Some(problem) = self.send(content).await.problem else {
                self.tools.metrics.alerts.messages_sent.inc();
                return;
            };
            let Some(wait) = wait else {
                self.tools.metrics.alerts.messages_failed.inc();
                tracing::error!(channel, company_id, problem, "a message of alerts is given up");
                return;
            };
            tracing::warn!(
                channel,
                company_id,
                problem,
                wait_ms = wait,
                "a message of alerts failed"
            );
            clock
                .sleep_until(clock::after(clock.boot_us(), Duration::from_millis(*wait)))
                .await;
        }
    }

    /// Sends a message once, not before its turn.
    pub(super) async fn send(&self, content: &Content) -> Sent {
        let turn = self.last_us.lock().await;
        self.send_in_turn(turn, content).await
    }

    /// As [`Channel::send`]; `None` while another message is on its way, so that tests do not pile up.
    pub(super) async fn test(&self, content: &Content) -> Option<Sent> {
        let turn = self.last_us.try_lock().ok()?;
        Some(self.send_in_turn(turn, content).await)
    }

    async fn send_in_turn(&self, mut last_us: MutexGuard<'_, Option<i64>>, content: &Content) -> Sent {
        let clock = &*self.tools.clock;
        let settings = match self.source.settings() {
            Ok(settings) => settings,
            Err(missing) => return Sent::failed(&missing),
        };
        if let Some(last_us) = *last_us {
            let pause = Duration::from_millis(settings.destination.pause_ms());
            clock.sleep_until(clock::after(last_us, pause)).await;
        }
        let _place = self.source.place().await;
        let limit = Duration::from_millis(limits::ALERT_SEND_MS);
        let sent = clock::timeout(clock, limit, Box::pin(self.send_now(&settings, content))).await;
        *last_us = Some(clock.boot_us());
        sent.unwrap_or_else(|_| Sent::failed(&"it took too long"))
    }

    async fn send_now(&self, settings: &ChannelSettings, content: &Content) -> Sent {
        let (destination, wall_ms) = (&settings.destination, self.tools.clock.wall_ms());
        let words = Words {
            language: settings.language,
            zone: self.tools.zone.clone(),
        };
        if let Destination::Email(settings) = destination {
            let text = content.text(&words, destination.text_bytes());
            let (subject, body) = text.split_once("\n\n").unwrap_or((&text, &text));
            let mail = Mail {
                subject,
                text: body,
                wall_ms,
            };
            let tls_ca = self.tools.tls_ca.as_deref();
            return Sent::by_mail(email::send(&self.tools.outbound, tls_ca, settings, mail).await);
        }
        match robots::post(destination, content, &words, wall_ms) {
            Some(post) => self.post(destination, &post, wall_ms).await,
            None => Sent::default(),
        }
    }

    async fn post(&self, destination: &Destination, post: &Post, wall_ms: i64) -> Sent {
        let target = self.tools.outbound.target(TargetSettings {
            ack_rule: AckRule::Status,
            ..TargetSettings::new(&post.url)
        });
        let target = match target {
            Ok(target) => target,
            Err(problem) => return Sent::failed(&problem),
        };
        let message = message(destination, post, wall_ms);
        let exchange = self.tools.outbound.post(&target, message).await;
        let problem = if exchange.outcome == Outcome::Acknowledged {
            robots::refusal(destination, &exchange.body_start)
        } else {
            let mut told = exchange.outcome.name().to_owned();
            if let Some(status) = exchange.status {
                told.push_str(&format!(": HTTP {status}"));
            }
            if let Some(detail) = exchange.detail {
                told.push_str(&format!(": {detail}"));
            }
            Some(told)
        };
        Sent {
            problem,
            status: exchange.status,
            body_start: exchange.body_start,
        }
    }
}

fn message(destination: &Destination, post: &Post, wall_ms: i64) -> Message {
    let id = format!("alert_{}", random::token());
    let timestamp = wall_ms.div_euclid(1_000);
    let signature = match destination {
        Destination::Webhook {
            secret: Some(secret), ..
        } => Secret::parse(secret.expose())
            .map(|secret| secret.sign(&id, timestamp, post.body.as_bytes()))
            .unwrap_or_default(),
        _ => String::new(),
    };
    let header = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    Message {
        body: Bytes::from(post.body.clone()),
        webhook_id: header(&id),
        webhook_timestamp: HeaderValue::from(timestamp),
        webhook_signature: header(&signature),
        ringback_send: HeaderValue::from(1),
        trace: None,
    }
}
#[cfg(test)]
mod tests;
