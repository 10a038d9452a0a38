//! Every limit that bounds memory, work and time, with its reason.

/// The largest event body taken in or rendered, in bytes (design, *Names that scripts rely on*).
pub const EVENT_BYTES: usize = 1024 * 1024;
/// The largest ndjson batch, in bytes.
pub const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Sends in flight over all endpoints: sockets and tasks are bounded by it.
pub const IN_FLIGHT: usize = 4096;
/// Finished sends whose outcome is not durable yet, over all endpoints. At this many no further send starts, so that a
/// store that cannot record stops the sending.
pub const UNRECORDED: usize = 4096;
/// Bytes of bodies held by the engine over all endpoints, queued and in flight.
pub const ENGINE_BYTES: usize = 32 * 1024 * 1024;
/// Deliveries that one lane keeps queued in memory.
pub const LANE_QUEUE: usize = 1024;
/// Bytes of bodies that one lane keeps queued in memory (one delivery always fits), so that it takes dozens of lanes
/// with large queues to use up [`ENGINE_BYTES`].
pub const LANE_BYTES: usize = 512 * 1024;
/// Deliveries that a lane may queue even when [`ENGINE_BYTES`] is used up, so that no lane starves.
pub const LANE_QUEUE_LEAST: usize = 2;
/// Deliveries that one page read from the store brings at most.
pub const PAGE_ROWS: usize = 256;
/// Bytes of bodies that one page read from the store brings at most (one row always fits).
pub const PAGE_BYTES: usize = 256 * 1024;
/// Page reads under way at once.
pub const READS: usize = 4;
/// Deliveries that one [`crate::store::Write::Sweep`], or one `RetryNow`, looks at in one transaction.
pub const SWEEP_ROWS: usize = 2000;
/// How long no call of a job may have been accepted before its final status goes (`holdQuiet`), when nothing else is
/// asked for, in milliseconds (delivery rules, *Hold*).
pub const HOLD_QUIET_MS: u64 = 5_000;
/// The longest `holdQuiet`, in milliseconds: each check of a hold walks the calls of the job that were accepted in it.
pub const HOLD_QUIET_MS_MOST: u64 = 5 * 60 * 1000;
/// How long a job's final status is held at most (`holdLimit`), when nothing else is asked for, in milliseconds
/// (delivery rules, *Hold*).
pub const HOLD_LIMIT_MS: u64 = 10 * 60 * 1000;
/// The shortest `holdLimit`, in milliseconds.
pub const HOLD_LIMIT_MS_LEAST: u64 = 1_000;
/// The longest `holdLimit`, in milliseconds: a day, as the seed's schedule.
pub const HOLD_LIMIT_MS_MOST: u64 = 24 * 60 * 60 * 1000;
/// How often a hold is looked at while calls of its job are open, in milliseconds.
pub const HOLD_CHECK_MS: u64 = 1_000;
/// Held deliveries that one [`crate::store::Write::CheckHolds`] looks at in one transaction.
pub const HOLD_ROWS: usize = 256;
/// The least time between the beginnings of two [`crate::store::Write::CheckHolds`], in milliseconds: with [`HOLD_ROWS`] it keeps the looking at
/// ever so many holds a small part of the committer's work.
pub const HOLD_PAUSE_MS: u64 = 100;
/// Open calls of a job that are counted when somebody asks what its final status waits for.
pub const HOLD_CALLS_COUNTED: usize = 1000;
/// Replays of all companies that are running or paused.
pub const REPLAYS_OPEN: usize = 16;
/// Replays that have ended and are still shown; the oldest go first.
pub const REPLAYS_KEPT: usize = 1000;
/// Events or deliveries that one step of a replay looks at.
pub const REPLAY_ROWS: usize = 100;
/// The least time between two steps of a replay, in milliseconds: with [`REPLAY_ROWS`] it keeps a replay that skips much a
/// small part of the committer's work.
pub const REPLAY_PAUSE_MS: u64 = 50;
/// Deliveries that a replay sends per second, when nothing else is asked for.
pub const REPLAY_PER_SECOND: u32 = 100;
/// The most deliveries that a replay sends per second.
pub const REPLAY_PER_SECOND_MOST: u32 = 1000;
/// Events or deliveries that the dry run of a replay looks at before it stops and says `partial`. Each costs several
/// look-ups, and a read may last a second at most.
pub const DRY_RUN_ROWS: usize = 10_000;
/// Newer events of a key that are looked at, from the newest on, for one that was delivered.
pub const REPLAY_NEWER_ROWS: usize = 64;
/// Writes taken into one commit.
pub const COMMIT_WRITES: usize = 1024;
/// Bytes of event bodies taken into one commit (one event always fits).
pub const COMMIT_BYTES: usize = 8 * 1024 * 1024;
/// Writes that may wait for the committer; beyond it intake is answered 503.
pub const QUEUE_WRITES: usize = 8192;
/// Bytes of event bodies that may wait for the committer; beyond it intake is answered 503.
pub const QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// Free bytes below which the disk counts as nearly full and intake is answered 503.
pub const DISK_FREE_LEAST: u64 = 256 * 1024 * 1024;
/// The beginning of an answer's body that is kept with an attempt, in bytes.
pub const ATTEMPT_BODY_BYTES: usize = 4 * 1024;
/// The longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;
/// The longest name of an endpoint, in characters of `a-z A-Z 0-9 . _ -`.
pub const ENDPOINT_NAME: usize = 64;
/// Endpoints of one company.
pub const ENDPOINTS_PER_COMPANY: usize = 100;
/// The most items of one page of the API, and the number when none is asked for.
pub const API_PAGE: usize = 500;
/// Items of one page of the API when none is asked for.
pub const API_PAGE_DEFAULT: usize = 50;
/// Rows that one page of a search looks at before it stops and says `partial`.
pub const SEARCH_ROWS: usize = 20_000;
/// How long what is in flight may take after a shutdown began, in milliseconds.
pub const SHUTDOWN_MS: u64 = 10_000;
/// How long a rotated signing secret goes on signing beside the new one, in milliseconds.
pub const SECRET_OVERLAP_MS: u64 = 24 * 60 * 60 * 1000;
