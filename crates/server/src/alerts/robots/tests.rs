//! What each robot is sent, byte for byte, and what its answers mean.

use jiff::tz::TimeZone;
use ringback_core::alert::{
    Alert, CertificateEnd, CertificateUse, Condition, Detail, Ending, Named, Notice, Occasion, Severity,
};
use ringback_core::id::EndpointId;
use ringback_core::time::Millis;

use super::*;
use crate::api::Language;

/// 2026-09-21 22:13:20.123 in Shanghai.
const WALL_MS: i64 = 1_790_000_000_123;

fn words(language: Language) -> Words {
    Words {
        language,
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
    }
}

fn said(change: impl FnOnce(&mut Alert)) -> Said {
    let mut alert = Alert {
        id: 12,
        condition: Condition::EndpointFailing,
        company_id: Some(151),
        endpoint: Some(Named {
            id: EndpointId(7),
            name: "erp".to_owned(),
        }),
        severity: Severity::Critical,
        level: 4,
        since: Millis(1_789_990_000_000),
        count: 0,
        uncounted: 0,
        detail: Detail::Failing {
            percent: Some(78),
            oldest_ms: Some(67_392_000),
            max_age_ms: Some(86_400_000),
            unacknowledged_ms: Some(67_200_000),
        },
        notices: 3,
        noticed: Some(Millis(1_790_000_000_000)),
        told: false,
        ended: None,
    };
    change(&mut alert);
    Said {
        notice: Notice {
            occasion: if alert.ended.is_some() {
                Occasion::Ended
            } else {
                Occasion::Worse
            },
            alert,
        },
        pending: Some(42),
    }
}

fn content() -> Content {
    let ended = said(|alert| {
        alert.id = 9;
        alert.condition = Condition::BreakerOpen;
        alert.severity = Severity::Warning;
        alert.detail = Detail::Plain;
        alert.ended = Some((Millis(1_790_000_000_000), Ending::Recovered));
    });
    Content::Alerts(vec![said(|_| ()), ended])
}

const CHINESE: &str = "[ringback] 1 条告警，1 条已恢复\n\n\
    【严重】公司 151 的回调地址 erp 回调持续失败：最早一条回调已用掉最大时限的 78%（18h43m / 24h），已 18h40m 没有收到 success；待发 42 条\n\
    开始：2026-09-21 19:26:40 +08:00\n\
    处理：用 POST /v1/companies/151/endpoints/erp/test 看对方答复什么；修好后 POST /v1/companies/151/endpoints/erp/retry-now 立即补发\n\n\
    【恢复】公司 151 的回调地址 erp：熔断，已恢复\n\
    从 2026-09-21 19:26:40 +08:00 到 2026-09-21 22:13:20 +08:00，历时 2h46m";

const ENGLISH: &str = "[ringback] 1 alert(s), 1 over\n\n\
    [CRITICAL] endpoint erp of company 151 is failing: its oldest callback has used 78 % of its maximum age \
    (18h43m of 24h), no acknowledgement for 18h40m; 42 pending\n\
    Since: 2026-09-21 19:26:40 +08:00\n\
    What to do: POST /v1/companies/151/endpoints/erp/test shows what it answers; once it is well, POST \
    /v1/companies/151/endpoints/erp/retry-now sends what waits\n\n\
    [OVER] endpoint erp of company 151: breaker open – recovered\n\
    From 2026-09-21 19:26:40 +08:00 to 2026-09-21 22:13:20 +08:00, 2h46m";

fn hidden(text: &str) -> Hidden {
    Hidden::new(text.to_owned())
}

#[track_caller]
fn check(destination: &Destination, language: Language, url: &str, body: &Value) {
    let post = post(destination, &content(), &words(language), WALL_MS).unwrap();
    assert_eq!(post.url, url);
    assert_eq!(serde_json::from_str::<Value>(&post.body).unwrap(), *body);
}

