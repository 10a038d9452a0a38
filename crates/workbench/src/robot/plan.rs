//! A whole installation of a seed: jobs with their customers and hours, and what befalls them, so that every status of a
//! job comes.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use ringback_contract::date_time::parse_local;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::event::{Event, Line};
use super::hours::{Hours, TimeOfDay};
use super::job::{NewCustomer, Task};
use super::redial::{RedialRule, RedialRules};
use super::status::Cause;
use super::world::World;
use crate::generator::dial;
use crate::prng::Prng;

const MINUTE_MS: i64 = 60 * 1000;

/// What befalls jobs, one after the other: the cause, and after how long each is started again.
const FATES: [Option<(Cause, Option<i64>)>; 6] = [
    None,
    Some((Cause::Pause, Some(7 * MINUTE_MS))),
    Some((Cause::Arrears, Some(12 * MINUTE_MS))),
    Some((Cause::TextArrears, Some(5 * MINUTE_MS))),
    Some((Cause::Expiry, Some(20 * MINUTE_MS))),
    Some((Cause::Stop, None)),
];

/// What a robot does on its own, without anybody who gives orders.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything that is not said here.
    pub seed: u64,
    /// The company of all jobs.
    pub company_id: i64,
    /// How many jobs there are.
    pub jobs: usize,
    /// How many customers they call, all together; redials come on top.
    pub calls: usize,
    /// How many calls can go on at once.
    pub lines: usize,
    /// The day on which it begins.
    pub date: Date,
    /// Where its clocks are.
    pub zone: TimeZone,
}

impl Plan {
    /// What makes this plan another than one with other settings: 16 hexadecimal digits. Keys of its events begin with it.
    #[must_use]
    pub fn name(&self) -> String {
        self.digest()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn digest(&self) -> [u8; 32] {
        let zone = self.zone.iana_name().unwrap_or_default();
        let (seed, company, jobs, calls, lines) =
            (self.seed, self.company_id, self.jobs, self.calls, self.lines);
        let said = format!(
            "robot 1 {seed} {company} {jobs} {calls} {lines} {} {zone}",
            self.date
        );
        Sha256::digest(said).into()
    }

    /// The first id: beyond 32 bits, and another one for another plan, so that calls of two plans do not meet. All ids
    /// stay below 2^53, which is what a number of JavaScript holds.
    fn first_id(&self) -> i64 {
        let [a, b, c, ..] = self.digest();
        (1 << 33) + (i64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]) << 24)
    }

    /// The installation at the beginning of its first day.
    #[must_use]
    pub fn world(&self) -> World {
        let midnight = parse_local(&format!("{} 00:00:00", self.date), &self.zone).unwrap_or(0);
        let at = |hour: i64, minute: i64| midnight + (hour * 60 + minute) * MINUTE_MS;
        let mut prng = Prng::new(self.seed);
        let mut world = World::new(
            prng.bits(),
            self.zone.clone(),
            at(8, 30),
            self.lines,
            self.first_id(),
        );
        for number in 0..self.jobs {
            // The jobs share the customers as evenly as can be.
            let customers = (number + 1) * self.calls / self.jobs - number * self.calls / self.jobs;
            let mut task = task(number);
            task.start_date = self.date.to_string();
            let id = world.create(self.company_id, task);
            let people = (0..customers).map(|place| person(&mut prng, place)).collect();
            // The job was made just now: it takes customers.
            let _ = world.import(id, people);
            if let Some(job) = world.jobs.get_mut(&id) {
                let fate = FATES[number % FATES.len()];
                job.fate = fate.map(|(cause, again_ms)| (customers.div_ceil(3), cause, again_ms));
            }
            // Every seventh begins shortly before its break.
            let start_ms = match number % 7 {
                6 => at(11, 58),
                _ => at(9, 0) + prng.between(0, 90) * MINUTE_MS,
            };
            world.order_at(start_ms, id, Cause::Start);
        }
        world
    }

    /// Its events in their order, each with its key.
    /// Beside each, how many customers are through, of how many.
    pub fn into_lines(self, mut world: World) -> impl Iterator<Item = (Line, (usize, usize))> {
        let name = self.name();
        (0_u64..).map_while(move |number| {
            let event: Event = world.next_event()?;
            let key = format!("robot/{name}/{number}");
            Some((Line { key, event }, world.progress()))
        })
    }
}

/// The task of a job of the plan.
pub(super) fn task(number: usize) -> Task {
    let (_, name) = dial::robot(number);
    let rules = [(6, 2, 5), (5, 1, 60), (2, 2, 10), (10, 3, 0), (3, 1, 1)];
    Task {
        name: format!("{name}-{}", number + 1),
        // Every fourth is timed.
        task_type: if number % 4 == 3 { 1 } else { 2 },
        start_date: String::new(),
        hours: Hours {
            start: TimeOfDay::at(9, 0),
            end: TimeOfDay::at(if number.is_multiple_of(2) { 20 } else { 18 }, 0),
            rest: Some((TimeOfDay::at(12, 0), TimeOfDay::at(13, 30))),
        },
        call_type: i64::try_from(number % 3).unwrap_or(0),
        concurrency: 5,
        robot: number % dial::ROBOTS,
        scene_def_id: 192,
        scene_record_id: 192,
        sms_type: i64::from(number % 6 == 3),
        redials: RedialRules::new(
            rules
                .into_iter()
                .filter_map(|(status, times, minutes)| RedialRule::new(status, times, minutes).ok())
                .collect(),
        ),
        remark: String::new(),
    }
}

/// A customer whom nobody has.
fn person(prng: &mut Prng, place: usize) -> NewCustomer {
    let name = dial::customer_name(prng);
    // All numbers of a job differ, up to 70 times 10,000 of them.
    let (head, tail) = ((place % 10_000 + place / 10_000) % 70, place % 10_000);
    let phone = format!("1{}xxxx{tail:04}", head + 30);
    let mut properties = Map::new();
    properties.insert("姓名".to_owned(), Value::String(name.clone()));
    NewCustomer {
        name,
        phone,
        properties,
    }
}
