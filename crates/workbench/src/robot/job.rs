//! A job with its customers.

use std::collections::{BTreeSet, HashSet, VecDeque};

use jiff::tz::TimeZone;
use ringback_contract::callback::{Envelope, JobInfo};
use ringback_contract::date_time;
use ringback_contract::kind::Kind;
use serde_json::{Map, Value};

use super::event::Event;
use super::hours::Hours;
use super::redial::RedialRules;
use super::status::{Cause, JobStatus};

/// What a job is to do: what createTask says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// 1 timed, 2 manual.
    pub task_type: i64,
    /// The day on which a timed one begins, and that is told of every one: `yyyy-MM-dd`.
    pub start_date: String,
    /// When it may call.
    pub hours: Hours,
    /// The type of the caller's number.
    pub call_type: i64,
    /// Calls at once.
    pub concurrency: usize,
    /// The place of its robot.
    pub robot: usize,
    /// The scene and its recordings.
    pub scene_def_id: i64,
    /// Likewise.
    pub scene_record_id: i64,
    /// Whether a text message follows a call: 0 no, 1 yes.
    pub sms_type: i64,
    /// Who is called again.
    pub redials: RedialRules,
    /// A remark.
    pub remark: String,
}

/// A customer as imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCustomer {
    /// The name.
    pub name: String,
    /// The number.
    pub phone: String,
    /// What the robot can say about him.
    pub properties: Map<String, Value>,
}

/// How many customers of an import were taken, known already, and without a number that belongs to a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Taken.
    pub success: usize,
    /// In the job already.
    pub repeated: usize,
    /// Not a mobile number of mainland China: `1`, and ten further digits, of which the middle may be masked by `x`.
    pub no_place: usize,
}

/// A customer of a job.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) id: i64,
    pub(super) given: NewCustomer,
    /// Calls that were begun.
    pub(super) calls: i64,
}

/// A finished call, for whoever asks for it.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) call_id: i64,
    pub(super) customer: usize,
    pub(super) finish_status: i64,
    pub(super) duration_s: i64,
    pub(super) chat_round: i64,
    pub(super) start_time: String,
    pub(super) level: &'static str,
}

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: i64,
    pub(super) company_id: i64,
    pub(super) task: Task,
    pub(super) status: JobStatus,
    pub(super) is_deleted: bool,
    pub(super) created_ms: i64,
    pub(super) version: i64,
    pub(super) customers: Vec<Customer>,
    phones: HashSet<String>,
    /// Who was not called yet, by place.
    waiting: VecDeque<usize>,
    /// Who is called again, by time.
    redials: BTreeSet<(i64, usize)>,
    pub(super) in_flight: usize,
    /// Customers for whom nothing is to be done any more.
    pub(super) settled: usize,
    pub(super) done: Vec<Done>,
    /// What happens after so many customers are settled: the cause, and after how long it is started again.
    pub(super) fate: Option<(usize, Cause, Option<i64>)>,
}

impl Job {
    pub(super) fn new(id: i64, company_id: i64, task: Task, now_ms: i64) -> Self {
        Self {
            id,
            company_id,
            task,
            status: JobStatus::NotStarted,
            is_deleted: false,
            created_ms: now_ms,
            version: 0,
            customers: Vec::new(),
            phones: HashSet::new(),
            waiting: VecDeque::new(),
            redials: BTreeSet::new(),
            in_flight: 0,
            settled: 0,
            done: Vec::new(),
            fate: None,
        }
    }

    /// Takes customers in; each gets the next id.
    pub(super) fn import(
        &mut self,
        customers: Vec<NewCustomer>,
        mut next_id: impl FnMut() -> i64,
    ) -> Imported {
        let mut imported = Imported::default();
        for given in customers {
            if !has_place(&given.phone) {
                imported.no_place += 1;
            } else if self.phones.insert(given.phone.clone()) {
                imported.success += 1;
                self.waiting.push_back(self.customers.len());
                self.customers.push(Customer {
                    id: next_id(),
                    given,
                    calls: 0,
                });
            } else {
                imported.repeated += 1;
            }
        }
        imported
    }

    /// Whether somebody can be called now.
    pub(super) fn has_next(&self, now_ms: i64) -> bool {
        !self.waiting.is_empty() || self.redials.first().is_some_and(|(due, _)| *due <= now_ms)
    }

    /// Who is called next: a redial whose time has come, else whoever was not called yet.
    pub(super) fn next(&mut self, now_ms: i64) -> Option<usize> {
        if let Some((due, customer)) = self.redials.first().copied().filter(|(due, _)| *due <= now_ms) {
            self.redials.remove(&(due, customer));
            return Some(customer);
        }
        self.waiting.pop_front()
    }

    /// When the next redial is due.
    pub(super) fn next_redial(&self) -> Option<i64> {
        self.redials.first().map(|(due, _)| *due)
    }

