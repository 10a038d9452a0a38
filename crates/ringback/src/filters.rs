//! The filter of a search as arguments, and the query that it becomes. What is allowed together the service says.

use ringback_contract::duration;
use ringback_server::clock::{Clock as _, RealClock};
use url::form_urlencoded::Serializer;

use crate::failure::Failure;

/// What to search for: at least a company, an event, a call, a job or a phone number.
#[derive(clap::Args)]
pub(crate) struct Filters {
    /// The company
    #[arg(long, value_name = "ID", value_parser = id)]
    pub(crate) company: Option<i64>,
    /// The event
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// The call (callInstanceId), with its corrections; or the inbound call
    #[arg(long, value_name = "ID", value_parser = id)]
    call: Option<i64>,
    /// The job (callJobId), with its calls
    #[arg(long, value_name = "ID", value_parser = id)]
    job: Option<i64>,
    /// The customer's phone number
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// The kind
    #[arg(long, value_name = "KIND", value_parser = ["call", "correction", "inbound", "job"])]
    kind: Option<String>,
    /// The state of a delivery
    #[arg(long, value_name = "STATE", value_parser = ["pending", "delivered", "exhausted", "parked", "cancelled"])]
    state: Option<String>,
    /// What became of a delivery's last send
    #[arg(long, value_name = "OUTCOME", value_parser = ["acknowledged", "not-acknowledged", "refused", "unreachable", "timed-out", "blocked"])]
    outcome: Option<String>,
    /// The name of a delivery's endpoint
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// Accepted at this time or later, RFC 3339; with a company alone at most 7 days ago without it
    #[arg(long, value_name = "TIME", conflicts_with = "since")]
    from: Option<String>,
    /// Accepted before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// A delivery's last send began at this time or later, RFC 3339
    #[arg(long, value_name = "TIME")]
    sent_from: Option<String>,
    /// A delivery's last send began before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    sent_to: Option<String>,
    /// Accepted at most so long ago, such as 30m or 24h
    #[arg(long, value_name = "DURATION")]
    since: Option<String>,
}

impl Filters {
    /// The query of a search, without page and limit.
    pub(crate) fn query(&self) -> Result<String, Failure> {
        let from = match &self.since {
            Some(span) => Some(ago(span)?),
            None => self.from.clone(),
        };
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("companyId", number(self.company)),
            ("eventId", self.event.clone()),
            ("callInstanceId", number(self.call)),
            ("callJobId", number(self.job)),
            ("phone", self.phone.clone()),
            ("kind", self.kind.clone()),
            ("state", self.state.clone()),
            ("outcome", self.outcome.clone()),
            ("endpoint", self.endpoint.clone()),
            ("from", from),
            ("to", self.to.clone()),
            ("sentFrom", self.sent_from.clone()),
            ("sentTo", self.sent_to.clone()),
        ] {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        Ok(query.finish())
    }
}

/// An id as an argument: a company, a call or a job.
pub(crate) fn id(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| "allowed is a whole number, such as 151".to_owned())
}

/// The time so long ago, RFC 3339.
pub(crate) fn ago(span: &str) -> Result<String, Failure> {
    let ms = duration::parse(span)
        .map_err(|_| Failure::usage(["--since: allowed is a duration such as 30m, 24h or 1h30m"]))?;
    let at = jiff::Timestamp::from_millisecond(RealClock.wall_ms().saturating_sub_unsigned(ms))
        .map_err(|_| Failure::usage(["--since: that is before all time"]))?;
    Ok(at.to_string())
}
