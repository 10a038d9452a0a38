//! What each write means, in one place for every store.

mod accept;
mod audit;
mod company;
mod endpoint;
mod hold;
mod make;
mod prune;
mod record;
mod replay;
mod resend;
mod sweep;
mod transition;

use ringback_core::limits;
use ringback_core::limits::AUDIT_PRUNE_ROWS;
use ringback_core::store::{Write, Written};
use ringback_core::time::Millis;

pub(crate) use self::make::work;
use crate::tables::Tables;

/// Applies one write and answers for it. An error leaves the transaction half done: it must be rolled back.
pub(crate) fn apply<T: Tables>(tables: &mut T, now: Millis, write: &Write) -> Result<Written, T::Error> {
    match write {
        Write::Accept(event) => accept::accept(tables, now, event),
        Write::Record(report) => record::record(tables, now, report),
        Write::PutCompany(company) => company::put(tables, company),
        Write::DeleteCompany(company_id) => company::delete(tables, *company_id),
        Write::PutEndpoint {
            company_id,
            name,
            settings,
        } => endpoint::put(tables, now, *company_id, name, settings),
        Write::DeleteEndpoint {
            company_id,
            name,
            cancel_open,
        } => endpoint::delete(tables, now, *company_id, name, *cancel_open),
        Write::Sweep { endpoint, after } => sweep::go_on(tables, now, *endpoint, *after),
        Write::RetryNow {
            endpoint,
            cutoff,
            after,
        } => endpoint::retry_now(tables, now, *endpoint, *cutoff, *after),
        Write::Resend(delivery) => resend::resend(tables, now, *delivery),
        Write::CheckHolds => hold::check(tables, now),
        Write::MakeReplay(spec) => replay::make(tables, now, spec),
        Write::StepReplay { replay, most } => replay::step(tables, now, *replay, *most),
        Write::ChangeReplay(id, change) => replay::change(tables, now, *id, *change),
        Write::Prune { before, after } => prune::prune(tables, *before, *after),
        Write::AddToken(token) => tables.add_token(token).map(Written::Token),
        Write::RevokeToken(id) => tables.remove_token(id).map(Written::Token),
        Write::PutAlerts(alerts) => {
            for alert in alerts {
                tables.put_alert(alert)?;
            }
            tables.forget_alerts(limits::ALERTS_KEPT)?;
            Ok(Written::Alerts)
        }
        Write::UseTokens(used) => {
            let mut any = false;
            for (id, wall_ms) in used {
                any |= tables.use_token(id, *wall_ms)?;
            }
            Ok(Written::Token(any))
        }
        Write::Audited { entry, write } => audit::apply(tables, now, entry, write),
        Write::ChangedOutside => Ok(Written::ChangedOutside),
        Write::PruneAudit(before) => tables
            .prune_audit(*before, AUDIT_PRUNE_ROWS)
            .map(Written::AuditPruned),
    }
}
