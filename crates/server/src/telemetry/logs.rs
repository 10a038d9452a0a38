//! The log: structured events on stderr, as text for people or as JSON, one object per line.
//!
//! Field names are stable and mean the same everywhere: `company_id`, `endpoint`, `event_id`, `delivery_id`, `send`,
//! `outcome`, `status`, `duration_ms`, `error`. Payloads, phone numbers, tokens and secrets are never fields.

use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::OnceLock;

use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, fmt, reload};

use crate::config::LogFormat;

/// A log was begun twice in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log was begun twice")]
pub struct AlreadyBegun;

/// Whether `text` is a filter: a level, or a list of `level` and `target=level` separated by commas.
#[must_use]
pub fn is_filter(text: &str) -> bool {
    text.split(',').all(|part| {
        let (target, level) = part.split_once('=').unwrap_or(("any", part));
        let is_target = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':';
        !target.is_empty() && target.bytes().all(is_target) && is_level(level)
    })
}

/// Level names only: the numbers that tracing also reads mean nothing to people.
fn is_level(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && LevelFilter::from_str(text).is_ok()
}

/// Begins the log of this process. A filter that [`is_filter`] refuses counts as `info`.
///
/// # Errors
/// [`AlreadyBegun`]
pub fn init(filter: &str, format: LogFormat) -> Result<(), AlreadyBegun> {
    let ansi = std::io::stderr().is_terminal();
    let (dispatch, control) = dispatch(filter, format, ansi, std::io::stderr);
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| AlreadyBegun)?;
    CONTROL.set(control).map_err(|_| AlreadyBegun)
}

/// Changes what the log of this process lets through from now on. A process whose log was never begun logs nothing before
/// and after.
pub fn change(filter: &str) {
    if let Some(control) = CONTROL.get() {
        // It fails only when the log is gone, at the end of the process.
        let _ = control.reload(targets(filter));
    }
}

/// By what the filter of the running log is changed.
type Control = reload::Handle<Targets, Registry>;

static CONTROL: OnceLock<Control> = OnceLock::new();

fn targets(filter: &str) -> Targets {
    is_filter(filter)
        .then(|| filter.parse().ok())
        .flatten()
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

fn dispatch<W>(filter: &str, format: LogFormat, ansi: bool, writer: W) -> (Dispatch, Control)
where
    W: for<'w> fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let (targets, control) = reload::Layer::new(targets(filter));
    let dispatch = match format {
        LogFormat::Text => Dispatch::new(
            Registry::default().with(
                fmt::layer()
                    .with_writer(writer)
                    .with_ansi(ansi)
                    .with_filter(targets),
            ),
        ),
        LogFormat::Json => Dispatch::new(
            Registry::default().with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false)
                    .with_writer(writer)
                    .with_filter(targets),
            ),
        ),
    };
    (dispatch, control)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn filters() {
        for (text, expected) in [
            ("info", true),
            ("OFF", true),
            ("warn,ringback_server=debug", true),
            ("ringback_server::api=trace", true),
            ("", false),
            ("loud", false),
            ("3", false),
            ("info,", false),
            ("=info", false),
            ("a=b=info", false),
            ("a b=info", false),
            ("[span]=info", false),
        ] {
            assert_eq!(is_filter(text), expected, "{text:?}");
        }
    }

    fn logged(filter: &str, format: LogFormat) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&written);
        let writer = move || Shared(Arc::clone(&writer));
        let (dispatch, _control) = dispatch(filter, format, false, writer);
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(delivery_id = "d1", send = 2, "sent");
            tracing::debug!("unimportant");
        });
        let written = written.lock().unwrap().clone();
        String::from_utf8(written).unwrap()
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_the_log_lets_through_can_be_changed() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&written);
        let writer = move || Shared(Arc::clone(&shared));
        let (dispatch, control) = dispatch("off", LogFormat::Text, false, writer);
        tracing::dispatcher::with_default(&dispatch, || {
            for (filter, said) in [("off", "one"), ("debug", "two"), ("warn", "three")] {
                control.reload(targets(filter)).unwrap();
                tracing::debug!("{said}");
            }
        });
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(
            text.contains("two") && !text.contains("one") && !text.contains("three"),
            "{text}"
        );
    }

    #[test]
    fn json_has_its_fields_at_the_top() {
        let line: serde_json::Value = serde_json::from_str(&logged("info", LogFormat::Json)).unwrap();
        for (name, expected) in [
            ("level", "INFO".into()),
            ("message", "sent".into()),
            ("delivery_id", "d1".into()),
            ("send", 2.into()),
            ("target", "ringback_server::telemetry::logs::tests".into()),
        ] as [(_, serde_json::Value); 5]
        {
            assert_eq!(line[name], expected, "{line}");
        }
        assert!(line["timestamp"].is_string());
    }

    #[test]
    fn text_is_one_line_and_the_filter_holds() {
        let text = logged("info", LogFormat::Text);
        assert!(text.contains("sent delivery_id=\"d1\" send=2"), "{text}");
        assert_eq!(text.lines().count(), 1);
        assert_eq!(
            logged("info,ringback_server=debug", LogFormat::Text)
                .lines()
                .count(),
            2
        );
        assert_eq!(logged("off", LogFormat::Text), "");
        assert_eq!(logged("not a filter", LogFormat::Text).lines().count(), 1);
    }
}
