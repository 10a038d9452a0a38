//! The state machine of a job, as a table.
//!
//! The seed names the statuses and the contract adds the eleventh; neither says how they follow each other. The table is
//! this robot's reading of their names.

/// The status of a job, by the numbers of the wire ([`ringback_contract::enums::JOB_STATUS`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum JobStatus {
    /// 未开始
    NotStarted = 0,
    /// 进行中: it calls.
    Running = 1,
    /// 已完成
    Completed = 2,
    /// 调度中: only customers are left who are called again later.
    Scheduled = 3,
    /// 手动暂停
    PausedByHand = 4,
    /// 自动暂停: it is outside of its hours.
    PausedByItself = 5,
    /// 已终止
    Terminated = 6,
    /// 排队中: it waits for a line.
    Queued = 7,
    /// AI到期
    AiExpired = 8,
    /// 账户欠费
    AccountInArrears = 9,
    /// 短信欠费
    TextsInArrears = 10,
}

use JobStatus::{
    AccountInArrears, AiExpired, Completed, NotStarted, PausedByHand, PausedByItself, Queued, Running,
    Scheduled, Terminated, TextsInArrears,
};

/// Why a job changes its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A person starts it, or its time has come; after arrears somebody has paid.
    Start,
    /// There is a line.
    Line,
    /// Its hours or its break end its calling for now.
    HoursEnd,
    /// Its hours begin.
    HoursBegin,
    /// Whoever is left is called again later.
    RedialsLeft,
    /// The time of a redial has come, or there are new customers.
    RedialDue,
    /// Nobody is left.
    NobodyLeft,
    /// A person pauses it.
    Pause,
    /// A person ends it.
    Stop,
    /// The account is empty.
    Arrears,
    /// The account for text messages is empty.
    TextArrears,
    /// The robot's licence has ended.
    Expiry,
}

/// Every change that there is.
const CHANGES: [(&[JobStatus], Cause, JobStatus); 14] = [
    (
        &[
            NotStarted,
            PausedByHand,
            PausedByItself,
            AiExpired,
            AccountInArrears,
            TextsInArrears,
        ],
        Cause::Start,
        Queued,
    ),
    (&[Queued], Cause::Line, Running),
    (&[Queued, Running, Scheduled], Cause::HoursEnd, PausedByItself),
    (&[PausedByItself], Cause::HoursBegin, Queued),
    (&[Running], Cause::RedialsLeft, Scheduled),
    (&[Scheduled], Cause::RedialDue, Running),
    (&[Running, Scheduled], Cause::NobodyLeft, Completed),
    (
        &[Queued, Running, Scheduled, PausedByItself],
        Cause::Pause,
        PausedByHand,
    ),
    (&[Queued, Running, Scheduled], Cause::Arrears, AccountInArrears),
    (&[Queued, Running, Scheduled], Cause::TextArrears, TextsInArrears),
    (&[Queued, Running, Scheduled], Cause::Expiry, AiExpired),
    (&[NotStarted, Running, Scheduled, Queued], Cause::Stop, Terminated),
    (&[PausedByHand, PausedByItself], Cause::Stop, Terminated),
    (
        &[AiExpired, AccountInArrears, TextsInArrears],
        Cause::Stop,
        Terminated,
    ),
];

impl JobStatus {
    /// Every status, by number.
    pub const ALL: [Self; 11] = [
        NotStarted,
        Running,
        Completed,
        Scheduled,
        PausedByHand,
        PausedByItself,
        Terminated,
        Queued,
        AiExpired,
        AccountInArrears,
        TextsInArrears,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// The status after this cause; `None` where it changes nothing.
    #[must_use]
    pub fn after(self, cause: Cause) -> Option<Self> {
        let mut changes = CHANGES.iter();
        changes
            .find(|(from, by, _)| *by == cause && from.contains(&self))
            .map(|(_, _, to)| *to)
    }

    /// Whether it calls, or will by itself.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Running | Scheduled | Queued | PausedByItself)
    }

    /// Whether it has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Completed | Terminated)
    }
}

#[cfg(test)]
mod tests {
    use ringback_contract::enums;

    use super::*;

    const CAUSES: [Cause; 12] = [
        Cause::Start,
        Cause::Line,
        Cause::HoursEnd,
        Cause::HoursBegin,
        Cause::RedialsLeft,
        Cause::RedialDue,
        Cause::NobodyLeft,
        Cause::Pause,
        Cause::Stop,
        Cause::Arrears,
        Cause::TextArrears,
        Cause::Expiry,
    ];

    /// The whole machine: a row for each status, a column for each cause of [`CAUSES`], -1 for no change.
    #[test]
    fn every_status_and_every_cause() {
        let rows: [(i64, [i64; 12]); 11] = [
            (0, [7, -1, -1, -1, -1, -1, -1, -1, 6, -1, -1, -1]),
            (1, [-1, -1, 5, -1, 3, -1, 2, 4, 6, 9, 10, 8]),
            (2, [-1; 12]),
            (3, [-1, -1, 5, -1, -1, 1, 2, 4, 6, 9, 10, 8]),
            (4, [7, -1, -1, -1, -1, -1, -1, -1, 6, -1, -1, -1]),
            (5, [7, -1, -1, 7, -1, -1, -1, 4, 6, -1, -1, -1]),
            (6, [-1; 12]),
            (7, [-1, 1, 5, -1, -1, -1, -1, 4, 6, 9, 10, 8]),
            (8, [7, -1, -1, -1, -1, -1, -1, -1, 6, -1, -1, -1]),
            (9, [7, -1, -1, -1, -1, -1, -1, -1, 6, -1, -1, -1]),
            (10, [7, -1, -1, -1, -1, -1, -1, -1, 6, -1, -1, -1]),
        ];
        for (status, (number, row)) in JobStatus::ALL.into_iter().zip(rows) {
            assert_eq!(status.number(), number);
            let found = CAUSES.map(|cause| status.after(cause).map_or(-1, JobStatus::number));
            assert_eq!(found, row, "{status:?}");
            assert!(enums::JOB_STATUS.by_number(number).is_some());
        }
    }

    #[test]
    fn a_final_status_is_never_left() {
        for status in JobStatus::ALL {
            let leaves = CAUSES.into_iter().any(|cause| status.after(cause).is_some());
            assert_eq!(leaves, !status.is_final(), "{status:?}");
            assert!(!(status.is_final() && status.is_under_way()));
        }
    }
}
