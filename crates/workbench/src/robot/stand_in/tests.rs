//! The platform's own API on virtual time.

use http::HeaderValue;
use jiff::tz::TimeZone;
use ringback_contract::date_time::{DateTimeForm, parse_local};
use ringback_contract::kind::Kind;
use ringback_contract::sign;
use serde_json::json;

use super::super::event::Event;
use super::*;

const KEY: &str = "demoAppKey0000001";
const SECRET: &str = "demoAppSecret00000000000000001";
/// The wall clock of these tests.
const NOW_MS: i64 = 1_767_600_000_000;

fn platform() -> Platform {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let begin = parse_local("2026-01-05 09:00:00", &zone).unwrap();
    Platform {
        world: World::new(1, zone, begin, 10, 1000).keeping_calls(),
        apps: vec![
            App {
                key: KEY.to_owned(),
                secret: SECRET.to_owned(),
                companies: vec![151, 152],
            },
            App {
                key: "other".to_owned(),
                secret: "other".to_owned(),
                companies: vec![999],
            },
        ],
        lines: 10,
    }
}

fn signed(key: &str, secret: &str, at_ms: i64) -> HeaderMap {
    let datetime = DateTimeForm::Rfc1123.format(at_ms);
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    HeaderMap::from_iter([
        (http::HeaderName::from_static("appkey"), value(key)),
        (
            http::HeaderName::from_static("sign"),
            value(&sign::sign(key, secret, &datetime)),
        ),
        (http::HeaderName::from_static("datetime"), value(&datetime)),
    ])
}

fn ask(
    platform: &mut Platform,
    headers: &HeaderMap,
    operation: &str,
    given: &Value,
) -> Result<Value, (u16, String)> {
    let route = ROUTES.iter().find(|(_, path, _)| *path == operation);
    let method = route.map_or(Method::GET, |(method, ..)| method.clone());
    let query: String = given
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            format!(
                "{name}={}&",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            )
        })
        .collect();
    let (path, body) = (format!("{BASE}{operation}"), given.to_string());
    let asked = Asked {
        method: &method,
        path: &path,
        query: if method == Method::GET { &query } else { "" },
        headers,
        body: body.as_bytes(),
    };
    platform
        .answer(&asked, NOW_MS)
        .map_err(|fault| (fault.code.number(), fault.detail))
}

fn asked(platform: &mut Platform, operation: &str, given: impl Into<Value>) -> Result<Value, (u16, String)> {
    ask(platform, &signed(KEY, SECRET, NOW_MS), operation, &given.into())
}

/// A task that can be made.
fn good() -> Value {
    json!({
        "companyId": 151, "taskName": "回访", "taskType": 2, "userPhoneIds": [302], "concurrencyQuota": 3, "robotDefId": 180,
        "repeatCall": true, "repeatCallRule": [{"phoneStatus": 6, "times": 2, "interval": 5}],
    })
}

fn customers(count: usize) -> Value {
    (0..count)
        .map(|place| json!({"name": "张三", "phone": format!("137{place:08}"), "properties": {"城市": "杭州"}}))
        .collect()
}

/// A started task with so many customers.
fn started(platform: &mut Platform, count: usize) -> i64 {
    let id = asked(platform, "task/createTask", good())
        .unwrap()
        .as_i64()
        .unwrap();
    let import = json!({"companyId": 151, "taskId": id, "customerInfoList": customers(count)});
    assert_eq!(
        asked(platform, "task/importTaskCustomer", import),
        Ok(json!({"successNum": count, "repeatNum": 0, "placeFailNum": 0}))
    );
    assert_eq!(
        asked(platform, "task/start", json!({"taskId": id})),
        Ok(json!(true))
    );
    id
}

fn events(platform: &mut Platform) -> Vec<Event> {
    std::iter::from_fn(|| platform.world.next_event()).collect()
}