    pub(super) fn call_again(&mut self, customer: usize, at_ms: i64) {
        self.redials.insert((at_ms, customer));
    }

    /// Whether nobody is left, now or later.
    pub(super) fn is_through(&self) -> bool {
        self.in_flight == 0
            && self.waiting.is_empty()
            && self.redials.is_empty()
            && !self.customers.is_empty()
    }

    /// The places of those who were never called.
    pub(super) fn not_dialed(&self) -> impl ExactSizeIterator<Item = &Customer> {
        self.waiting.iter().map(|place| &self.customers[*place])
    }

    /// The event that tells of the job as it is.
    pub(super) fn event(&mut self, now_ms: i64, zone: &TimeZone) -> Event {
        self.version += 1;
        let body = serde_json::to_string(&Envelope::job(self.info(now_ms, zone)));
        Event {
            at_ms: now_ms,
            kind: Kind::Job,
            entity_id: self.id,
            // A job's type has text keys only, so that it can always be written.
            body: body.unwrap_or_default(),
        }
    }

    pub(super) fn info(&self, now_ms: i64, zone: &TimeZone) -> JobInfo {
        let task = &self.task;
        let (rest_from, rest_to) = task.hours.rest.unzip();
        let now = date_time::format_local(now_ms, zone);
        let today = now.get(..10).unwrap_or_default().to_owned();
        JobInfo {
            call_job_id: Some(self.id),
            company_id: Some(self.company_id),
            job_name: Some(task.name.clone()),
            job_type: Some(task.task_type),
            start_date: Some(task.start_date.clone()),
            end_date: Some(today),
            working_start_time: Some(task.hours.start.to_string()),
            working_end_time: Some(task.hours.end.to_string()),
            break_start_time: rest_from.map(|time| time.to_string()),
            break_end_time: rest_to.map(|time| time.to_string()),
            status: Some(self.status.number()),
            call_type: Some(task.call_type),
            robot_def_id: Some(robot_def_id(task.robot)),
            scene_def_id: Some(task.scene_def_id),
            scene_record_id: Some(task.scene_record_id),
            remark: Some(task.remark.clone()),
            sms_type: Some(task.sms_type),
            user_id: Some(241),
            user_name: Some("步婉".to_owned()),
            ip: Some("172.16.67.104".to_owned()),
            host_name: Some("robot-03".to_owned()),
            version: Some(self.version),
            secondary_start_time: Some(task.hours.start.to_string()),
            job_is_delete: Some(self.is_deleted),
            gmt_create: Some(date_time::format_local(self.created_ms, zone)),
            gmt_modified: Some(now),
            ..JobInfo::default()
        }
    }
}

/// The id of the robot at this place.
pub(super) fn robot_def_id(robot: usize) -> i64 {
    180 + i64::try_from(robot).unwrap_or(0)
}

fn has_place(phone: &str) -> bool {
    let mut letters = phone.chars();
    phone.len() == 11 && letters.next() == Some('1') && letters.all(|c| c.is_ascii_digit() || c == 'x')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers(phones: &[&str]) -> Vec<NewCustomer> {
        phones
            .iter()
            .map(|phone| NewCustomer {
                phone: (*phone).to_owned(),
                ..NewCustomer::default()
            })
            .collect()
    }

    #[test]
    fn an_import_takes_each_number_once() {
        let mut job = Job::new(1, 151, super::super::plan::task(0), 0);
        let mut next = 0;
        let mut import = |phones: &[&str]| {
            let imported = job.import(customers(phones), || {
                next += 1;
                next
            });
            (imported.success, imported.repeated, imported.no_place)
        };
        for (phones, expected) in [
            (&["13700000001", "13700000002", "13700000001"][..], (2, 1, 0)),
            (&["13700000002", "137xxxx0003"], (1, 1, 0)),
            (
                &["", "0571-1234567", "23700000001", "137000000011", "1370000000a"],
                (0, 0, 5),
            ),
            (&[], (0, 0, 0)),
        ] {
            assert_eq!(import(phones), expected, "{phones:?}");
        }
        let ids: Vec<i64> = job.not_dialed().map(|customer| customer.id).collect();
        assert_eq!(ids, [1, 2, 3]);
    }

    #[test]
    fn redials_that_are_due_go_before_new_customers() {
        let mut job = Job::new(1, 151, super::super::plan::task(0), 0);
        job.import(customers(&["13700000001", "13700000002", "13700000003"]), || 1);
        assert_eq!((job.next(0), job.next(0)), (Some(0), Some(1)));
        job.call_again(0, 100);
        assert_eq!(job.next(99), Some(2));
        assert!(!job.has_next(99) && !job.is_through());
        assert_eq!(
            (job.next(99), job.next_redial(), job.next(100)),
            (None, Some(100), Some(0))
        );
        assert!(job.is_through());
    }
}
