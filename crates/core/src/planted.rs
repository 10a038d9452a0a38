//! Mistakes that are planted on purpose, to show that the simulator finds them (`docs/reliability.md`).
//!
//! Without the feature `planted-faults`, which only the simulator's tests switch on, [`planted`] is a constant `false`
//! and nothing of this is compiled in.

/// A mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// SQLite does not sync its log.
    SkipsFsync,
    /// A commit is answered before it has happened; it happens with the next.
    AnswersBeforeCommit,
    /// A commit whose sync failed is answered as if it had worked.
    IgnoresFailedFsync,
    /// The log that an earlier life left is believed as it is.
    BelievesOldLog,
    /// What becomes of a delivery is recorded before it is sent.
    RecordsBeforeSending,
    /// Deliveries of a key do not wait for each other.
    DropsOrderKey,
    /// The gap after a send is that of the send after it.
    TakesNextGap,
    /// What falls due within five seconds is sent now.
    SendsBeforeDue,
    /// The next of a key is not released.
    ForgetsNextOfKey,
    /// Waiting for the head of the key counts towards the maximum age.
    CountsWaitingAsAge,
    /// A job's final status does not wait for its calls.
    IgnoresHold,
    /// A lane that leaves a delivery in the store goes on reading behind it.
    LosesPlaceOfLane,
    /// When a breaker opens, the queue behind it is dropped.
    BreakerDropsQueue,
    /// A send that timed out keeps its slot.
    KeepsSlot,
    /// A body is rendered anew when it is sent again.
    RendersBodyAnew,
    /// A sweep passes over the first delivery of a part.
    SweepSkipsRow,
    /// A repetition is taken for a new event.
    MissesRepetition,
    /// What the receiver asks for comes before the schedule.
    ObeysRetryAfter,
    /// Engine time follows the wall clock wherever it is set.
    FollowsWallClock,
    /// What is old enough is pruned although it is open.
    PrunesWhatIsOpen,
}

impl Mistake {
    /// Every one.
    pub const ALL: [Self; 20] = [
        Self::SkipsFsync,
        Self::AnswersBeforeCommit,
        Self::IgnoresFailedFsync,
        Self::BelievesOldLog,
        Self::RecordsBeforeSending,
        Self::DropsOrderKey,
        Self::TakesNextGap,
        Self::SendsBeforeDue,
        Self::ForgetsNextOfKey,
        Self::CountsWaitingAsAge,
        Self::IgnoresHold,
        Self::LosesPlaceOfLane,
        Self::BreakerDropsQueue,
        Self::KeepsSlot,
        Self::RendersBodyAnew,
        Self::SweepSkipsRow,
        Self::MissesRepetition,
        Self::ObeysRetryAfter,
        Self::FollowsWallClock,
        Self::PrunesWhatIsOpen,
    ];
}

/// Whether this mistake is made.
#[cfg(not(feature = "planted-faults"))]
#[inline]
#[must_use]
pub const fn planted(_fault: Mistake) -> bool {
    false
}

#[cfg(feature = "planted-faults")]
pub use self::with_faults::{plant, planted};

#[cfg(feature = "planted-faults")]
mod with_faults {
    use std::cell::Cell;

    use super::Mistake;

    thread_local! {
        static PLANTED: Cell<Option<Mistake>> = const { Cell::new(None) };
    }

    /// Whether this mistake is made, on this thread.
    #[must_use]
    pub fn planted(fault: Mistake) -> bool {
        PLANTED.get() == Some(fault)
    }

    /// From now on this mistake is made on this thread, and no other.
    pub fn plant(fault: Option<Mistake>) {
        PLANTED.set(fault);
    }
}
