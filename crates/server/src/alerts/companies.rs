//! The channels that companies set themselves: each gets the alerts of its own company and no others.
//!
//! A channel gets its queue and its task with its first notice or test, and loses them in the round after it was deleted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ringback_core::limits;
use tokio::sync::Semaphore;

use super::channel::{Channel, Queue, Tools};
use super::settings::MailServer;
use super::source::{OfCompany, Source, find};
use super::{Item, Receipt, Said, lock};
use crate::service::Service;
use crate::tasks;

/// The channels of all companies.
#[derive(Debug)]
pub(super) struct Companies {
    service: Service,
    tools: Tools,
    mail: Option<MailServer>,
    places: Arc<Semaphore>,
    /// By company and name.
    queues: Mutex<HashMap<(i64, String), Queue>>,
}

impl Companies {
    pub(super) fn new(service: Service, tools: Tools, mail: Option<MailServer>) -> Self {
        Self {
            service,
            tools,
            mail,
            places: Arc::new(Semaphore::new(limits::ALERT_SENDS)),
            queues: Mutex::default(),
        }
    }

    /// Whether mail can be sent for companies.
    pub(super) const fn can_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Leaves a notice with the channels of its company that want it.
    pub(super) fn leave(&self, said: &Arc<Said>, receipt: &Arc<Receipt>) {
        let alert = &said.notice.alert;
        let Some(company) = alert
            .company_id
            .and_then(|company_id| self.service.directory().company(company_id))
        else {
            return;
        };
        let wanting = company
            .alert_channels
            .iter()
            .filter(|channel| alert.severity >= channel.severity);
        for channel in wanting {
            self.queue(company.company_id, &channel.name).leave(Item {
                said: Arc::clone(said),
                _receipt: Arc::clone(receipt),
            });
        }
    }

    /// The channel of this company and name; `None` where there is none.
    pub(super) fn channel(&self, company_id: i64, name: &str) -> Option<Arc<Channel>> {
        let company = self.service.directory().company(company_id)?;
        find(&company.alert_channels, name)?;
        Some(self.queue(company_id, name).channel)
    }

    /// Lets go of the channels that are no longer there. What still waits for them is dropped.
    pub(super) fn forget_deleted(&self) {
        lock(&self.queues).retain(|(company_id, name), _| {
            let company = self.service.directory().company(*company_id);
            company.is_some_and(|company| find(&company.alert_channels, name).is_some())
        });
    }

    fn queue(&self, company_id: i64, name: &str) -> Queue {
        let mut queues = lock(&self.queues);
        let queue = queues
            .entry((company_id, name.to_owned()))
            .or_insert_with_key(|(company_id, name)| {
                let source = Source::Company(OfCompany {
                    service: self.service.clone(),
                    company_id: *company_id,
                    name: name.clone(),
                    mail: self.mail.clone(),
                    places: Arc::clone(&self.places),
                });
                let (queue, items) = Channel::queued(source, self.tools.clone());
                tasks::spawn_detached(Arc::clone(&queue.channel).run(items));
                queue
            });
        queue.clone()
    }
}
