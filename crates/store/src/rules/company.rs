//! Making, replacing and forgetting a company.

use ringback_core::company::Company;
use ringback_core::store::{Refusal, Written};

use crate::tables::Tables;

pub(super) fn put<T: Tables>(tables: &mut T, company: &Company) -> Result<Written, T::Error> {
    let created = !is_configured(tables, company.company_id);
    let company = Company {
        configured: true,
        ..company.clone()
    };
    tables.put_company(&company)?;
    Ok(Written::Company { company, created })
}

pub(super) fn delete<T: Tables>(tables: &mut T, company_id: i64) -> Result<Written, T::Error> {
    if !is_configured(tables, company_id) {
        return Ok(Written::Refused(Refusal::NoCompany));
    }
    if !tables.endpoints(company_id).is_empty() {
        return Ok(Written::Refused(Refusal::HasEndpoints));
    }
    if tables.has_events(company_id)? {
        let kept = Company::unconfigured(company_id);
        tables.put_company(&kept)?;
        return Ok(Written::CompanyDeleted { kept: Some(kept) });
    }
    tables.remove_company(company_id)?;
    Ok(Written::CompanyDeleted { kept: None })
}

fn is_configured<T: Tables>(tables: &T, company_id: i64) -> bool {
    tables
        .company(company_id)
        .is_some_and(|company| company.configured)
}