#[test]
fn dingtalk_is_signed_in_the_query() {
    let url = "https://oapi.dingtalk.com/robot/send?access_token=t0";
    let body = json!({ "msgtype": "text", "text": { "content": CHINESE } });
    check(
        &Destination::DingTalk {
            url: hidden(url),
            secret: Some(hidden("SECdemo0000000000000000000000000000000000")),
        },
        Language::Chinese,
        &format!("{url}&timestamp=1790000000123&sign=dDVy50R%2ByqB2O%2FDp7wksfMJyZNm56UyGRuKj6ttNuFo%3D"),
        &body,
    );
    check(
        &Destination::DingTalk {
            url: hidden(url),
            secret: None,
        },
        Language::Chinese,
        url,
        &body,
    );
}

#[test]
fn feishu_is_signed_in_the_body() {
    let url = "https://open.feishu.cn/open-apis/bot/v2/hook/h0";
    check(
        &Destination::Feishu {
            url: hidden(url),
            secret: Some(hidden("feishuDemoSecret")),
        },
        Language::Chinese,
        url,
        &json!({
            "timestamp": "1790000000",
            "sign": "A6elhN2R4NmMDuja/wzQv+uodZENqiEJbPciuGTgZjs=",
            "msg_type": "text",
            "content": { "text": CHINESE },
        }),
    );
}

#[test]
fn wecom_and_slack() {
    let url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k0";
    check(
        &Destination::WeCom { url: hidden(url) },
        Language::Chinese,
        url,
        &json!({ "msgtype": "text", "text": { "content": CHINESE } }),
    );
    let url = "https://hooks.slack.com/services/T0/B0/x0";
    check(
        &Destination::Slack { url: hidden(url) },
        Language::English,
        url,
        &json!({ "text": ENGLISH }),
    );
    assert_eq!(slack_text("a<b & c>d"), "a&lt;b &amp; c&gt;d");
}

#[test]
fn the_webhook_gets_it_as_data() {
    let url = "https://ops.example/alerts";
    let destination = Destination::Webhook {
        url: hidden(url),
        secret: None,
    };
    check(
        &destination,
        Language::English,
        url,
        &json!({
            "type": "ringback.alerts",
            "timestamp": "2026-09-21T14:13:20.123Z",
            "data": {
                "alerts": [
                    {
                        "id": 12, "condition": "endpoint-failing", "severity": "critical", "companyId": 151,
                        "endpoint": "erp", "since": "2026-09-21T11:26:40.000Z", "endedAt": null, "ending": null,
                        "count": 0,
                        "detail": {
                            "percentOfMaxAge": 78, "oldestMs": 67_392_000, "maxAgeMs": 86_400_000,
                            "unacknowledgedMs": 67_200_000,
                        },
                        "notices": 3, "lastNoticeAt": "2026-09-21T14:13:20.000Z",
                        "text": "endpoint erp of company 151 is failing: its oldest callback has used 78 % of its \
                            maximum age (18h43m of 24h), no acknowledgement for 18h40m",
                        "whatToDo": "POST /v1/companies/151/endpoints/erp/test shows what it answers; once it is \
                            well, POST /v1/companies/151/endpoints/erp/retry-now sends what waits",
                        "occasion": "worse", "pending": 42,
                    },
                    {
                        "id": 9, "condition": "breaker-open", "severity": "warning", "companyId": 151,
                        "endpoint": "erp", "since": "2026-09-21T11:26:40.000Z",
                        "endedAt": "2026-09-21T14:13:20.000Z", "ending": "recovered", "count": 0, "detail": {},
                        "notices": 3, "lastNoticeAt": "2026-09-21T14:13:20.000Z",
                        "text": "endpoint erp of company 151: breaker open – recovered", "whatToDo": null,
                        "occasion": "ended", "pending": 42,
                    },
                ],
                "text": ENGLISH,
            },
        }),
    );
}

