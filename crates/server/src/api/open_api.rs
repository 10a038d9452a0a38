//! The platform's own open API (contract, section 6): signed requests, and its own envelope for every answer.

mod envelope;
mod parameters;
mod signed;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use jiff::tz::TimeZone;
use ringback_contract::kind::Kind;
use ringback_contract::sign::EnvelopeCode;
use ringback_core::limits;
use ringback_core::store::{MissedPage, MissedQuery, Reader, StoreError};
use ringback_core::time::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::envelope::{Envelope, Fault};
use self::parameters::Parameters;
use super::state::ApiState;
use super::time::Time;

/// The path of the failed-callback query.
pub(super) const QUERY_UN_CALL_BACK: &str = "/openapi/v1/callBack/queryUnCallBack";

/// A page of calls that have not arrived.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnCallBackPage {
    /// The page, from 1.
    page_num: usize,
    /// The most calls on a page.
    page_size: usize,
    /// How many calls have not arrived.
    total: usize,
    /// How many pages they fill.
    pages: usize,
    /// The calls of this page.
    list: Vec<UnCallBack>,
}

/// A call that has not arrived.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnCallBack {
    /// The customer's phone number, as it was in the call.
    #[schema(example = "137xxxxxxxx")]
    customer_telephone: Option<String>,
    /// The call; of an inbound call its inboundInstanceId.
    #[schema(example = 1)]
    call_instance_id: i64,
    /// The job of the call.
    #[schema(example = 1)]
    call_job_id: Option<i64>,
    /// When the call began, as it was in the call: `yyyy-MM-dd HH:mm:ss` in the company's zone.
    #[schema(example = "2019-01-12 16:09:32")]
    caller_time: Option<String>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    company_id: i64,
    query: MissedQuery,
    page_num: usize,
    page_size: usize,
}

/// Calls that have not arrived: the failed-callback query.
///
/// Lists the calls with a delivery that is pending after at least one send, exhausted or parked, by the day on which they were
/// accepted, the oldest first; not where another delivery to the same endpoint was acknowledged. Requests are signed with the
/// company's `appKey` and `appSecret`: `sign` = `Base64(HMAC-SHA1(appSecret, appKey + "\n" + datetime))`; `datetime` may be
/// three minutes off. Every answer has status 200 and says in `code` how it went: 200, 401 (the key or the signature is wrong),
/// 403 (another company's), 404 (no such company), 408 (the time is off), 412 (a parameter is wrong), 500 (not now).
#[utoipa::path(
    get,
    path = "/openapi/v1/callBack/queryUnCallBack",
    tag = "open API",
    operation_id = "queryUnCallBack",
    security(()),
    params(
        ("appkey" = Option<String>, Header, description = "The company's `appKey`"),
        ("datetime" = Option<String>, Header, description = "The time of the request: `Thu, 24 Jan 2019 07:28:09 GMT`"),
        ("sign" = Option<String>, Header, description = "The signature"),
        ("companyId" = i64, Query, description = "The company", example = 151),
        ("callJobId" = Option<i64>, Query, description = "Only calls of this job"),
        ("dataType" = Option<i64>, Query, description = "0 for calls (the default), 1 for inbound calls", example = 0),
        ("startDate" = String, Query, description = "The first day, `yyyy-MM-dd`, in the company's zone", example = "2019-01-12"),
        ("endDate" = String, Query, description = "The last day; at most 31 days in all", example = "2019-01-12"),
        ("pageNum" = Option<usize>, Query, description = "The page, from 1 (the default)", example = 1),
        ("pageSize" = Option<usize>, Query, description = "1 to 500 calls on a page; by default 100", example = 100),
    ),
    responses((status = 200, description = "The page, or what is wrong: see `code`", body = Envelope))
)]
pub(crate) async fn query_un_call_back(State(api): State<Arc<ApiState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    Envelope::answer(answer(&api, &head).await)
}

