//! The seed's three samples, byte for byte as published. They are golden files for ringback itself, and
//! handy input for whoever writes a receiver.

/// A call result (通话记录回调).
pub const CALL: &str = include_str!("../samples/call.json");

/// A job status (任务状态回调).
pub const JOB: &str = include_str!("../samples/job.json");

/// An intent correction (手动修改客户意向等级回调).
pub const CORRECTION: &str = include_str!("../samples/correction.json");
