//! `ringback dev`: the service, a receiver and a trickle of callbacks from one to the other, in one process.

mod setup;
mod trickle;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ringback_contract::webhook::Secret;
use ringback_server::app::App;
use ringback_server::clock::RealClock;
use ringback_server::{random, telemetry};
use ringback_workbench::listen::{self, Listener};
use ringback_workbench::receiver::{self, Plan, Verifier};

use super::listen::{address, bind};
use super::serve::not_started;
use crate::api::Api;
use crate::failure::Failure;
use crate::output;
use crate::runtime;
use crate::signals::Signals;

use trickle::Trickle;

const EXAMPLES: &str = "\
Examples:
  ringback dev
  ringback dev --rate 20 --answer fail*2,success
  ringback dev --dir /tmp/try --listen 0 --receiver 0

Everything is kept in the directory and is there again next time; remove the directory to begin anew. The settings of \
`ringback serve` hold here as well, except where the store is; callbacks to this machine are allowed.";

/// Runs everything on this machine, with sample traffic, to try and to develop against
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = "./ringback-data/dev")]
    dir: PathBuf,
    /// Where the API listens: an IP address and a port, or a port of this machine; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Where the receiver listens, likewise
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7701", value_parser = address)]
    receiver: SocketAddr,
    /// What the receiver answers: see `ringback listen --help`
    #[arg(long, value_name = "PLAN", default_value = "success")]
    answer: Plan,
    /// Callbacks per second, 0.01 to 1000; most are calls
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = rate)]
    rate: f64,
    /// Decides what happens in the callbacks
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let (config, token) = setup::configuration(&args.dir, args.listen)?;
    telemetry::logs::init(&config.log, config.log_format).map_err(|error| Failure::caused(&error))?;
    runtime::run(async move {
        let mut signals = Signals::catch()?;
        let app = App::start(&config, Arc::new(RealClock))
            .await
            .map_err(|error| not_started(&error, "the address of --listen"))?;
        let secret = Secret::from_bytes(&random::bytes::<32>()).map_err(|error| Failure::caused(&error))?;
        let listener = listen(&args, secret.clone()).await?;
        let (service, receiver) = (
            reachable(&format!("http://{}", app.address)),
            reachable(&listener.url()),
        );
        let api = Api::new(&service, token.clone())?;
        setup::endpoint(&api, &receiver, &secret).await?;
        announce(&args, &service, &receiver, &token)?;
        let trickle = Trickle::new(args.seed, args.rate, config.zone.clone());
        let mut ended = Ok(());
        let stop = async {
            tokio::select! {
                _ = signals.next() => {}
                failure = trickle.run(&api) => ended = Err(failure),
            }
            // The receiver still takes what is in flight.
            signals.unless_repeated(app.shut_down()).await;
        };
        listener
            .run(std::io::stdout(), stop)
            .await
            .map_err(|error| Failure::output(&error))?;
        ended
    })
}

async fn listen(args: &Args, secret: Secret) -> Result<Listener, Failure> {
    let options = listen::Options {
        addr: args.receiver,
        receiver: receiver::Options {
            plan: args.answer.clone(),
            verifier: Verifier {
                secrets: vec![secret],
                apps: Vec::new(),
            },
            ..receiver::Options::default()
        },
        json: false,
        body: false,
        zone: TimeZone::system(),
    };
    bind("the address of --receiver", options).await
}

/// The URL by which this machine reaches a program that listens on all addresses.
fn reachable(url: &str) -> String {
    url.replacen("//0.0.0.0:", "//127.0.0.1:", 1)
        .replacen("//[::]:", "//[::1]:", 1)
}

/// Where everything is, and what to try.
fn announce(args: &Args, api: &str, receiver: &str, token: &str) -> Result<(), Failure> {
    let company_id = setup::COMPANY_ID;
    output::line(format_args!(
        "\
API        {api}, described under /v1/openapi.json
receiver   {receiver}
token      {token}
kept in    {dir}

In another terminal:
  TOKEN={token}
  curl -H \"Authorization: Bearer $TOKEN\" '{api}/v1/deliveries?companyId={company_id}&limit=3'
  curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' {api}/v1/calls \\
    -d '{{\"sceneInstance\": {{\"companyId\": {company_id}, \"callInstanceId\": 7, \"duration\": 35}}}}'
  curl -H \"Authorization: Bearer $TOKEN\" '{api}/v1/calls/7?companyId={company_id}'

Ctrl-C ends it.
",
        dir = args.dir.display(),
    ))
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (0.01..=1000.0).contains(rate))
        .ok_or_else(|| "allowed is a number from 0.01 to 1000".to_owned())
}