async fn answer(api: &ApiState, head: &Parts) -> Result<(UnCallBackPage, Option<String>), Fault> {
    let own = signed::companies(api, &head.headers)?;
    let asked = Asked::read(head.uri.query().unwrap_or_default(), &api.zone)?;
    if !own.contains(&asked.company_id) {
        let is_known = api.service.directory().company(asked.company_id).is_some();
        return Err(if is_known {
            Fault::new(
                EnvelopeCode::NoRight,
                "companyId: is not the company of the appkey",
            )
        } else {
            Fault::new(EnvelopeCode::NotFound, "companyId: there is no such company")
        });
    }
    let query = asked.query;
    // The semaphore is never closed.
    let _turn = api.counts.acquire().await.ok();
    let read = api.service.read(move |reader| read(reader, query));
    let (page, list) = read.await.map_err(|_| Fault::unavailable())?;
    let note = page.partial.then(|| {
        format!(
            "成功；数量过多，仅统计了前 {} 条，请缩短日期范围 (there are more: total counts only the first {})",
            page.total, page.total
        )
    });
    Ok((asked.page(page.total, list), note))
}

/// The calls of a page with what their bodies say; what was removed meanwhile is left out. Of each nothing but the body is
/// read: it may lie far from the others on the disk, and the page must be whole, since it goes by its number.
fn read(reader: &mut dyn Reader, query: MissedQuery) -> Result<(MissedPage, Vec<UnCallBack>), StoreError> {
    let page = reader.missed(&query)?;
    let mut list = Vec::with_capacity(page.calls.len());
    for (call_instance_id, event) in &page.calls {
        let Some(body) = reader.body(*event)? else {
            continue;
        };
        let scene = Scene::of(&body);
        list.push(UnCallBack {
            customer_telephone: scene.customer_telephone,
            call_instance_id: *call_instance_id,
            call_job_id: scene.call_job_id.and_then(|id| id.as_i64()),
            caller_time: scene.start_time,
        });
    }
    Ok((page, list))
}

/// What a stored body says of its call.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scene {
    customer_telephone: Option<String>,
    call_job_id: Option<serde_json::Number>,
    start_time: Option<String>,
}

impl Scene {
    /// Nothing of a body that cannot be read: intake has checked it, but a list must not fail because of one.
    fn of(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Outer {
            data: Inner,
        }
        #[derive(Deserialize)]
        struct Inner {
            data: Data,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            scene_instance: Scene,
        }
        serde_json::from_slice::<Outer>(body)
            .map(|outer| outer.data.data.scene_instance)
            .unwrap_or_default()
    }
}

impl Asked {
    fn read(query: &str, zone: &TimeZone) -> Result<Self, Fault> {
        let parameters = Parameters::of(query);
        let company_id = parameters.require("companyId", "an integer", |text| text.parse().ok())?;
        let call_job_id = parameters.take("callJobId", "an integer", |text| text.parse().ok())?;
        let kind = parameters.take(
            "dataType",
            "0 for calls or 1 for inbound calls",
            |text| match text {
                "0" => Some(Kind::Call),
                "1" => Some(Kind::Inbound),
                _ => None,
            },
        )?;
        let (from, to) = parameters.days(zone)?;
        let page_num = parameters
            .take("pageNum", "an integer from 1", |text| {
                text.parse().ok().filter(|num| *num > 0)
            })?
            .unwrap_or(1);
        let page_size = parameters
            .take("pageSize", "an integer from 1 to 500", |text| {
                text.parse()
                    .ok()
                    .filter(|size| (1..=limits::MISSED_PAGE).contains(size))
            })?
            .unwrap_or(limits::MISSED_PAGE_DEFAULT);
        Ok(Self {
            company_id,
            query: MissedQuery {
                company_id,
                kind: kind.unwrap_or(Kind::Call),
                call_job_id,
                from: Millis(from.0),
                to: Millis(to.0),
                skip: (page_num - 1_usize).saturating_mul(page_size),
                take: page_size,
            },
            page_num,
            page_size,
        })
    }

    fn page(self, total: usize, list: Vec<UnCallBack>) -> UnCallBackPage {
        UnCallBackPage {
            page_num: self.page_num,
            page_size: self.page_size,
            total,
            pages: total.div_ceil(self.page_size),
            list,
        }
    }
}

/// The beginning and the end of some days.
type Days = (Time, Time);

#[cfg(test)]
mod tests;
