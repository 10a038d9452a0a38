//! What `listen` prints, with its clock standing still.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use ringback_contract::samples;
use ringback_contract::webhook::Secret;
use ringback_server::clock::test::TestClock;
use tokio::sync::oneshot;

use super::*;
use crate::client;
use crate::receiver::Verifier;

/// An output that can be looked at while `listen` writes to it.
#[derive(Clone, Default)]
struct Page {
    text: Arc<Mutex<Vec<u8>>>,
    written: Arc<tokio::sync::Notify>,
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.written.notify_one();
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }
}

/// What is printed when these bodies come in.
async fn printed(json: bool, body: bool, verifier: Verifier, bodies: &[&str]) -> String {
    let clock = Arc::new(TestClock::new());
    let options = Options {
        addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        receiver: receiver::Options {
            verifier,
            clock,
            ..receiver::Options::default()
        },
        json,
        body,
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
    };
    let page = Page::default();
    let (stop, stopped) = oneshot::channel::<()>();
    let listening = listen(options, page.clone(), async {
        let _ = stopped.await;
    });
    let posting = async {
        page.written.notified().await;
        let text = page.text();
        let url = text[text.find("http").unwrap()..]
            .split(['"', ','])
            .next()
            .unwrap();
        for body in bodies {
            let body = (*body).to_owned();
            client::once(http::Method::POST, url, None, "application/json", body)
                .await
                .unwrap();
        }
        stop.send(()).unwrap();
        url.to_owned()
    };
    let (listened, url) = tokio::join!(listening, posting);
    listened.unwrap();
    page.text().replace(&url, "URL/")
}

#[tokio::test]
async fn readable_lines_say_what_happened_and_mask_numbers() {
    let inbound = r#"{"data":{"dataType":"INBOUND_CALL_INSTANCE_RESULT","data":{"sceneInstance":
        {"inboundInstanceId":7,"companyId":9,"finishStatus":99,"customerTelephone":"13700001234"}}}}"#;
    let bodies = [
        samples::CALL,
        samples::JOB,
        samples::CORRECTION,
        inbound,
        "who knows",
    ];
    let lines = printed(false, false, Verifier::default(), &bodies).await;
    let expected = "\
listening on URL/, answering success
another answer: curl -X PUT URL/_control/answer -d '{\"answer\": \"fail\"}'
08:00:00.000  call 1  company 1  137****xxxx 已接通 (answered) 35 s intent C  not checked  → success
08:00:00.000  job 535  company 243  已完成 (completed)  not checked  → success
08:00:00.000  correction 2016  company 241  intent B  not checked  → success
08:00:00.000  inbound 7  company 9  137****1234 status 99  not checked  → success
08:00:00.000  no callback, 9 bytes  not checked  → success
";
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn what_is_not_verified_stands_out_and_bodies_are_indented() {
    let verifier = Verifier {
        secrets: vec![Secret::from_bytes(&[1; 24]).unwrap()],
        apps: Vec::new(),
    };
    let lines = printed(false, true, verifier, &[r#"{"b":1,"a":2}"#]).await;
    let (_, shown) = lines.split_once("08:00:00.000").unwrap();
    assert_eq!(
        shown,
        "  no callback, 13 bytes  NOT VERIFIED: the header webhook-id is missing  → success\n{\n  \"b\": 1,\n  \"a\": 2\n}\n"
    );
}

#[tokio::test]
async fn json_lines_are_for_scripts() {
    for with_body in [false, true] {
        let lines = printed(true, with_body, Verifier::default(), &[samples::JOB]).await;
        let lines: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!((lines.len(), &lines[0]["listening"]), (2, &"URL/".into()));
        assert_eq!(
            (&lines[1]["kind"], &lines[1]["entityId"], &lines[1]["answer"]),
            (&"job".into(), &535.into(), &"success".into())
        );
        assert_eq!(lines[1]["at"], "2026-01-01T00:00:00.000Z");
        assert_eq!(
            lines[1].get("body"),
            with_body.then(|| samples::JOB.into()).as_ref()
        );
    }
}
