//! Tasks: making, starting, pausing, stopping and removing them, and their customers.

use jiff::civil::Date;
use ringback_contract::date_time::{format_local, parse_local};
use ringback_contract::sign::EnvelopeCode;
use serde_json::{Map, Value, json};

use super::super::hours::{Hours, TimeOfDay};
use super::super::job::{NewCustomer, Task, robot_def_id};
use super::super::redial::{RedialRule, RedialRules};
use super::super::status::Cause;
use super::super::world::Refused;
use super::Platform;
use super::envelope::Fault;
use super::given::{Given, integer};
use super::lists::PHONES;
use crate::generator::dial::ROBOTS;

/// The most customers of one import (contract, section 7).
pub(super) const IMPORT_MOST: usize = 10_000;
/// The most tasks of a stand-in.
const TASKS_MOST: usize = 1_000;
/// The most customers of all its tasks: everything is in memory.
const CUSTOMERS_MOST: usize = 200_000;
/// The longest text that is taken, in characters.
const TEXT_MOST: usize = 200;

const TEXT: &str = "a text of 1 to 200 characters";
const TIME: &str = "a time such as 09:00:00";
const DATE: &str = "a date such as 2026-01-05";

/// Makes a task; the answer is its id.
pub(super) fn create(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    let company_id = platform.company(given, own)?;
    if platform.world.jobs.len() >= TASKS_MOST {
        let detail = format!("this stand-in has {TASKS_MOST} tasks already: begin anew");
        return Err(Fault::new(EnvelopeCode::Failed, detail));
    }
    let task = task(platform, given)?;
    let (is_timed, start, date) = (task.task_type == 1, task.hours.start, task.start_date.clone());
    let id = platform.world.create(company_id, task);
    if is_timed && let Some(at_ms) = parse_local(&format!("{date} {start}"), platform.world.zone()) {
        platform.world.order_at(at_ms, id, Cause::Start);
    }
    Ok(id.into())
}

fn task(platform: &Platform, given: &Given) -> Result<Task, Fault> {
    let name = given.require("taskName", TEXT, text)?;
    let task_type = given.require("taskType", "1 (timed) or 2 (manual)", |value| {
        integer(value).filter(|kind| [1, 2].contains(kind))
    })?;
    let date = |value: &Value| Some(value.as_str()?.parse::<Date>().ok()?.to_string());
    let start_date = if task_type == 1 {
        given.require("startDate", DATE, date)?
    } else {
        given.take("startDate", DATE, date)?.unwrap_or_else(|| {
            let now = format_local(platform.world.now_ms(), platform.world.zone());
            now.get(..10).unwrap_or_default().to_owned()
        })
    };
    given.require("userPhoneIds", "a list of ids of getPhones", phones)?;
    let robot = given.require("robotDefId", "an id of getRobots", |value| {
        let id = integer(value)?;
        (0..ROBOTS).find(|robot| robot_def_id(*robot) == id)
    })?;
    let most = platform.lines;
    let concurrency = given.require(
        "concurrencyQuota",
        &format!("an integer from 1 to {most}"),
        |value| {
            usize::try_from(integer(value)?)
                .ok()
                .filter(|quota| (1..=most).contains(quota))
        },
    )?;
    let scene = |name: &str| Ok::<_, Fault>(given.optional_integer(name)?.unwrap_or(192));
    Ok(Task {
        name,
        task_type,
        start_date,
        hours: hours(given)?,
        call_type: given.one_of(
            "callType",
            &[1, 0, 2],
            "0 (mobile), 1 (landline) or 2 (no caller)",
        )?,
        concurrency,
        robot,
        scene_def_id: scene("sceneDefId")?,
        scene_record_id: scene("sceneRecordId")?,
        sms_type: given.one_of("smsType", &[0, 1], "0 (no) or 1 (yes)")?,
        redials: redials(given)?,
        remark: given
            .take("remark", "a text of up to 200 characters", |value| {
                let remark = value.as_str()?;
                (remark.chars().count() <= TEXT_MOST).then(|| remark.to_owned())
            })?
            .unwrap_or_default(),
    })
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (1..=TEXT_MOST)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
}

fn phones(value: &Value) -> Option<()> {
    let ids = value.as_array().filter(|ids| !ids.is_empty())?;
    let is_known = |id: &Value| integer(id).is_some_and(|id| PHONES.iter().any(|phone| phone.0 == id));
    ids.iter().all(is_known).then_some(())
}

