//! What can be looked at.

use ringback_contract::sign::EnvelopeCode;
use serde_json::{Value, json};

use super::super::job::{Job, robot_def_id};
use super::Platform;
use super::envelope::Fault;
use super::given::{Given, Page};
use crate::generator::dial::{self, ROBOTS};

/// The numbers that call: id, type of the caller's number, name.
pub(super) const PHONES: [(i64, i64, &str); 3] = [
    (301, 0, "手机线路-03"),
    (302, 1, "固话线路-07"),
    (303, 2, "无主叫线路-01"),
];

/// The most tasks of a page, and the most calls or customers (contract, section 7).
const TASKS_PAGE: usize = 100;
const PHONES_PAGE: usize = 50;

pub(super) fn companies(_: &mut Platform, _: &Given, own: &[i64]) -> Result<Value, Fault> {
    let company = |id: &i64| json!({ "companyId": id, "companyName": format!("演示公司{id}") });
    Ok(own.iter().map(company).collect())
}

pub(super) fn phones(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    platform.company(given, own)?;
    let phone = |(id, call_type, name): &(i64, i64, &str)| json!({ "userPhoneId": id, "phone": name, "callType": call_type, "concurrencyQuota": platform.lines });
    Ok(PHONES.iter().map(phone).collect())
}

pub(super) fn robots(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    platform.company(given, own)?;
    let robot = |place: usize| {
        let (name, _) = dial::robot(place);
        json!({
            "robotDefId": robot_def_id(place), "robotDefName": name,
            "sceneDefId": 192, "sceneRecordId": 192,
        })
    };
    Ok((0..ROBOTS).map(robot).collect())
}

pub(super) fn tasks(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    let company_id = platform.company(given, own)?;
    let name = given.take("taskName", "a text", |value| value.as_str().map(str::to_owned))?;
    let status = given.optional_integer("status")?;
    let page = given.page(TASKS_PAGE)?;
    let fits = |job: &&Job| {
        job.company_id == company_id
            && !job.is_deleted
            && name.as_ref().is_none_or(|name| job.task.name.contains(name))
            && status.is_none_or(|status| job.status.number() == status)
    };
    let found: Vec<&Job> = platform.world.jobs.values().filter(fits).collect();
    Ok(paged(page, found.len(), found.into_iter().map(head)))
}

fn head(job: &Job) -> Value {
    json!({
        "taskId": job.id, "taskName": job.task.name, "status": job.status.number(),
        "taskType": job.task.task_type, "startDate": job.task.start_date,
        "totalNum": job.customers.len(), "doneNum": job.settled, "calledNum": job.done.len(),
    })
}

pub(super) fn task_detail(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    platform.company(given, own)?;
    let job = job(platform, given, own, "taskId")?;
    let world = &platform.world;
    let info = serde_json::to_value(job.info(world.now_ms(), world.zone()));
    let mut detail = head(job);
    if let (Some(detail), Ok(Value::Object(info))) = (detail.as_object_mut(), info) {
        detail.extend(info);
    }
    Ok(detail)
}

/// The finished calls of a task. The contract names no parameters for the ranges: they are `durationFrom`, `durationTo` (in
/// seconds), `chatRoundFrom` and `chatRoundTo`, both ends included.
pub(super) fn done_phones(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    let job = job(platform, given, own, "callJobId")?;
    let range = |from: &str, to: &str| {
        let (from, to) = (given.optional_integer(from)?, given.optional_integer(to)?);
        Ok::<_, Fault>(from.unwrap_or(i64::MIN)..=to.unwrap_or(i64::MAX))
    };
    let durations = range("durationFrom", "durationTo")?;
    let rounds = range("chatRoundFrom", "chatRoundTo")?;
    let finish_status = given.optional_integer("finishStatus")?;
    let page = given.page(PHONES_PAGE)?;
    let found: Vec<_> = job
        .done
        .iter()
        .filter(|done| durations.contains(&done.duration_s) && rounds.contains(&done.chat_round))
        .filter(|done| finish_status.is_none_or(|status| done.finish_status == status))
        .collect();
    let shown = |done: &super::super::job::Done| {
        let customer = &job.customers[done.customer];
        json!({
            "callInstanceId": done.call_id, "callJobId": job.id, "customerId": customer.id,
            "customerName": customer.given.name, "customerTelephone": customer.given.phone,
            "finishStatus": done.finish_status, "duration": done.duration_s, "chatRound": done.chat_round,
            "startTime": done.start_time, "intentLevel": done.level,
        })
    };
    Ok(paged(page, found.len(), found.into_iter().map(shown)))
}

pub(super) fn not_dialed(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    let job = job(platform, given, own, "taskId")?;
    let page = given.page(PHONES_PAGE)?;
    let waiting = job.not_dialed();
    let shown = |customer: &super::super::job::Customer| {
        json!({
            "customerId": customer.id, "name": customer.given.name, "phone": customer.given.phone,
            "properties": customer.given.properties,
        })
    };
    Ok(paged(page, waiting.len(), waiting.map(shown)))
}

/// The whole result of a call: `sceneInstance`, `taskResult`, `phoneLog`.
pub(super) fn phone_log_info(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    let id = given.integer("callInstanceId")?;
    let missing = || Fault::new(EnvelopeCode::NotFound, "callInstanceId: no such call has ended");
    let kept = platform.world.kept.as_ref().and_then(|kept| kept.get(&id));
    let result = kept.ok_or_else(missing)?;
    let company = result.scene_instance.company_id;
    if !company.is_some_and(|company| own.contains(&company)) {
        return Err(Fault::new(
            EnvelopeCode::NoRight,
            "callInstanceId: is a call of another company",
        ));
    }
    serde_json::to_value(result).map_err(|_| missing())
}

fn job<'p>(platform: &'p Platform, given: &Given, own: &[i64], name: &'static str) -> Result<&'p Job, Fault> {
    let id = platform.task(given, own, name)?;
    let missing = || Fault::new(EnvelopeCode::NotFound, format!("{name}: there is no such task"));
    platform.world.jobs.get(&id).ok_or_else(missing)
}

fn paged(page: Page, total: usize, list: impl Iterator<Item = Value>) -> Value {
    let skip = (page.num - 1).saturating_mul(page.size);
    let list: Vec<Value> = list.skip(skip).take(page.size).collect();
    json!({
        "pageNum": page.num, "pageSize": page.size, "total": total,
        "pages": total.div_ceil(page.size), "list": list,
    })
}
