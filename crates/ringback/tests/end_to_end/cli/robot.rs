//! `robot`: hands over what it simulates, records, plays, and stands in for the platform.

use ringback_contract::date_time::DateTimeForm;
use ringback_contract::sign;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::outcome;
use crate::support::api::TOKEN;
use crate::support::process::{command, run};
use crate::support::{Api, Process, http, wait_for, wall_ms};

struct Service {
    process: Process,
    url: String,
    api: Api,
    _directory: tempfile::TempDir,
}

fn service() -> Service {
    let directory = tempfile::tempdir().unwrap();
    let mut process = Process::serve(directory.path(), TOKEN);
    let address = process.address();
    Service {
        process,
        url: format!("http://{address}"),
        api: Api::new(address, TOKEN),
        _directory: directory,
    }
}

fn robot(service: &Service, arguments: &[&str]) -> Value {
    let mut all = vec![
        "robot",
        "--server",
        &service.url,
        "--token",
        TOKEN,
        "--speed",
        "max",
        "--json",
    ];
    all.extend(arguments);
    let (code, stdout, stderr) = outcome(&run(all));
    assert_eq!(code, 0, "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

fn sum(told: &Value, count: &str) -> u64 {
    let kinds = told.as_object().unwrap().values();
    kinds.map(|kind| kind[count].as_u64().unwrap()).sum()
}

#[test]
fn the_same_seed_brings_the_same_events_once() {
    let service = service();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.ndjson");
    let file = file.to_str().unwrap();
    let plan = ["--calls", "40", "--jobs", "3", "--seed", "7"];

    let recorded = robot(&service, &[&plan[..], &["--record", file]].concat());
    let first = robot(&service, &plan);
    assert_eq!(sum(&first, "accepted"), recorded["recorded"].as_u64().unwrap());
    assert_eq!((sum(&first, "repeated"), sum(&first, "refused")), (0, 0));
    for again in [robot(&service, &plan), robot(&service, &["--play", file])] {
        assert_eq!((sum(&again, "accepted"), sum(&again, "refused")), (0, 0));
        assert_eq!(sum(&again, "repeated"), sum(&first, "accepted"));
    }
    let other = robot(&service, &["--calls", "40", "--jobs", "3", "--seed", "8"]);
    assert_eq!(sum(&other, "repeated"), 0);
    service.process.stop();
}

/// What was handed over before is known, whether the robot heard of it or not.
#[test]
fn a_run_that_was_broken_off_goes_on_where_it_ended() {
    let service = service();
    let plan = ["--calls", "100", "--jobs", "2", "--seed", "9"];
    let mut slow = vec![
        "robot",
        "--server",
        &service.url,
        "--token",
        TOKEN,
        "--speed",
        "200x",
        "--json",
    ];
    slow.extend(plan);
    let mut process = Process::start(command(slow));
    wait_for("the first events", || {
        let listed = service.api.get("/v1/deliveries?companyId=151&kind=call&limit=50");
        (listed["items"].as_array()?.len() > 5).then_some(())
    });
    process.signal(Signal::INT);
    assert_eq!(process.wait().code(), Some(130), "{:?}", process.stderr());
    let broken_off: Value = serde_json::from_str(process.stdout().last().unwrap()).unwrap();

    let rest = robot(&service, &plan);
    assert!(sum(&rest, "repeated") >= sum(&broken_off, "accepted"));
    assert!(sum(&rest, "repeated") > 5 && sum(&rest, "accepted") > 0, "{rest}");
    let all = robot(&service, &plan);
    assert_eq!(
        sum(&all, "repeated"),
        sum(&rest, "repeated") + sum(&rest, "accepted")
    );
    assert_eq!(sum(&all, "accepted"), 0);
    service.process.stop();
}

#[test]
fn a_file_that_is_no_recording_is_refused_by_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("events.ndjson");
    std::fs::write(&file, "\n{\"body\": 7}\n").unwrap();
    let output = run([
        "robot",
        "--server",
        "http://127.0.0.1:9",
        "--token",
        TOKEN,
        "--play",
        file.to_str().unwrap(),
    ]);
    let (code, _, stderr) = outcome(&output);
    assert_eq!(code, 1);
    assert!(
        stderr.ends_with("line 2 is neither a line of a recording nor a callback\n"),
        "{stderr}"
    );
}

/// The whole loop offline: a task is made, customers are imported, and the callbacks come to a receiver.
#[test]
fn the_stand_in_calls_whom_an_integrator_imports() {
    let service = service();
    let mut listen = Process::start(command(["listen", "0", "--json"]));
    let receiver = listen.line("where it listens", |line| {
        let told: Value = serde_json::from_str(line).ok()?;
        told["listening"].as_str().map(str::to_owned)
    });
    service.api.expect(201, "PUT", "/v1/companies/151", "{}");
    let endpoint =
        json!({"url": receiver, "callbacks": ["call", "correction", "job"], "jobStatuses": [1, 2]});
    let path = "/v1/companies/151/endpoints/erp";
    service.api.expect(201, "PUT", path, &endpoint.to_string());

    let mut stand_in = Process::start(command([
        "robot",
        "--serve",
        "0",
        "--server",
        &service.url,
        "--token",
        TOKEN,
        "--app",
        "key:secret",
        "--speed",
        "max",
    ]));
    let address = stand_in.address();
    let ask = |method: &str, operation: &str, body: &str| {
        let now_ms = wall_ms();
        let datetime = DateTimeForm::Rfc1123.format(now_ms);
        let signature = sign::sign("key", "secret", &datetime);
        let headers = [
            ("appkey", "key"),
            ("datetime", datetime.as_str()),
            ("sign", signature.as_str()),
        ];
        let path = format!("/openapi/v1/{operation}");
        let answer = http::request(address, method, &path, &headers, body).unwrap();
        let envelope: Value = answer.json();
        assert_eq!(envelope["code"], 200, "{envelope}");
        envelope["data"].clone()
    };
    let task = json!({
        "companyId": 151, "taskName": "回访", "taskType": 2, "userPhoneIds": [302], "concurrencyQuota": 2, "robotDefId": 180,
    });
    let id = ask("POST", "task/createTask", &task.to_string());
    let customers: Vec<Value> = (0..5)
        .map(|place| json!({"name": "张三", "phone": format!("1370000000{place}")}))
        .collect();
    let import = json!({"companyId": 151, "taskId": id, "customerInfoList": customers});
    assert_eq!(
        ask("POST", "task/importTaskCustomer", &import.to_string())["successNum"],
        5
    );
    ask("POST", "task/start", &json!({"taskId": id}).to_string());
    let arrived = |kind: &str| {
        let path = format!("/v1/deliveries?companyId=151&kind={kind}&state=delivered");
        service.api.get(&path)["items"].as_array().unwrap().len()
    };
    // The job runs, and is completed.
    wait_for("all callbacks", || {
        ((arrived("call"), arrived("job")) == (5, 2)).then_some(())
    });
    let done = ask(
        "GET",
        &format!("task/getTaskDetail?companyId=151&taskId={id}"),
        "",
    );
    assert_eq!(done["status"], 2);
    stand_in.stop();
    listen.stop();
    service.process.stop();
}