fn hours(given: &Given) -> Result<Hours, Fault> {
    let time = |name: &str| given.take(name, TIME, |value| TimeOfDay::parse(value.as_str()?));
    let start = time("workingStartTime")?.unwrap_or(TimeOfDay::at(9, 0));
    let end = time("workingEndTime")?.unwrap_or(TimeOfDay::at(20, 0));
    let rest = match (time("breakStartTime")?, time("breakEndTime")?) {
        (None, None) => None,
        (Some(from), Some(to)) => Some((from, to)),
        (Some(_), None) => return Err(Fault::parameter("breakEndTime", "is missing", TIME)),
        (None, Some(_)) => return Err(Fault::parameter("breakStartTime", "is missing", TIME)),
    };
    for (name, is_wrong) in [
        ("workingEndTime", start >= end),
        ("breakEndTime", rest.is_some_and(|(from, to)| from >= to)),
    ] {
        if is_wrong {
            return Err(Fault::parameter(
                name,
                "is not after the beginning",
                "a later time",
            ));
        }
    }
    Ok(Hours { start, end, rest })
}

fn redials(given: &Given) -> Result<RedialRules, Fault> {
    let repeats = given.take("repeatCall", "true or false, 1 or 0", |value| {
        value.as_bool().or_else(|| match integer(value)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    })?;
    let rules = given.take("repeatCallRule", "a list of rules", |value| {
        value.as_array().cloned()
    })?;
    if repeats == Some(false) {
        return Ok(RedialRules::default());
    }
    let mut read = Vec::new();
    for (place, rule) in rules.into_iter().flatten().enumerate() {
        let path = |member: &str| format!("repeatCallRule[{place}].{member}");
        let rule = Given::of_entry(&rule).ok_or_else(|| {
            Fault::parameter(
                &format!("repeatCallRule[{place}]"),
                "is something else",
                "an object",
            )
        })?;
        let number = |member: &str| {
            rule.value(member)
                .and_then(integer)
                .ok_or_else(|| Fault::parameter(&path(member), "is missing or something else", "an integer"))
        };
        let rule = RedialRule::new(number("phoneStatus")?, number("times")?, number("interval")?);
        read.push(
            rule.map_err(|(member, allowed)| Fault::parameter(&path(member), "is another number", allowed))?,
        );
    }
    Ok(RedialRules::new(read))
}

/// Starts, pauses or stops a task.
pub(super) fn order(
    platform: &mut Platform,
    given: &Given,
    own: &[i64],
    cause: Cause,
) -> Result<Value, Fault> {
    let id = platform.task(given, own, "taskId")?;
    platform.world.order(id, cause).map_err(refused)?;
    Ok(true.into())
}

/// Removes a task.
pub(super) fn delete(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    let id = platform.task(given, own, "taskId")?;
    platform.world.delete(id).map_err(refused)?;
    Ok(true.into())
}

fn refused(refused: Refused) -> Fault {
    let code = match refused {
        Refused::NoJob => EnvelopeCode::NotFound,
        Refused::Status | Refused::Hours => EnvelopeCode::BadParameter,
    };
    Fault::new(code, format!("taskId: {refused}"))
}

/// Gives a task customers.
pub(super) fn import(platform: &mut Platform, given: &Given, own: &[i64]) -> Result<Value, Fault> {
    let company_id = platform.company(given, own)?;
    let id = platform.task(given, own, "taskId")?;
    if platform
        .world
        .jobs
        .get(&id)
        .is_none_or(|job| job.company_id != company_id)
    {
        return Err(Fault::new(
            EnvelopeCode::NoRight,
            "taskId: is a task of another company",
        ));
    }
    let allowed = format!("a list of 1 to {IMPORT_MOST} customers with name and phone");
    let list = given.require("customerInfoList", &allowed, |value| {
        let list = value
            .as_array()
            .filter(|list| (1..=IMPORT_MOST).contains(&list.len()))?;
        list.iter().map(customer).collect::<Option<Vec<_>>>()
    })?;
    if platform.world.progress().1 + list.len() > CUSTOMERS_MOST {
        let detail = format!("this stand-in keeps at most {CUSTOMERS_MOST} customers: begin anew");
        return Err(Fault::new(EnvelopeCode::Failed, detail));
    }
    let imported = platform.world.import(id, list).map_err(refused)?;
    Ok(json!({
        "successNum": imported.success,
        "repeatNum": imported.repeated,
        "placeFailNum": imported.no_place,
    }))
}

/// A customer; properties are an object, or JSON of one in a string.
fn customer(entry: &Value) -> Option<NewCustomer> {
    let text = |name: &str| match &entry[name] {
        Value::Null => Some(String::new()),
        Value::String(text) if text.chars().count() <= TEXT_MOST => Some(text.clone()),
        _ => None,
    };
    let properties = match &entry["properties"] {
        Value::Null => Map::new(),
        Value::Object(properties) => properties.clone(),
        Value::String(text) => serde_json::from_str(text).ok()?,
        _ => return None,
    };
    Some(NewCustomer {
        name: text("name")?,
        phone: text("phone").filter(|phone| !phone.is_empty())?,
        properties,
    })
}
