//! `ringback tail`: deliveries as they come and change, live.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::commands::deliveries;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::output;
use crate::runtime;
use crate::service::{Service, text};
use crate::signals::Signals;
use ringback_server::clock::{self, Clock as _, RealClock};

const EXAMPLES: &str = "\
Examples:
  ringback tail --company 151
  ringback tail --company 151 --endpoint erp --json | jq -r .lastOutcome

Shows each delivery when it appears, and again when a send of it ends or its state changes, as long as it is among the newest \
of the filter. It begins with the newest few and ends with Ctrl-C.";

/// Shows deliveries as they come and change, live
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    filters: Filters,
    /// How many of the newest deliveries are watched; more than these in one round may be missed
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=500))]
    window: u64,
    /// How many to begin with
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    lines: usize,
    #[command(flatten)]
    service: Service,
}

/// How often the service is asked.
const ROUND: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    runtime::run(async {
        let mut signals = Signals::catch()?;
        let mut seen = Seen::default();
        let window = usize::try_from(args.window).unwrap_or(usize::MAX);
        let mut first = true;
        loop {
            let (items, _) = args
                .service
                .pages("/v1/deliveries", &args.filters.query()?, window)
                .await?;
            let mut news = seen.news(&items);
            if first {
                news.drain(..news.len().saturating_sub(args.lines));
                first = false;
                if !args.service.json {
                    output::note("watching deliveries; Ctrl-C ends it");
                }
            }
            for delivery in news {
                show(&args.service, delivery)?;
            }
            tokio::select! {
                () = RealClock.sleep_until(clock::after(RealClock.boot_us(), ROUND)) => {}
                _ = signals.next() => return Ok(()),
            }
        }
    })
}

/// The deliveries of the last round, and how each stood.
#[derive(Default)]
struct Seen(BTreeMap<String, String>);

impl Seen {
    /// Those that are new or stand otherwise than in the last round, from the oldest on. `items` come newest first.
    fn news<'a>(&mut self, items: &'a [Value]) -> Vec<&'a Value> {
        let mut now = BTreeMap::new();
        let mut news = Vec::new();
        for item in items.iter().rev() {
            let (id, stands) = (text(item, "deliveryId"), standing(item));
            if self.0.get(&id) != Some(&stands) {
                news.push(item);
            }
            now.insert(id, stands);
        }
        self.0 = now;
        news
    }
}

fn standing(delivery: &Value) -> String {
    format!("{} {}", text(delivery, "state"), text(delivery, "sends"))
}

fn show(service: &Service, delivery: &Value) -> Result<(), Failure> {
    if service.json {
        return output::json(delivery);
    }
    output::line(deliveries::row(delivery).join("  "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delivery(id: &str, state: &str, sends: u32) -> Value {
        json!({"deliveryId": id, "state": state, "sends": sends})
    }

    #[test]
    fn each_delivery_is_news_once_and_again_when_it_changes() {
        let mut seen = Seen::default();
        for (round, expected) in [
            (
                vec![delivery("b", "pending", 0), delivery("a", "pending", 0)],
                vec!["a", "b"],
            ),
            (
                vec![delivery("b", "pending", 0), delivery("a", "pending", 1)],
                vec!["a"],
            ),
            (
                vec![delivery("b", "pending", 0), delivery("a", "pending", 1)],
                vec![],
            ),
            (
                vec![delivery("c", "delivered", 1), delivery("b", "parked", 0)],
                vec!["b", "c"],
            ),
        ] {
            let news: Vec<String> = seen
                .news(&round)
                .iter()
                .map(|it| text(it, "deliveryId"))
                .collect();
            assert_eq!(news, expected);
        }
    }
}
