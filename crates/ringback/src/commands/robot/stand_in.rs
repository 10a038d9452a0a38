//! `ringback robot --serve`: the stand-in for the platform, with its events handed over to a service.

use std::net::SocketAddr;
use std::sync::Arc;

use ringback_server::clock::{Clock, RealClock};
use ringback_workbench::robot::Feed;
use ringback_workbench::robot::stand_in::{App, Options, StandIn};

use super::{Args, CONNECTIONS, gave_up, tell, zone};
use crate::failure::Failure;
use crate::keys;
use crate::output;
use crate::signals::Signals;

/// The key and the secret unless others are given: those of the contract's vectors, which everybody may know.
const DEMO: &str = "demoAppKey0000001:demoAppSecret00000000000000001";

/// Answers, calls and hands over until a signal comes.
pub(super) async fn run(args: Args, address: SocketAddr) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let given = keys::app("--app", args.app.as_deref().unwrap_or(DEMO))?;
    let (server, token) = args.service.api()?.into_parts();
    let mut feed = Feed::new(server, &token, CONNECTIONS, &clock).map_err(|error| Failure::caused(&error))?;
    let options = Options {
        apps: vec![App {
            key: given.key.clone(),
            secret: given.secret,
            companies: vec![args.company],
        }],
        lines: usize::try_from(args.lines).unwrap_or(usize::MAX),
        speed: args.speed,
        date: args.start.map(|date| date.to_string()),
        zone: zone(),
        seed: args.seed,
    };
    let stand_in = StandIn::bind(address, options, clock)
        .await
        .map_err(|error| Failure::failed(format_args!("cannot listen on {address}: {error}")))?;
    let demo = if args.app.is_none() {
        format!(
            " and the appSecret {}",
            DEMO.split_once(':').map_or("", |(_, secret)| secret)
        )
    } else {
        String::new()
    };
    output::line(format_args!(
        "listening on {}, for company {} with the appKey {}{demo}; its events go to {}",
        stand_in.url(),
        args.company,
        given.key,
        args.service.server,
    ))?;
    let stop = async {
        signals.next().await;
    };
    let ended = stand_in
        .run(&mut feed, stop)
        .await
        .map_err(|error| gave_up(&error));
    tell(args.service.json, feed.tally())?;
    ended
}
