//! A channel: gathers notices for a while, sends them as one message at the vendor's pace, and tries again a few times.
//!
//! Whoever has a notice leaves it in a bounded queue and goes on: a channel that is slow or dead delays nobody. A notice
//! counts as told when the channel is done with it, sent or given up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use ringback_contract::ack::AckRule;
use ringback_contract::webhook::Secret;
use ringback_core::limits;
use tokio::sync::{Mutex, mpsc};

use super::email::{self, Mail};
use super::robots::{self, Post};
use super::settings::{ChannelSettings, Destination};
use super::text::Words;
use super::{Content, Item, Said};
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
}

/// A channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) settings: ChannelSettings,
    words: Words,
    tools: Tools,
    /// When the last message was sent, by the boot clock. Held while one is on its way: they go one after the other.
    last_us: Mutex<Option<i64>>,
    queue: mpsc::Sender<Item>,
}

impl Channel {
    /// A channel, and the end of its queue, for [`Channel::run`].
    pub(super) fn new(
        settings: ChannelSettings,
        words: Words,
        tools: Tools,
    ) -> (Arc<Self>, mpsc::Receiver<Item>) {
        let (queue, items) = mpsc::channel(limits::ALERT_QUEUE);
        let channel = Self {
            settings,
            words,
            tools,
            last_us: Mutex::new(None),
            queue,
        };
        (Arc::new(channel), items)
    }

    /// Whether a notice is for this channel.
    pub(super) fn wants(&self, said: &Said) -> bool {
        let alert = &said.notice.alert;
        let fits = match (&self.settings.companies, alert.company_id) {
            (None, _) => true,
            (Some(companies), Some(company_id)) => companies.contains(&company_id),
            (Some(_), None) => false,
        };
        fits && alert.severity >= self.settings.least
    }

    /// Leaves a notice here; drops it when the queue is full.
    pub(super) fn leave(&self, item: Item) {
        if self.queue.try_send(item).is_err() {
            self.tools.metrics.alerts.notices_dropped.inc();
        }
    }

    /// Sends what is left here, for ever.
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

    /// Sends a message, and again when it fails, until it is given up.
    async fn deliver(&self, content: &Content) {
        let clock = &*self.tools.clock;
        let (channel, kind) = (self.settings.name.as_str(), self.settings.destination.kind());
        let waits = limits::ALERT_RETRIES_MS.iter().map(Some).chain([None]);
        for wait in waits {
            let Err(problem) = self.send(content).await else {
                self.tools.metrics.alerts.messages_sent.inc();
                return;
            };
            let Some(wait) = wait else {
                self.tools.metrics.alerts.messages_failed.inc();
                tracing::error!(channel, kind, problem, "a message of alerts is given up");
                return;
            };
            tracing::warn!(
                channel,
                kind,
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
    ///
    /// # Errors
    /// Why it was not taken, in one line.
    pub(super) async fn send(&self, content: &Content) -> Result<(), String> {
        let clock = &*self.tools.clock;
        let mut last_us = self.last_us.lock().await;
        if let Some(last_us) = *last_us {
            let pause = Duration::from_millis(self.settings.destination.pause_ms());
            clock.sleep_until(clock::after(last_us, pause)).await;
        }
        let limit = Duration::from_millis(limits::ALERT_SEND_MS);
        let sent = clock::timeout(clock, limit, Box::pin(self.send_now(content))).await;
        *last_us = Some(clock.boot_us());
        sent.unwrap_or_else(|_| Err("it took too long".to_owned()))
    }

    async fn send_now(&self, content: &Content) -> Result<(), String> {
        let (destination, wall_ms) = (&self.settings.destination, self.tools.clock.wall_ms());
        if let Destination::Email(settings) = destination {
            let text = content.text(&self.words, destination.text_bytes());
            let (subject, body) = text.split_once("\n\n").unwrap_or((&text, &text));
            let mail = Mail {
                subject,
                text: body,
                wall_ms,
            };
            return email::send(&self.tools.outbound, self.tools.tls_ca.as_deref(), settings, mail).await;
        }
        match robots::post(destination, content, &self.words, wall_ms) {
            Some(post) => self.post(&post, wall_ms).await,
            None => Ok(()),
        }
    }

    async fn post(&self, post: &Post, wall_ms: i64) -> Result<(), String> {
        let target = self
            .tools
            .outbound
            .target(TargetSettings {
                ack_rule: AckRule::Status,
                ..TargetSettings::new(&post.url)
            })
            .map_err(|problem| problem.to_string())?;
        let exchange = self
            .tools
            .outbound
            .post(&target, self.message(post, wall_ms))
            .await;
        if exchange.outcome != Outcome::Acknowledged {
            let mut told = exchange.outcome.name().to_owned();
            if let Some(status) = exchange.status {
                told.push_str(&format!(": HTTP {status}"));
            }
            if let Some(detail) = exchange.detail {
                told.push_str(&format!(": {detail}"));
            }
            return Err(told);
        }
        match robots::refusal(&self.settings.destination, &exchange.body_start) {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    fn message(&self, post: &Post, wall_ms: i64) -> Message {
        let id = format!("alert_{}", random::token());
        let timestamp = wall_ms.div_euclid(1_000);
        let signature = match &self.settings.destination {
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
}

#[cfg(test)]
mod tests;
