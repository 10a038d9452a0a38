//! A steady trickle of generated callbacks into a running service, as a robot would hand them in: for `dev`, and for
//! whoever wants to see something move.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use ringback_contract::kind::Kind;
use ringback_server::clock::{self, Clock};

use crate::client::{self, Answer, ClientError};
use crate::generator::{Generated, Generator, Setup};
use crate::prng::Prng;

/// What trickles, and where to.
#[derive(Clone, Debug)]
pub struct Options {
    /// The service: `http://ADDRESS:PORT`, without a path.
    pub service: String,
    /// A token that may hand in for the setup's company.
    pub token: String,
    /// The average time from one callback to the next.
    pub every: Duration,
    /// What the callbacks are made of.
    pub setup: Setup,
}

/// Hands one generated callback in by the route of its kind.
///
/// # Errors
/// When there was no whole answer. A refusal is an answer.
pub async fn hand_in(service: &str, token: &str, generated: &Generated) -> Result<Answer, ClientError> {
    let (method, path) = match generated.kind {
        Kind::Call => (Method::POST, "/v1/calls".to_owned()),
        Kind::Inbound => (Method::POST, "/v1/inbound-calls".to_owned()),
        Kind::Job => (Method::POST, "/v1/jobs".to_owned()),
        Kind::Correction => (Method::PUT, format!("/v1/calls/{}/intent", generated.entity_id)),
    };
    let url = format!("{}{path}", service.trim_end_matches('/'));
    client::once(
        method,
        &url,
        Some(token),
        "application/json",
        generated.body.clone(),
    )
    .await
}

/// Hands callbacks in until `stop` is ready, and tells of each what came of it. The gaps vary by half around the
/// average, by the seed.
pub async fn trickle(
    options: Options,
    clock: Arc<dyn Clock>,
    mut told: impl FnMut(&Generated, Result<Answer, ClientError>),
    stop: impl Future<Output = ()>,
) {
    let mut prng = Prng::new(options.setup.seed);
    let mut generator = Generator::new(options.setup);
    let mut stop = std::pin::pin!(stop);
    loop {
        let gap = options.every.mul_f64(prng.between(500, 1500) as f64 / 1000.0);
        let due = clock::after(clock.boot_us(), gap);
        tokio::select! {
            () = stop.as_mut() => return,
            () = clock.sleep_until(due) => {}
        }
        let generated = generator.next(clock.wall_ms());
        let answer = hand_in(&options.service, &options.token, &generated).await;
        told(&generated, answer);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Mutex;

    use bytes::Bytes;
    use http::StatusCode;
    use http::header::AUTHORIZATION;
    use ringback_contract::intake;
    use ringback_server::clock::test::TestClock;
    use tokio::sync::Notify;

    use super::*;
    use crate::receiver::respond::whole;
    use crate::receiver::server::Server;

    #[tokio::test]
    async fn each_kind_goes_in_by_its_route_and_gaps_follow_the_clock() {
        let seen: Arc<Mutex<Vec<(String, Bytes)>>> = Arc::default();
        let noted = Arc::clone(&seen);
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), move |request, _connection| {
            let noted = Arc::clone(&noted);
            async move {
                assert_eq!(request.headers()[AUTHORIZATION], "Bearer token");
                let route = format!("{} {}", request.method(), request.uri().path());
                let body = client::read(request.into_body()).await.unwrap();
                noted.lock().unwrap().push((route, body));
                Ok(whole(
                    StatusCode::ACCEPTED,
                    "application/json",
                    Bytes::from_static(b"{}"),
                ))
            }
        })
        .await
        .unwrap();
        let clock = Arc::new(TestClock::new());
        let options = Options {
            service: format!("http://{}/", server.local_addr()),
            token: "token".to_owned(),
            every: Duration::from_secs(1),
            setup: Setup::new(3, 151),
        };
        let (enough, mut generated) = (Notify::new(), Vec::new());
        let told = |one: &Generated, answer: Result<Answer, ClientError>| {
            assert_eq!(answer.unwrap().status, StatusCode::ACCEPTED);
            generated.push(one.clone());
            if generated.len() == 60 {
                enough.notify_one();
            }
        };
        let turning = async {
            loop {
                clock.sleepers(1).await;
                clock.advance(100);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = trickle(options, clock.clone(), told, enough.notified()) => {}
            () = turning => {}
        }
        let seen = seen.lock().unwrap();
        assert!(seen.len() >= 60);
        for ((route, body), generated) in seen.iter().zip(&generated) {
            let expected = match generated.kind {
                Kind::Call => "POST /v1/calls".to_owned(),
                Kind::Inbound => "POST /v1/inbound-calls".to_owned(),
                Kind::Job => "POST /v1/jobs".to_owned(),
                Kind::Correction => format!("PUT /v1/calls/{}/intent", generated.entity_id),
            };
            assert_eq!(*route, expected);
            assert_eq!(body, &generated.body);
            intake::parse(generated.kind, body).unwrap();
        }
        let kinds = |kind| {
            generated
                .iter()
                .filter(|generated| generated.kind == kind)
                .count()
        };
        assert!(Kind::ALL.into_iter().all(|kind| kinds(kind) > 0));
    }
}
