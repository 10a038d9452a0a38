//! What is asked for, and what a body says of its call.

use ringback_contract::samples;

use super::*;

const SHANGHAI: &str = "Asia/Shanghai";

#[track_caller]
fn check(query: &str, expected: Result<(i64, i64, usize, usize), u16>) {
    let zone = TimeZone::get(SHANGHAI).unwrap();
    let found = Asked::read(query, &zone);
    let found = found
        .map(|asked| {
            let query = asked.query;
            (query.from.0, query.to.0, query.skip, query.take)
        })
        .map_err(|fault| fault.code.number());
    assert_eq!(found, expected, "{query}");
}

#[test]
fn days_are_those_of_the_zone_and_both_included() {
    /// 2019-01-12T00:00:00+08:00.
    const BEGIN: i64 = 1_547_222_400_000;
    const DAY: i64 = 24 * 60 * 60 * 1000;
    for (rest, expected) in [
        (
            "startDate=2019-01-12&endDate=2019-01-12",
            Ok((BEGIN, BEGIN + DAY, 0, 100)),
        ),
        (
            "startDate=2019-01-12&endDate=2019-02-11&pageNum=3&pageSize=500&dataType=1",
            Ok((BEGIN, BEGIN + 31 * DAY, 1000, 500)),
        ),
        (
            "startDate=2019-01-12&endDate=2019-01-12&pageNum=&other=1",
            Ok((BEGIN, BEGIN + DAY, 0, 100)),
        ),
        ("startDate=2019-01-12&endDate=2019-02-12", Err(412)),
        ("startDate=2019-01-12&endDate=2019-01-11", Err(412)),
        ("startDate=2019-01-12", Err(412)),
        ("endDate=2019-01-12", Err(412)),
        ("startDate=2019-1-12&endDate=2019-01-12", Err(412)),
        ("startDate=20190112&endDate=2019-01-12", Err(412)),
        ("startDate=2019-02-30&endDate=2019-03-01", Err(412)),
        ("startDate=9999-12-31&endDate=9999-12-31", Err(412)),
        (
            "startDate=2019-01-12&startDate=2019-01-12&endDate=2019-01-12",
            Err(412),
        ),
    ] {
        check(&format!("companyId=151&{rest}"), expected);
    }
    let days = "startDate=2019-01-12&endDate=2019-01-12";
    for rest in [
        "",
        "companyId=x",
        "companyId=1&callJobId=x",
        "companyId=1&dataType=2",
        "companyId=1&pageNum=0",
        "companyId=1&pageSize=0",
        "companyId=1&pageSize=501",
        "companyId=1&pageNum=-1",
    ] {
        check(&format!("{days}&{rest}"), Err(412));
    }
    // The page lies beyond everything that can be counted.
    check(
        &format!("{days}&companyId=1&pageNum=18446744073709551615&pageSize=2"),
        Ok((BEGIN, BEGIN + DAY, usize::MAX, 2)),
    );
}

#[test]
fn a_body_tells_of_its_call() {
    let scene = Scene::of(samples::CALL.as_bytes());
    assert_eq!(
        scene,
        Scene {
            customer_telephone: Some("137xxxxxxxx".to_owned()),
            call_job_id: Some(1.into()),
            start_time: Some("2019-01-12 16:09:32".to_owned()),
        }
    );
    assert_eq!(Scene::of(b"{}"), Scene::default());
}
