//! A simulated outbound-call platform: jobs call customers over lines, within working hours, again where a rule says so,
//! and what happens is told as the events that a real platform hands over.
//!
//! [`World`] is pure: it is told the time and what people do, and gives out [`Event`]s; the same seed and the same orders
//! give the same events, byte for byte. [`Plan`] makes a whole installation of a seed. [`Feed`] hands events to the API of a
//! service, with keys by which a repetition is recognised. [`stand_in`] answers the platform's own API (contract, section
//! 7) over a world.
//!
//! Nobody is called: numbers that the robot makes up have letters in their middle.

mod event;
mod feed;
mod hours;
mod job;
mod pace;
mod plan;
mod redial;
pub mod stand_in;
mod status;
mod world;

pub use event::{Event, Line, LineProblem};
pub use feed::{Feed, FeedProblem, Tally};
pub use hours::{Hours, TimeOfDay};
pub use job::{Imported, NewCustomer, Task};
pub use pace::{Pace, Speed};
pub use plan::Plan;
pub use redial::{RedialRule, RedialRules};
pub use status::{Cause, JobStatus};
pub use world::{Refused, World};