#[test]
fn requests_are_signed_as_the_query_of_failed_callbacks_is() {
    let mut platform = platform();
    let good = signed(KEY, SECRET, NOW_MS);
    let without = |name: &str| {
        let mut headers = good.clone();
        headers.remove(name);
        headers
    };
    for (headers, expected) in [
        (good.clone(), None),
        (signed(KEY, SECRET, NOW_MS - 180_000), None),
        (signed(KEY, SECRET, NOW_MS + 181_000), Some(408)),
        (signed(KEY, SECRET, NOW_MS - 181_000), Some(408)),
        (signed(KEY, "wrong", NOW_MS), Some(401)),
        (signed("unknown", SECRET, NOW_MS), Some(401)),
        (without("appkey"), Some(401)),
        (without("sign"), Some(401)),
        (without("datetime"), Some(412)),
    ] {
        let found = ask(&mut platform, &headers, "company/getCompanys", &json!({}));
        assert_eq!(found.err().map(|(code, _)| code), expected);
    }
    for (given, expected) in [
        (
            json!({"companyId": 999}),
            (403, "companyId: is not the company of the appkey"),
        ),
        (
            json!({"companyId": 7}),
            (404, "companyId: there is no such company"),
        ),
        (
            json!({}),
            (412, "companyId: is missing; there must be an integer"),
        ),
        (
            json!({"companyId": "x"}),
            (412, "companyId: is something else; there must be an integer"),
        ),
    ] {
        for operation in ["company/getPhones", "company/getRobots", "task/getTasks"] {
            let found = asked(&mut platform, operation, given.clone());
            assert_eq!(found, Err((expected.0, expected.1.to_owned())), "{operation}");
        }
    }
    let unknown = asked(&mut platform, "task/other", json!({}));
    assert_eq!(unknown, Err((404, "there is no such operation".to_owned())));
}

/// A change to a good task, and what is said of it.
const MISTAKES: [(&str, &str, &str); 18] = [
    (
        "taskName",
        "null",
        "taskName: is missing; there must be a text of 1 to 200 characters",
    ),
    (
        "taskName",
        "\" \"",
        "taskName: is something else; there must be a text of 1 to 200 characters",
    ),
    (
        "taskType",
        "3",
        "taskType: is something else; there must be 1 (timed) or 2 (manual)",
    ),
    (
        "taskType",
        "1",
        "startDate: is missing; there must be a date such as 2026-01-05",
    ),
    (
        "startDate",
        "\"2026-02-30\"",
        "startDate: is something else; there must be a date such as 2026-01-05",
    ),
    (
        "userPhoneIds",
        "[]",
        "userPhoneIds: is something else; there must be a list of ids of getPhones",
    ),
    (
        "userPhoneIds",
        "[7]",
        "userPhoneIds: is something else; there must be a list of ids of getPhones",
    ),
    (
        "robotDefId",
        "7",
        "robotDefId: is something else; there must be an id of getRobots",
    ),
    (
        "concurrencyQuota",
        "0",
        "concurrencyQuota: is something else; there must be an integer from 1 to 10",
    ),
    (
        "concurrencyQuota",
        "11",
        "concurrencyQuota: is something else; there must be an integer from 1 to 10",
    ),
    (
        "callType",
        "3",
        "callType: is something else; there must be 0 (mobile), 1 (landline) or 2 (no caller)",
    ),
    (
        "workingStartTime",
        "\"9:00\"",
        "workingStartTime: is something else; there must be a time such as 09:00:00",
    ),
    (
        "workingEndTime",
        "\"08:00:00\"",
        "workingEndTime: is not after the beginning; there must be a later time",
    ),
    (
        "breakStartTime",
        "\"12:00:00\"",
        "breakEndTime: is missing; there must be a time such as 09:00:00",
    ),
    (
        "repeatCallRule",
        r#"[{"phoneStatus": 0, "times": 1, "interval": 1}]"#,
        "repeatCallRule[0].phoneStatus: is another number; there must be 2, 3, 5, 6, 7, 9 or 10",
    ),
    (
        "repeatCallRule",
        r#"[{"phoneStatus": 6, "times": 6, "interval": 1}]"#,
        "repeatCallRule[0].times: is another number; there must be an integer from 1 to 5",
    ),
    (
        "repeatCallRule",
        r#"[{"phoneStatus": 6, "times": 1, "interval": 121}]"#,
        "repeatCallRule[0].interval: is another number; there must be an integer from 0 to 120",
    ),
    (
        "repeatCallRule",
        r#"[{"phoneStatus": 6}]"#,
        "repeatCallRule[0].times: is missing or something else; there must be an integer",
    ),
];

