//! Companies and endpoints in memory: what memory keeps of them, and what a writer of another store remembers so that
//! taking in an event reads no settings.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ringback_core::company::Company;
use ringback_core::endpoint::Endpoint;
use ringback_core::id::EndpointId;

use crate::tables::EndpointRow;

#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    companies: BTreeMap<i64, Company>,
    endpoints: BTreeMap<EndpointId, EndpointRow>,
    /// Those that are not deleted, by name: shared, so that the rules can hold them while they write.
    by_company: HashMap<i64, Arc<[Arc<Endpoint>]>>,
}

impl Directory {
    pub(crate) fn company(&self, company_id: i64) -> Option<&Company> {
        self.companies.get(&company_id)
    }

    pub(crate) fn companies(&self) -> impl Iterator<Item = &Company> {
        self.companies.values()
    }

    pub(crate) fn put_company(&mut self, company: &Company) {
        self.companies.insert(company.company_id, company.clone());
    }

    pub(crate) fn remove_company(&mut self, company_id: i64) {
        self.companies.remove(&company_id);
    }

    pub(crate) fn endpoint(&self, id: EndpointId) -> Option<&EndpointRow> {
        self.endpoints.get(&id)
    }

    /// Every endpoint that it knows, by number.
    pub(crate) fn all_endpoints(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.endpoints.values().map(|row| &row.endpoint)
    }

    /// The company's endpoints that are not deleted, by name.
    pub(crate) fn endpoints(&self, company_id: i64) -> Arc<[Arc<Endpoint>]> {
        self.by_company.get(&company_id).cloned().unwrap_or_default()
    }

    /// The same; `None` for a company that is not configured.
    pub(crate) fn receivers(&self, company_id: i64) -> Option<Arc<[Arc<Endpoint>]>> {
        self.company(company_id)
            .filter(|company| company.configured)
            .map(|_| self.endpoints(company_id))
    }

    pub(crate) fn put_endpoint(&mut self, row: &EndpointRow) {
        let endpoint = &row.endpoint;
        self.endpoints.insert(endpoint.id, row.clone());
        let mut of_company: Vec<Arc<Endpoint>> = self
            .endpoints(endpoint.company_id)
            .iter()
            .filter(|other| other.id != endpoint.id)
            .cloned()
            .collect();
        if !endpoint.deleted {
            let place = of_company.partition_point(|other| other.name < endpoint.name);
            of_company.insert(place, Arc::clone(endpoint));
        }
        self.by_company.insert(endpoint.company_id, of_company.into());
    }

    /// Forgets an endpoint that is deleted and swept: only the history of its deliveries asks for it.
    pub(crate) fn forget_endpoint(&mut self, id: EndpointId) {
        self.endpoints.remove(&id);
    }
}
