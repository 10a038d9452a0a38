//! Handing on: to each kind of outlet, in order, across failures and restarts.

use super::page::get;
use super::*;

/// A receiver that answers each event by a plan, and an inbox that forwards to it.
async fn forwarding(dir: &Path, plan: &str, change: impl FnOnce(&mut Options)) -> (Receiver, Lab) {
    let options = crate::receiver::Options {
        plan: plan.parse().unwrap(),
        ..crate::receiver::Options::default()
    };
    let receiver = Receiver::bind(LOOPBACK, options).await.unwrap();
    let forward = OutletSetting::Forward(receiver.url());
    let lab = Lab::start(dir, |options| {
        options.outlets = vec![forward];
        change(options);
    })
    .await;
    (receiver, lab)
}

impl Lab {
    /// Waits until the outlet waits for its target, and lets that time pass.
    async fn end_hold(&self) {
        let left_ms = self.held().await;
        self.clock.advance(left_ms);
    }

    /// Waits until the outlet's target is held; for how much longer, in milliseconds.
    async fn held(&self) -> u32 {
        loop {
            let outlet = get(self, "/api/state").await["outlets"][0].clone();
            let until = outlet["held"]["until"]
                .as_str()
                .map(|until| until.parse::<jiff::Timestamp>().unwrap());
            let left_ms = until.map_or(0, |until| until.as_millisecond() - self.clock.wall_ms());
            if left_ms > 0 {
                return u32::try_from(left_ms).unwrap();
            }
        }
    }
}

/// What the receiver got: the kind and the id, in order.
fn got(receiver: &Receiver) -> Vec<String> {
    let received = receiver.received();
    let word = |received: &crate::receiver::Received| match received.kind {
        Some(kind) => format!("{kind} {}", received.entity_id.unwrap()),
        None => "none".to_owned(),
    };
    received.iter().map(word).collect()
}

#[tokio::test]
async fn a_failing_callback_holds_up_its_call_and_no_other() {
    let dir = TempDir::new().unwrap();
    let (receiver, lab) = forwarding(dir.path(), "500,success", |options| options.at_once = 1).await;
    lab.post("application/json", call(1)).await;
    lab.post("application/json", correction(1, "B")).await;
    receiver.wait_for(1).await;
    lab.post("application/json", call(2)).await;
    receiver.wait_for(2).await;
    // It was tried although the other one had failed; the correction waits for its call.
    assert_eq!(got(&receiver), ["call 1", "call 2"]);
    lab.wait_in_time(OutletName::Forward, &["confirmed", "confirmed", "confirmed"])
        .await;
    let got = got(&receiver);
    assert_eq!(got.len(), 6, "{got:?}");
    let of_call: Vec<_> = got.iter().filter(|got| got.ends_with(" 1")).collect();
    assert_eq!(of_call, ["call 1", "call 1", "correction 1", "correction 1"]);
    lab.stop().await;
}