#[test]
fn a_task_with_a_mistake_is_refused() {
    let mut platform = platform();
    for (member, value, expected) in MISTAKES {
        let mut task = good();
        task[member] = serde_json::from_str(value).unwrap();
        let found = asked(&mut platform, "task/createTask", task);
        assert_eq!(found, Err((412, expected.to_owned())), "{member} {value}");
    }
    assert!(platform.world.jobs.is_empty());
}

#[test]
fn a_task_calls_its_customers_and_every_call_can_be_looked_at() {
    let mut platform = platform();
    let id = started(&mut platform, 60);
    let not_dialed = |platform: &mut Platform| {
        asked(
            platform,
            "task/notDialedCustomerList",
            json!({"taskId": id, "pageSize": 50}),
        )
        .unwrap()
    };
    // Three lines are busy at once.
    assert_eq!(not_dialed(&mut platform)["total"], 57);
    assert_eq!(not_dialed(&mut platform)["list"].as_array().unwrap().len(), 50);
    let calls: Vec<i64> = events(&mut platform)
        .iter()
        .filter(|event| event.kind == Kind::Call)
        .map(|event| event.entity_id)
        .collect();
    assert_eq!(not_dialed(&mut platform)["total"], 0);
    let detail = asked(
        &mut platform,
        "task/getTaskDetail",
        json!({"companyId": 151, "taskId": id}),
    )
    .unwrap();
    assert_eq!((&detail["status"], &detail["doneNum"]), (&json!(2), &json!(60)));
    assert_eq!(detail["calledNum"], calls.len());
    let done = |platform: &mut Platform, more: &[(&str, i64)]| {
        let mut given = json!({"callJobId": id, "pageSize": 50});
        for (name, value) in more {
            given[*name] = json!(value);
        }
        asked(platform, "task/queryDoneTaskPhones", given).unwrap()
    };
    assert_eq!(done(&mut platform, &[])["total"], calls.len());
    let answered = done(&mut platform, &[("finishStatus", 0)])["total"]
        .as_u64()
        .unwrap();
    assert_eq!(done(&mut platform, &[("durationFrom", 1)])["total"], answered);
    assert_eq!(
        done(&mut platform, &[("durationTo", 0)])["total"],
        calls.len() as u64 - answered
    );
    assert_eq!(done(&mut platform, &[("chatRoundFrom", 100)])["total"], 0);
    let log = asked(
        &mut platform,
        "task/phoneLogInfo",
        json!({"callInstanceId": calls[0]}),
    )
    .unwrap();
    assert_eq!(log["sceneInstance"]["callInstanceId"], calls[0]);
    assert!(log["phoneLog"]["phoneLogs"].is_array());
    let unknown = asked(&mut platform, "task/phoneLogInfo", json!({"callInstanceId": 1}));
    assert_eq!(unknown.err().map(|(code, _)| code), Some(404));
}

#[test]
fn imports_are_limited_and_take_each_number_once() {
    let mut platform = platform();
    let id = asked(&mut platform, "task/createTask", good()).unwrap();
    let mut import = |list: Value| {
        let given = json!({"companyId": 151, "taskId": id, "customerInfoList": list});
        asked(&mut platform, "task/importTaskCustomer", given)
    };
    let counted = |success: u64, repeated: u64, no_place: u64| {
        Ok(json!({"successNum": success, "repeatNum": repeated, "placeFailNum": no_place}))
    };
    assert_eq!(import(customers(10_000)), counted(10_000, 0, 0));
    assert_eq!(import(customers(10_000)), counted(0, 10_000, 0));
    let odd =
        json!([{"phone": "0571"}, {"phone": "13700000001", "properties": "{}"}, {"phone": "13811112222"}]);
    assert_eq!(import(odd), counted(1, 1, 1));
    let said = "customerInfoList: is something else; there must be a list of 1 to 10000 customers with name and phone";
    for wrong in [
        customers(10_001),
        json!([]),
        json!([7]),
        json!([{"name": "张三"}]),
        json!([{"phone": "13700000001", "properties": "no"}]),
    ] {
        assert_eq!(import(wrong), Err((412, said.to_owned())));
    }
}

