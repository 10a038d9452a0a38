//! Alerts: gathers the facts once a minute, lets [`Board`](ringback_core::alert::Board) judge them, keeps what changed, and
//! tells it on the channels.
//!
//! An alert never blocks delivery: facts are index look-ups in bounded reads and counters that exist anyway, channels have
//! queues of their own, and messages go through the outbound client with its address policy, on channels other than the
//! endpoint that fails.

mod channel;
mod companies;
mod email;
mod gather;
mod robots;
mod sample;
mod settings;
mod source;
mod text;
mod view;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use ringback_core::alert::{Bounds, Condition, Notice};
use ringback_core::limits;
use ringback_core::store::Write;
use tokio::sync::mpsc;

use crate::clock;
use crate::config::Config;
use crate::outbound::Outbound;
use crate::service::Service;
use crate::tasks;
use crate::telemetry::Metrics;

pub(crate) use channel::Sent;
use channel::{Channel, Queue, Tools};
use companies::Companies;
pub(crate) use email::is_address;
use gather::Totals;
pub use settings::{
    AlertSettings, ChannelSettings, Destination, EmailSettings, Hidden, MailSecurity, MailServer,
};
use source::Source;
pub(crate) use source::find;
pub(crate) use text::Words;
pub(crate) use view::AlertView;

/// Endpoints of whose notices the pending deliveries are counted in one round; the others say nothing of them.
const COUNTED: usize = 200;

/// A notice, with what was counted for it.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) notice: Notice,
    /// Pending deliveries of its endpoint; counting stops at [`text::PENDING_COUNTED`].
    pub(crate) pending: Option<usize>,
}

/// A notice on its way to a channel.
#[derive(Clone, Debug)]
struct Item {
    said: Arc<Said>,
    /// Kept until the channel is done with it.
    _receipt: Arc<Receipt>,
}

/// When the last channel has dropped it, its alert has been told.
#[derive(Debug)]
struct Receipt {
    alert: i64,
    told: Arc<Mutex<BTreeSet<i64>>>,
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(self.alert);
    }
}

/// What a message is about.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// These.
    Alerts(Vec<Said>),
    /// Nothing: it tests the channel of this name, with an alert as a sample.
    Test(String, Box<Said>),
}

impl Content {
    pub(crate) fn text(&self, words: &Words, bytes: usize) -> String {
        match self {
            Self::Alerts(said) => words.message(said, bytes),
            Self::Test(channel, sample) => words.test(channel, sample),
        }
    }
}

/// The alerts of a running service.
#[derive(Debug)]
pub struct Alerts {
    service: Service,
    metrics: Arc<Metrics>,
    bounds: Bounds,
    zone: TimeZone,
    /// The operator's channels, with their settings.
    channels: Vec<(ChannelSettings, Queue)>,
    companies: Companies,
    /// The ends of the operator's channels' queues, until [`Alerts::run`] takes them.
    queues: Mutex<Vec<mpsc::Receiver<Item>>>,
    totals: Mutex<Totals>,
    told: Arc<Mutex<BTreeSet<i64>>>,
}

/// Why a channel was not tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTest {
    /// There is no such channel.
    NoChannel,
    /// A message is on its way on it.
    UnderWay,
}

impl Alerts {
    /// The alerts of this service, told on the channels of this configuration once [`Alerts::run`] runs.
    #[must_use]
    pub fn new(service: Service, outbound: Outbound, metrics: Arc<Metrics>, config: &Config) -> Self {
        let settings = &config.alerts;
        let tools = Tools {
            outbound,
            clock: Arc::clone(service.time().clock()),
            metrics: Arc::clone(&metrics),
            tls_ca: config.tls_ca.as_ref().map(|ca| ca.pem.clone()),
            window: Duration::from_millis(settings.window_ms),
            zone: config.zone.clone(),
        };
        let (channels, queues) = settings
            .channels
            .iter()
            .map(|channel| {
                let source = Source::Configuration(channel.clone());
                let (queue, items) = Channel::queued(source, tools.clone());
                ((channel.clone(), queue), items)
            })
            .unzip();
        Self {
            companies: Companies::new(service.clone(), tools, settings.mail.clone()),
            service,
            metrics,
            bounds: settings.bounds,
            zone: config.zone.clone(),
            channels,
            queues: Mutex::new(queues),
            totals: Mutex::default(),
            told: Arc::default(),
        }
    }

    /// Runs the channels, and a round each [`limits::ALERT_ROUND_MS`], for ever.
    pub async fn run(self: Arc<Self>) {
        self.start_channels();
        let clock = Arc::clone(self.service.time().clock());
        let pause = Duration::from_millis(limits::ALERT_ROUND_MS);
        loop {
            clock.sleep_until(clock::after(clock.boot_us(), pause)).await;
            self.round().await;
        }
    }