#[tokio::test]
async fn what_was_verified_is_signed_anew_and_the_rest_is_as_it_came() {
    let secret = Secret::from_bytes(&[7; 24]).unwrap();
    let dir = TempDir::new().unwrap();
    let verifier = Verifier {
        secrets: vec![secret.clone()],
        apps: Vec::new(),
    };
    // Its clock is where the inbox's will be at the second try: the signature that came in is too old by then.
    let later = TestClock::new();
    later.advance(600_000);
    let receiver = Receiver::bind(
        LOOPBACK,
        crate::receiver::Options {
            verifier: verifier.clone(),
            plan: "500".parse().unwrap(),
            clock: Arc::new(later),
            ..crate::receiver::Options::default()
        },
    )
    .await
    .unwrap();
    let forward = OutletSetting::Forward(format!("{}path?a=b", receiver.url()));
    let lab = Lab::start(dir.path(), |options| {
        (options.outlets, options.verifier) = (vec![forward], verifier);
    })
    .await;
    let now_s = lab.clock.wall_ms() / 1000;
    let mut request = Request::post("/").header("host", "x");
    for (name, value) in [
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", &now_s.to_string()),
        (
            "webhook-signature",
            &secret.sign("evt_1", now_s, samples::JOB.as_bytes()),
        ),
        ("ringback-send", "7"),
        ("content-type", "text/plain"),
    ] {
        request = request.header(name, value);
    }
    let body = http_body_util::Full::new(bytes::Bytes::from(samples::JOB));
    let (addr, _) = client::target(&lab.url).unwrap();
    let (mut connection, driving) = client::Connection::open(addr).await.unwrap();
    let exchange = connection.exchange(request.body(body).unwrap());
    let answer = client::driven(driving, exchange).await.unwrap();
    assert_eq!(&answer.body[..], b"success");
    receiver.wait_for(1).await;
    receiver.answer(crate::receiver::Plan::default());
    lab.clock.advance(600_000);
    lab.wait_in_time(OutletName::Forward, &["confirmed"]).await;
    let received = receiver.received();
    let verified: Vec<_> = received
        .iter()
        .map(|received| received.verification.is_verified())
        .collect();
    assert_eq!(verified, [false, true]);
    for received in received {
        assert_eq!((received.path.as_str(), received.send), ("/path?a=b", Some(7)));
        assert_eq!(
            (received.event_id.as_deref(), &received.body[..]),
            (Some("evt_1"), samples::JOB.as_bytes())
        );
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_target_that_is_not_there_holds_up_the_outlet_and_gives_nothing_up() {
    let dir = TempDir::new().unwrap();
    let gone = Receiver::bind(LOOPBACK, crate::receiver::Options::default())
        .await
        .unwrap();
    let (addr, url) = (gone.local_addr(), gone.url());
    gone.stop().await;
    let lab = Lab::start(dir.path(), |options| {
        options.outlets = vec![OutletSetting::Forward(url)];
        options.give_up_after = Duration::ZERO;
    })
    .await;
    lab.post("application/json", call(1)).await;
    lab.post("application/json", call(2)).await;
    for _ in 0..3 {
        lab.end_hold().await;
    }
    let state = get(&lab, "/api/state").await;
    assert_eq!(
        (&state["outlets"][0]["pending"], &state["outlets"][0]["givenUp"]),
        (&2.into(), &0.into())
    );
    // The last try has failed as well, so that the next one is the first that finds somebody.
    lab.held().await;
    let back = Receiver::bind(addr, crate::receiver::Options::default())
        .await
        .unwrap();
    lab.end_hold().await;
    lab.wait_for(&["confirmed", "confirmed"]).await;
    assert_eq!(got(&back).len(), 2);
    lab.stop().await;
}

#[tokio::test]
async fn what_was_confirmed_is_not_handed_on_again_after_a_restart_and_what_was_not_is() {
    let dir = TempDir::new().unwrap();
    let (receiver, lab) = forwarding(dir.path(), "success", |_| {}).await;
    lab.post("application/json", call(1)).await;
    lab.wait_for(&["confirmed"]).await;
    receiver.answer("500".parse().unwrap());
    lab.post("application/json", call(2)).await;
    receiver.wait_for(2).await;
    lab.stop().await;
    receiver.stop().await;
    let (receiver, lab) = forwarding(dir.path(), "success", |_| {}).await;
    lab.clock.advance(1_000);
    lab.wait_for(&["confirmed", "confirmed"]).await;
    assert_eq!(got(&receiver), ["call 2"]);
    lab.stop().await;
}

/// A command says by its exit code whether it took a callback; it gets the body and the facts.
#[tokio::test]
async fn commands() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let command = format!(
        "cat > {out}.$RINGBACK_NUMBER; echo $RINGBACK_KIND $RINGBACK_COMPANY_ID $RINGBACK_ENTITY_ID $RINGBACK_TRY \
         $RINGBACK_STALE $RINGBACK_VERIFIED \"$RINGBACK_KEY\" >> {out}; test $RINGBACK_KIND = call",
        out = out.display()
    );
    let lab = Lab::start(&dir.path().join("inbox"), |options| {
        options.outlets = vec![OutletSetting::Exec(command)];
        options.give_up_after = Duration::ZERO;
        options.at_once = 1;
    })
    .await;
    lab.post(
        "application/x-www-form-urlencoded",
        format!("data={}", urlencoded(&call(5))),
    )
    .await;
    lab.wait_for(&["confirmed"]).await;
    lab.post("text/plain", samples::JOB).await;
    lab.wait_for(&["given-up", "confirmed"]).await;
    assert_eq!(
        std::fs::read_to_string(dir.path().join("out.1")).unwrap(),
        call(5)
    );
    assert_eq!(
        std::fs::read_to_string(dir.path().join("out.2")).unwrap(),
        samples::JOB
    );
    let facts = std::fs::read_to_string(&out).unwrap();
    assert_eq!(facts, "call 1 5 1 0 0 call 1 5\njob 243 535 1 0 0 job 243 535\n");
    let given_up = lab.store.event(2).await.unwrap().unwrap();
    assert_eq!(given_up.handovers[0].failure.as_deref(), Some("exit status: 1"));
    lab.stop().await;
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_what_it_started() {
    let dir = TempDir::new().unwrap();
    let lab = Lab::start(dir.path(), |options| {
        options.outlets = vec![OutletSetting::Exec("sleep 1000 & wait".to_owned())];
        options.give_up_after = Duration::ZERO;
        options.timeout = Duration::from_secs(7);
    })
    .await;
    lab.post("application/json", call(1)).await;
    lab.clock.sleepers(2).await;
    lab.clock.advance(7_000);
    lab.wait_for(&["given-up"]).await;
    let given_up = lab.store.event(1).await.unwrap().unwrap();
    assert_eq!(
        given_up.handovers[0].failure.as_deref(),
        Some("the command took longer than 7 s")
    );
    lab.stop().await;
}

/// The lines of stdout and of the day's file are the same, and stdout has nothing else.
#[tokio::test]
async fn lines_on_stdout_and_in_files() {
    let dir = TempDir::new().unwrap();
    let files = dir.path().join("files");
    let lab = Lab::start(&dir.path().join("inbox"), |options| {
        options.outlets = vec![OutletSetting::Stdout, OutletSetting::Files(files.clone())];
        options.zone = jiff::tz::TimeZone::UTC;
    })
    .await;
    lab.post("application/json", samples::CALL).await;
    lab.post("application/json", correction(9, "B")).await;
    lab.wait_for(&["confirmed,confirmed", "confirmed,confirmed"])
        .await;
    let printed = lab.stop().await;
    let written = std::fs::read_to_string(files.join("2026-01-01.ndjson")).unwrap();
    assert_eq!(printed, written);
    let lines: Vec<serde_json::Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["body"], samples::CALL);
    let expected = serde_json::json!({
        "number": 2, "at": "2026-01-01T00:00:00.000Z", "eventId": null, "send": null, "kind": "correction",
        "companyId": 1, "entityId": 9, "key": "call 1 9", "stale": false, "verified": false,
        "verification": { "webhook": { "result": "notChecked" }, "sign": { "result": "notChecked" } },
        "path": "/", "contentType": "application/json", "body": correction(9, "B"), "try": 1,
    });
    assert_eq!(lines[1], expected);
}

/// A crash between the write and its record, or within the write: whole lines count, a torn one is cut off.
#[tokio::test]
async fn files_are_taken_up_where_a_crash_left_them() {
    let dir = TempDir::new().unwrap();
    let files = dir.path().join("files");
    let away = |options: &mut Options| options.outlets = Vec::new();
    let used = |options: &mut Options| {
        options.outlets = vec![OutletSetting::Files(files.clone())];
        options.zone = jiff::tz::TimeZone::UTC;
    };
    let path = files.join("2026-01-01.ndjson");
    let lab = Lab::start(dir.path(), used).await;
    lab.post("application/json", call(1)).await;
    lab.wait_for(&["confirmed"]).await;
    lab.stop().await;
    let lab = Lab::start(dir.path(), away).await;
    lab.post("application/json", call(2)).await;
    lab.post("application/json", call(3)).await;
    lab.stop().await;
    // As if both had been written, and the second line only half, when the process was killed.
    let first = std::fs::read_to_string(&path).unwrap();
    let second = first.replace("\"number\":1,", "\"number\":2,");
    std::fs::write(&path, format!("{first}{second}{}", &second[..40])).unwrap();
    std::fs::write(files.join("notes.txt"), "of somebody else").unwrap();
    let lab = Lab::start(dir.path(), used).await;
    lab.wait_for(&["confirmed", "confirmed", "confirmed"]).await;
    lab.stop().await;
    let text = std::fs::read_to_string(&path).unwrap();
    let numbers: Vec<_> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["number"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(text.starts_with(&format!("{first}{second}")));
}

#[tokio::test]
async fn what_cannot_be_an_outlet_is_told() {
    let dir = TempDir::new().unwrap();
    for (setting, why) in [
        (
            OutletSetting::Forward("https://127.0.0.1/".to_owned()),
            "--forward: allowed is http://",
        ),
        (
            OutletSetting::Forward("nowhere".to_owned()),
            "--forward: allowed is http://",
        ),
        (
            OutletSetting::Forward("http://a:b@localhost/".to_owned()),
            "neither credentials",
        ),
        (
            OutletSetting::Files("/dev/null/files".into()),
            "--files: /dev/null/files cannot be used",
        ),
    ] {
        let mut options = Options::new(LOOPBACK, dir.path().to_owned());
        options.outlets = vec![setting];
        let error = Inbox::bind(options, io::sink()).await.err().unwrap();
        assert!(error.to_string().contains(why), "{error}");
        // Whoever prints the causes as well says nothing twice.
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert!(!cause.is_some_and(|cause| error.to_string().contains(&cause)));
    }
}

/// Two inboxes in one directory would take each other's lines for their own.
#[tokio::test]
async fn a_directory_of_files_belongs_to_one_inbox() {
    let dir = TempDir::new().unwrap();
    let files = dir.path().join("files");
    let bind = async |inbox: &str| {
        let mut options = Options::new(LOOPBACK, dir.path().join(inbox));
        options.outlets = vec![OutletSetting::Files(files.clone())];
        Inbox::bind(options, io::sink()).await
    };
    let first = bind("first").await.unwrap();
    let refused = bind("second").await.err().unwrap().to_string();
    assert!(refused.contains("another process writes there"), "{refused}");
    first.run(std::future::ready(())).await.unwrap();
    let refused = bind("second").await.err().unwrap().to_string();
    assert!(refused.contains("belongs to another inbox"), "{refused}");
    std::fs::remove_file(files.join(".ringback-inbox")).unwrap();
    std::fs::write(files.join("2026-01-01.ndjson"), "").unwrap();
    let refused = bind("third").await.err().unwrap().to_string();
    assert!(
        refused.contains("files that this inbox has not written"),
        "{refused}"
    );
}
