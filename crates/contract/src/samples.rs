//! The seed's three samples, byte for byte as published. They are golden files for ringback itself, and
//! handy input for whoever writes a receiver. With them what they become in the shape of v2, and an inbound call
//! result, of which the seed has none.

/// A call result (通话记录回调).
pub const CALL: &str = include_str!("../samples/call.json");

/// A job status (任务状态回调).
pub const JOB: &str = include_str!("../samples/job.json");

/// An intent correction (手动修改客户意向等级回调).
pub const CORRECTION: &str = include_str!("../samples/correction.json");

/// An inbound call result: [`CALL`] with the differences that the vendor's later revisions name.
pub const INBOUND: &str = include_str!("../samples/inbound.json");

/// [`CALL`] in the shape of v2 (see [`crate::v2`]).
pub const V2_CALL: &str = include_str!("../samples/v2/call.json");

/// [`JOB`] in the shape of v2.
pub const V2_JOB: &str = include_str!("../samples/v2/job.json");

/// [`CORRECTION`] in the shape of v2.
pub const V2_CORRECTION: &str = include_str!("../samples/v2/correction.json");