    /// Lets the operator's channels send what is left with them. Those of companies do so by themselves.
    pub fn start_channels(&self) {
        let queues = std::mem::take(&mut *lock(&self.queues));
        for ((_, queue), items) in self.channels.iter().zip(queues) {
            tasks::spawn_detached(Arc::clone(&queue.channel).run(items));
        }
    }

    /// One round: gathers, judges, keeps, and leaves with the channels what is to be told.
    pub async fn round(&self) {
        let Some(facts) = self.gather().await else {
            return;
        };
        self.note_told();
        self.companies.forget_deleted();
        let notices = {
            let mut board = self.service.board();
            let overflowed = board.overflowed();
            let notices = board.round(self.service.time().now(), &facts, &self.bounds);
            if board.overflowed() > overflowed {
                tracing::error!(most = limits::ALERTS_OPEN, "further alerts are not opened");
            }
            for condition in Condition::ALL {
                let open = board.open().filter(|alert| alert.condition == condition).count();
                let open = i64::try_from(open).unwrap_or(i64::MAX);
                self.metrics.alerts.open(condition).set(open);
            }
            notices
        };
        self.keep().await;
        self.tell(notices).await;
    }

    /// Stores what was told since the last round, so that the next process does not tell it again.
    pub async fn finish(&self) {
        self.note_told();
        self.keep().await;
    }

    fn note_told(&self) {
        let told = std::mem::take(&mut *lock(&self.told));
        self.service.board().told(&told);
    }

    /// Stores the alerts that changed; what cannot be stored now is stored by a later round.
    async fn keep(&self) {
        loop {
            let changed = self.service.board().take_changed(limits::ALERT_ROWS);
            if changed.is_empty() {
                return;
            }
            if self
                .service
                .write(Write::PutAlerts(changed.clone()))
                .await
                .is_err()
            {
                self.service.board().unstored(&changed);
                return;
            }
        }
    }

    async fn tell(&self, notices: Vec<Notice>) {
        for (at, notice) in notices.into_iter().enumerate() {
            let alert = &notice.alert;
            self.metrics.alerts.notices(alert.condition).inc();
            tracing::warn!(
                alert = alert.id,
                condition = alert.condition.name(),
                severity = alert.severity.name(),
                occasion = notice.occasion.name(),
                company_id = alert.company_id,
                endpoint = alert.endpoint.as_ref().map(|endpoint| endpoint.name.as_str()),
                count = alert.count,
                "alert"
            );
            let pending = if at < COUNTED {
                self.pending(&notice).await
            } else {
                None
            };
            let receipt = Arc::new(Receipt {
                alert: alert.id,
                told: Arc::clone(&self.told),
            });
            let said = Arc::new(Said { notice, pending });
            for (_, queue) in self
                .channels
                .iter()
                .filter(|(settings, _)| settings.wants(&said.notice.alert))
            {
                queue.leave(Item {
                    said: Arc::clone(&said),
                    _receipt: Arc::clone(&receipt),
                });
            }
            self.companies.leave(&said, &receipt);
        }
    }

    async fn pending(&self, notice: &Notice) -> Option<usize> {
        let endpoint = notice.alert.endpoint.as_ref()?.id;
        let counted = self
            .service
            .read(move |reader| reader.open(endpoint, text::PENDING_COUNTED))
            .await;
        counted.ok().map(|count| count.pending)
    }

    /// The operator's channels.
    pub(crate) fn channels(&self) -> impl Iterator<Item = &ChannelSettings> {
        self.channels.iter().map(|(settings, _)| settings)
    }

    /// Whether companies can be told by mail.
    pub(crate) const fn can_mail_companies(&self) -> bool {
        self.companies.can_mail()
    }

    /// Sends a test message on a channel of the operator, or of a company; what came of it.
    pub(crate) async fn test(&self, company_id: Option<i64>, name: &str) -> Result<Sent, NoTest> {
        let channel = match company_id {
            Some(company_id) => self.companies.channel(company_id, name),
            None => {
                let mut queues = self.channels.iter();
                let found = queues.find(|(settings, _)| settings.name == name);
                found.map(|(_, queue)| Arc::clone(&queue.channel))
            }
        };
        let channel = channel.ok_or(NoTest::NoChannel)?;
        let sample = sample::said(company_id.unwrap_or_default(), self.service.time().now());
        let content = Content::Test(name.to_owned(), Box::new(sample));
        channel.test(&content).await.ok_or(NoTest::UnderWay)
    }

    /// The zone of the times in texts.
    pub(crate) const fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
