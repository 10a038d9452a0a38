//! A local stand-in for the call platform: the platform's own API (contract, section 7) over a [`World`].
//!
//! An integrator makes a task, imports customers and starts it, and the callbacks go the way of real ones: to a service,
//! and from there to his receiver. Requests are signed and answered as `queryUnCallBack` is. Everything is in memory and
//! ends with the process.
//!
//! What section 7 leaves open is decided here: the members of lists, the names of ranges, and that what is wrong with a
//! request is told as `queryUnCallBack` tells it, in a `code` under status 200.

mod envelope;
mod given;
mod lists;
mod server;
mod tasks;

use http::{HeaderMap, Method};
use ringback_contract::sign::{EnvelopeCode, RequestProblem, check_request};
use serde_json::Value;

use super::status::Cause;
use super::world::World;
use envelope::Fault;
use given::Given;
pub use server::{Options, StandIn};

/// The path under which everything is.
const BASE: &str = "/openapi/v1/";

/// A key of the platform, with the companies that it is for.
#[derive(Clone)]
pub struct App {
    /// `appKey`.
    pub key: String,
    /// `appSecret`.
    pub secret: String,
    /// The companies.
    pub companies: Vec<i64>,
}

impl std::fmt::Debug for App {
    /// Shows no secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("companies", &self.companies)
            .finish_non_exhaustive()
    }
}

/// A request as far as it matters.
#[derive(Debug)]
struct Asked<'a> {
    method: &'a Method,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

/// The platform.
#[derive(Debug)]
struct Platform {
    world: World,
    apps: Vec<App>,
    /// Lines, which bound how many calls of a task can go on at once.
    lines: usize,
}

/// What a request does: with what is given, for whoever has a right to these companies.
type Handler = fn(&mut Platform, &Given, &[i64]) -> Result<Value, Fault>;

/// Every endpoint.
const ROUTES: [(Method, &str, Handler); 14] = [
    (Method::GET, "company/getCompanys", lists::companies),
    (Method::GET, "company/getPhones", lists::phones),
    (Method::GET, "company/getRobots", lists::robots),
    (Method::POST, "task/createTask", tasks::create),
    (Method::POST, "task/start", |platform, given, own| {
        tasks::order(platform, given, own, Cause::Start)
    }),
    (Method::POST, "task/pause", |platform, given, own| {
        tasks::order(platform, given, own, Cause::Pause)
    }),
    (Method::POST, "task/stop", |platform, given, own| {
        tasks::order(platform, given, own, Cause::Stop)
    }),
    (Method::POST, "task/delete", tasks::delete),
    (Method::POST, "task/importTaskCustomer", tasks::import),
    (Method::GET, "task/getTasks", lists::tasks),
    (Method::GET, "task/getTaskDetail", lists::task_detail),
    (Method::POST, "task/queryDoneTaskPhones", lists::done_phones),
    (Method::GET, "task/notDialedCustomerList", lists::not_dialed),
    (Method::GET, "task/phoneLogInfo", lists::phone_log_info),
];

impl Platform {
    /// Answers a request that came at this moment of the wall clock.
    fn answer(&mut self, request: &Asked<'_>, wall_ms: i64) -> Result<Value, Fault> {
        let own = self.companies_of(request.headers, wall_ms)?;
        let mut routes = ROUTES.iter();
        let found = request
            .path
            .strip_prefix(BASE)
            .and_then(|path| routes.find(|(method, route, _)| method == request.method && *route == path));
        let Some((method, _, handler)) = found else {
            let detail = "there is no such operation";
            return Err(Fault::new(EnvelopeCode::NotFound, detail));
        };
        let given = if *method == Method::GET {
            Given::of_query(request.query)?
        } else {
            Given::of_body(request.body)?
        };
        handler(self, &given, &own)
    }

    /// The companies of whoever signed a request.
    fn companies_of(&self, headers: &HeaderMap, wall_ms: i64) -> Result<Vec<i64>, Fault> {
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            let missing = || {
                Fault::new(
                    EnvelopeCode::CheckFailed,
                    format!("{name}: the header is missing"),
                )
            };
            value.ok_or_else(missing)
        };
        let (app_key, sign) = (header("appkey")?, header("sign")?);
        let datetime = header("datetime").unwrap_or_default();
        let app = self.apps.iter().find(|app| app.key == app_key);
        let app = app.ok_or_else(|| Fault::from(RequestProblem::WrongSign))?;
        check_request(app_key, &app.secret, datetime, sign, wall_ms)?;
        Ok(app.companies.clone())
    }

    /// The company that a request names, if whoever signed it has a right to it.
    fn company(&self, given: &Given, own: &[i64]) -> Result<i64, Fault> {
        let company_id = given.integer("companyId")?;
        if own.contains(&company_id) {
            return Ok(company_id);
        }
        let is_known = self.apps.iter().any(|app| app.companies.contains(&company_id));
        Err(if is_known {
            Fault::new(
                EnvelopeCode::NoRight,
                "companyId: is not the company of the appkey",
            )
        } else {
            Fault::new(EnvelopeCode::NotFound, "companyId: there is no such company")
        })
    }

    /// The task that a request names by this member, likewise.
    fn task(&self, given: &Given, own: &[i64], name: &'static str) -> Result<i64, Fault> {
        let id = given.integer(name)?;
        match self.world.jobs.get(&id).filter(|job| !job.is_deleted) {
            Some(job) if own.contains(&job.company_id) => Ok(id),
            Some(_) => Err(Fault::new(
                EnvelopeCode::NoRight,
                format!("{name}: is a task of another company"),
            )),
            None => Err(Fault::new(
                EnvelopeCode::NotFound,
                format!("{name}: there is no such task"),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
