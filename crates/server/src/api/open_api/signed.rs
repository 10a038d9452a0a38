//! Whose a signed request is (contract, section 2): headers `appkey`, `datetime` and `sign`.

use axum::http::HeaderMap;
use ringback_contract::sign::{EnvelopeCode, RequestProblem, check_request};

use super::super::state::ApiState;
use super::envelope::Fault;

/// The companies whose key and secret signed a request: several may share them.
pub(super) fn companies(api: &ApiState, headers: &HeaderMap) -> Result<Vec<i64>, Fault> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let missing = |name: &str| {
        Fault::new(
            EnvelopeCode::CheckFailed,
            format!("{name}: the header is missing"),
        )
    };
    let app_key = header("appkey").ok_or_else(|| missing("appkey"))?;
    let sign = header("sign").ok_or_else(|| missing("sign"))?;
    let datetime = header("datetime").unwrap_or_default();
    let now_ms = api.clock.wall_ms();
    let mut found = Vec::new();
    let mut worst = RequestProblem::WrongSign;
    for company in api.service.directory().companies_of_key(app_key) {
        let Some(app_secret) = company.app_secret.as_deref() else {
            continue;
        };
        match check_request(app_key, app_secret, datetime, sign, now_ms) {
            Ok(()) => found.push(company.company_id),
            // Whoever signs rightly is told that his clock is off, whatever the secrets of other companies are.
            Err(problem @ (RequestProblem::TimeOff | RequestProblem::UnreadableDatetime)) => worst = problem,
            Err(RequestProblem::WrongSign) => {}
        }
    }
    if found.is_empty() {
        return Err(worst.into());
    }
    Ok(found)
}