#[test]
fn tasks_are_paused_started_stopped_and_removed() {
    let mut platform = platform();
    let id = started(&mut platform, 20);
    let mut order = |operation: &str| {
        let found = asked(&mut platform, &format!("task/{operation}"), json!({"taskId": id}));
        found.map_err(|(code, _)| code)
    };
    for (operation, expected) in [
        ("start", Err(412)),
        ("pause", Ok(json!(true))),
        ("pause", Err(412)),
        ("start", Ok(json!(true))),
        ("stop", Ok(json!(true))),
        ("start", Err(412)),
        ("delete", Ok(json!(true))),
        ("delete", Err(404)),
        ("stop", Err(404)),
    ] {
        assert_eq!(order(operation), expected, "{operation}");
    }
    let told: Vec<Value> = events(&mut platform)
        .iter()
        .filter(|event| event.kind == Kind::Job)
        .map(|event| serde_json::from_str::<Value>(&event.body).unwrap()["data"]["data"]["status"].clone())
        .collect();
    assert_eq!(told, [0, 7, 1, 4, 7, 1, 6]);
    let other = signed("other", "other", NOW_MS);
    let id = started(&mut platform, 1);
    let found = ask(&mut platform, &other, "task/pause", &json!({"taskId": id}));
    assert_eq!(found.err().map(|(code, _)| code), Some(403));
}

#[test]
fn lists_have_pages_with_their_limits() {
    let mut platform = platform();
    for number in 0..5 {
        let mut task = good();
        task["taskName"] = json!(format!("回访-{number}"));
        asked(&mut platform, "task/createTask", task).unwrap();
    }
    let mut page = |given: Value| {
        let mut all = json!({"companyId": 151});
        all.as_object_mut()
            .unwrap()
            .extend(given.as_object().unwrap().clone());
        asked(&mut platform, "task/getTasks", all).map_err(|(code, _)| code)
    };
    for (given, expected) in [
        (json!({}), Ok((5, 1, 5))),
        (json!({"pageSize": 2, "pageNum": 3}), Ok((5, 3, 1))),
        (json!({"pageSize": 2, "pageNum": 4}), Ok((5, 3, 0))),
        (json!({"pageSize": 100}), Ok((5, 1, 5))),
        (json!({"pageSize": 101}), Err(412)),
        (json!({"pageSize": 0}), Err(412)),
        (json!({"pageNum": 0}), Err(412)),
        (json!({"taskName": "-3"}), Ok((1, 1, 1))),
        (json!({"status": 0}), Ok((5, 1, 5))),
        (json!({"status": 1}), Ok((0, 0, 0))),
    ] {
        let found = page(given.clone()).map(|page| {
            let count = |name: &str| page[name].as_u64().unwrap();
            (
                count("total"),
                count("pages"),
                page["list"].as_array().unwrap().len(),
            )
        });
        assert_eq!(found, expected, "{given}");
    }
    let id = started(&mut platform, 1);
    for operation in ["task/notDialedCustomerList", "task/queryDoneTaskPhones"] {
        let found = asked(
            &mut platform,
            operation,
            json!({"taskId": id, "callJobId": id, "pageSize": 51}),
        );
        assert_eq!(found.err().map(|(code, _)| code), Some(412), "{operation}");
    }
}

/// A timed task begins by itself on its day.
#[test]
fn a_timed_task_begins_on_its_day() {
    let mut platform = platform();
    let mut task = good();
    task["taskType"] = json!(1);
    task["startDate"] = json!("2026-01-06");
    task["workingStartTime"] = json!("10:30:00");
    let id = asked(&mut platform, "task/createTask", task).unwrap();
    let import = json!({"companyId": 151, "taskId": id, "customerInfoList": customers(1)});
    asked(&mut platform, "task/importTaskCustomer", import).unwrap();
    let first = events(&mut platform)
        .into_iter()
        .find(|event| event.kind == Kind::Call)
        .unwrap();
    let body: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!(
        body["data"]["data"]["sceneInstance"]["startTime"],
        "2026-01-06 10:30:00"
    );
}