#[test]
fn a_long_message_says_how_many_are_left_out() {
    let many = Content::Alerts((0..50).map(|_| said(|_| ())).collect());
    for language in Language::ALL {
        for bytes in [400, 2_048, 6_000] {
            let text = many.text(&words(language), bytes);
            assert!(text.len() <= bytes, "{bytes} {}", text.len());
            let shown = text.matches("endpoints/erp/test").count();
            assert!(text.contains(&format!("{}", 50 - shown)), "{shown} {text}");
        }
    }
    let all = many.text(&words(Language::English), 1_000_000);
    assert_eq!(all.matches("endpoints/erp/test").count(), 50);
    assert!(!all.contains("more"));
}

#[test]
fn every_alert_says_something_in_both_languages() {
    let details = [
        (Condition::EndpointFailing, said(|_| ()).notice.alert.detail),
        (Condition::BreakerOpen, Detail::Plain),
        (Condition::DeliveriesExhausted, Detail::Plain),
        (Condition::ParkedGrowing, Detail::Plain),
        (
            Condition::IntakeRefused,
            Detail::Refused {
                unavailable: 21,
                invalid: 3,
            },
        ),
        (
            Condition::DiskNearlyFull,
            Detail::Disk {
                free_bytes: Some(300 << 20),
                stopped: true,
            },
        ),
        (
            Condition::StoreFailed,
            Detail::Store {
                fault: "the disk is full".to_owned(),
            },
        ),
        (Condition::SendsStopped, Detail::Stopped { queued: 3 }),
        (
            Condition::CertificateEnding,
            Detail::Certificate(CertificateEnd {
                ends: Millis(1_790_000_000_000),
                used_as: CertificateUse::Client,
            }),
        ),
    ];
    for (condition, detail) in details {
        for language in Language::ALL {
            for ended in [None, Some((Millis(1_790_000_000_000), Ending::Recovered))] {
                let said = said(|alert| {
                    alert.condition = condition;
                    alert.detail = detail.clone();
                    alert.ended = ended;
                });
                let text = words(language).entry(&said);
                assert!(
                    text.lines().count() == if ended.is_some() { 2 } else { 3 },
                    "{text}"
                );
                assert!(!text.contains(condition.name()), "{text}");
            }
        }
    }
}

#[test]
fn robots_say_in_the_body_that_they_refuse() {
    let url = || hidden("https://robot.example/");
    let dingtalk = Destination::DingTalk {
        url: url(),
        secret: None,
    };
    let feishu = Destination::Feishu {
        url: url(),
        secret: None,
    };
    let wecom = Destination::WeCom { url: url() };
    let slack = Destination::Slack { url: url() };
    for (destination, body, expected) in [
        (&dingtalk, r#"{"errcode":0,"errmsg":"ok"}"#, None),
        (
            &dingtalk,
            r#"{"errcode":310000,"errmsg":"sign not match"}"#,
            Some("the robot answered errcode 310000: sign not match"),
        ),
        (&wecom, r#"{"errcode":0,"errmsg":"ok"}"#, None),
        (
            &wecom,
            r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#,
            Some("the robot answered errcode 45009: api freq out of limit"),
        ),
        (&feishu, r#"{"code":0,"msg":"success","data":{}}"#, None),
        (&feishu, r#"{"StatusCode":0,"StatusMessage":"success"}"#, None),
        (
            &feishu,
            r#"{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}"#,
            Some("the robot answered code 19021: sign match fail or timestamp is not within one hour"),
        ),
        (
            &feishu,
            "<html>login</html>",
            Some("the answer is no JSON: it is not the robot's"),
        ),
        (
            &wecom,
            "{}",
            Some("the answer has no errcode: it is not the robot's"),
        ),
        (&slack, "ok", None),
    ] {
        assert_eq!(
            refusal(destination, body.as_bytes()).as_deref(),
            expected,
            "{body}"
        );
    }
}
