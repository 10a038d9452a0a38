//! Runs the checks one after another, then judges them all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringback_contract::kind::Kind;
use ringback_core::endpoint::Profile;
use ringback_server::clock::{self, Clock};
use ringback_server::outbound::{self, AddressPolicy, Outbound, TargetSettings, headers};
use ringback_server::tasks;

use super::burst::burst;
use super::check::{Check, Need};
use super::journal::Journal;
use super::judge::{Evidence, Ran, body_matters};
use super::maker::Maker;
use super::report::{Outcome, Report};
use super::script::{Processing, Send, Step};
use super::wire::{Observed, Wire, unknown_secret};
use super::words::Said;
use super::{ConformanceError, Options, catalogue};
use crate::trigger::allowed;

/// How many sends of one check are under way at a time.
const TOGETHER: usize = 8;
/// How long to wait before the journal is asked again.
const JOURNAL_PAUSE: Duration = Duration::from_millis(250);

/// Runs a receiver through the checks. `begins` is told of each before it runs.
///
/// # Errors
/// [`ConformanceError`] when nothing can be judged for a reason on this side. What the receiver does is the report.
pub async fn run(
    options: Options,
    clock: Arc<dyn Clock>,
    mut begins: impl FnMut(&'static Check),
) -> Result<Report, ConformanceError> {
    let checks = selected(&options.only)?;
    let options = Arc::new(options);
    let wire = Arc::new(wire(&options, Arc::clone(&clock))?);
    let (started_wall_ms, started_us) = (clock.wall_ms(), clock.boot_us());
    let maker = Arc::new(Mutex::new(Maker::new(Arc::clone(&options), started_wall_ms)));
    let mut runner = Runner {
        options: Arc::clone(&options),
        wire,
        maker,
    };
    let mut outcomes: Vec<(&'static Check, Result<usize, Outcome>)> = Vec::new();
    let mut all: Vec<Ran> = Vec::new();
    for check in checks {
        let outcome = match runner.not_run(check) {
            Some(why) => Err(why),
            None => {
                begins(check);
                runner.perform(check).await.map(|ran| {
                    all.push(ran);
                    all.len() - 1
                })
            }
        };
        outcomes.push((check, outcome));
    }
    let journal = runner.journal(&all).await?;
    let evidence = Evidence {
        options: &options,
        all: &all,
        journal: journal.as_ref(),
    };
    let took_ms = clock.boot_us().saturating_sub(started_us) / 1000;
    Ok(Report::new(&evidence, outcomes, started_wall_ms, took_ms))
}

/// The checks that are asked for, and the ordinary callbacks.
fn selected(only: &[String]) -> Result<Vec<&'static Check>, ConformanceError> {
    let is_known = |name: &&String| catalogue::all().any(|check| check.id == **name);
    if let Some(unknown) = only.iter().find(|name| !is_known(name)) {
        return Err(ConformanceError::UnknownCheck(unknown.clone()));
    }
    Ok(catalogue::all()
        .filter(|check| {
            only.is_empty() || Kind::from_name(check.id).is_some() || only.iter().any(|name| name == check.id)
        })
        .collect())
}

fn wire(options: &Options, clock: Arc<dyn Clock>) -> Result<Wire, ConformanceError> {
    let outbound = Outbound::new(outbound::Options {
        policy: AddressPolicy::new(allowed(&options.allow)),
        ..outbound::Options::new(Arc::clone(&clock))
    })?;
    let extra = options
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let target = outbound.target(TargetSettings {
        tls_ca: options.tls_ca.as_deref(),
        headers: headers::parse(extra)?,
        content_type: options.content_type,
        timeout_ms: options.timeout_ms,
        ack_rule: options.ack_rule,
        ..TargetSettings::new(&options.url)
    })?;
    Ok(Wire {
        outbound,
        target,
        clock,
        ack_rule: options.ack_rule,
        timeout: Duration::from_millis(u64::from(options.timeout_ms)),
        pause: options.pause,
        secret: options.secret.clone().unwrap_or_else(unknown_secret),
        other_secret: unknown_secret(),
    })
}

struct Runner {
    options: Arc<Options>,
    wire: Arc<Wire>,
    maker: Arc<Mutex<Maker>>,
}

impl Runner {
    fn maker(&self) -> MutexGuard<'_, Maker> {
        self.maker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a check is not run; `None` where it is.
    fn not_run(&self, check: &Check) -> Option<Outcome> {
        let options = &self.options;
        let inapplicable = |en: &str, zh: &str| Some(Outcome::NotApplicable(Said::new(en, zh)));
        if let Some(kind) = Kind::from_name(check.id)
            && !options.kinds.contains(&kind)
        {
            return inapplicable("not among --kinds", "不在 --kinds 之内");
        }
        match check.need {
            Need::Secret if options.secret.is_none() => inapplicable("needs --secret", "需要 --secret"),
            Need::AppAlone | Need::V1 if options.profile == Profile::V2 => {
                inapplicable("v2 has none of it", "v2 中没有相关内容")
            }
            Need::AppAlone if options.app.is_none() => inapplicable("needs --app", "需要 --app"),
            Need::AppAlone if options.secret.is_some() => inapplicable(
                "the signature of the body is checked instead",
                "已改为检查覆盖请求体的签名",
            ),
            Need::NoKeys if options.secret.is_some() || options.app.is_some() => {
                inapplicable("the keys are given", "已提供密钥")
            }
            Need::Journal if options.journal.is_none() => inapplicable("needs --journal", "需要 --journal"),
            Need::BodyMatters if !body_matters(options.ack_rule) => inapplicable(
                "the ack rule status does not look at the body",
                "确认规则 status 不看应答内容",
            ),
            Need::Secret
            | Need::AppAlone
            | Need::NoKeys
            | Need::Journal
            | Need::BodyMatters
            | Need::V1
            | Need::Nothing => None,
        }
    }

    /// Sends what a check sends.
    async fn perform(&mut self, check: &'static Check) -> Result<Ran, Outcome> {
        let mut ran = Ran {
            id: check.id,
            ..Ran::default()
        };
        let Some(script) = check.script else {
            return Ok(ran);
        };
        let steps = script(&mut self.maker());
        if steps.is_empty() {
            return Err(self.nothing_to_send());
        }
        for step in steps {
            match step {
                Step::One(send) => {
                    let observed = self.wire.send(&send).await;
                    ran.sends.push((send, observed));
                }
                Step::Together(sends) => ran.sends.extend(self.together(sends).await),
                Step::Burst => {
                    let (count, in_flight) = (self.options.burst, self.options.in_flight.max(1));
                    ran.burst = Some(burst(&self.wire, &self.maker, count, in_flight).await);
                }
            }
        }
        if let Some(kind) = Kind::from_name(check.id)
            && ran.sends.iter().any(|(_, observed)| !observed.is_acknowledged())
        {
            self.maker().drop_kind(kind);
        }
        Ok(ran)
    }

    fn nothing_to_send(&self) -> Outcome {
        if self.maker().kinds().is_empty() {
            return Outcome::NotJudged(Said::new(
                "the receiver takes no ordinary callback",
                "接收方连普通回调都不接受",
            ));
        }
        Outcome::NotApplicable(Said::new(
            "the receiver takes no callback of the kinds that it is about",
            "接收方不接收相关类型的回调",
        ))
    }

    async fn together(&self, sends: Vec<Send>) -> Vec<(Send, Observed)> {
        let mut done = Vec::with_capacity(sends.len());
        let at_once = TOGETHER.min(usize::from(self.options.in_flight.max(1)));
        for some in sends.chunks(at_once) {
            let under_way: Vec<_> = some
                .iter()
                .cloned()
                .map(|send| {
                    let wire = Arc::clone(&self.wire);
                    tasks::spawn("conformance send", async move {
                        let observed = wire.send(&send).await;
                        (send, observed)
                    })
                })
                .collect();
            for send in under_way {
                // A task that panicked has said so itself.
                done.extend(send.await);
            }
        }
        done
    }

    /// What the receiver says it has processed, as soon as all that it acknowledged is there, or has had its time.
    async fn journal(&self, all: &[Ran]) -> Result<Option<Journal>, ConformanceError> {
        let Some(url) = &self.options.journal else {
            return Ok(None);
        };
        let clock = &*self.wire.clock;
        let until = clock::after(clock.boot_us(), self.options.journal_lag);
        loop {
            let journal = Journal::fetch(url, clock).await?;
            if is_complete(&journal, all) || clock.boot_us() >= until {
                return Ok(Some(journal));
            }
            clock
                .sleep_until(clock::after(clock.boot_us(), JOURNAL_PAUSE))
                .await;
        }
    }
}

fn is_complete(journal: &Journal, all: &[Ran]) -> bool {
    all.iter().all(|ran| {
        let bursts = ran.burst.iter().flat_map(|burst| &burst.acknowledged);
        let sends = ran.sends.iter().filter_map(|(send, observed)| {
            (observed.is_acknowledged() && send.processing == Processing::Once).then_some(&send.event)
        });
        bursts.chain(sends).all(|event| journal.times(*event) > 0)
    })
}
