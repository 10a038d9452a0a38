//! Every limit that bounds memory, work and time, with its reason.

/// The largest event body taken in or rendered, in bytes (design, *Names that scripts rely on*).
pub const EVENT_BYTES: usize = 1024 * 1024;
/// The largest ndjson batch, in bytes.
pub const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of request bodies that the API holds in memory, being read or worked on; beyond it requests are answered 503. The
/// first [`BODY_BYTES_FREE`] of each do not count: the number of connections bounds them.
pub const BODY_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of each request's body that do not count among [`BODY_BYTES`]: a usual event is smaller, and needs no permit.
pub const BODY_BYTES_FREE: usize = 16 * 1024;
/// Sends in flight over all endpoints: sockets and tasks are bounded by it. Each takes some 25 kB beside its body (task,
/// connection, buffers), so that all of them take 50 MB when ten thousand endpoints fail at once.
pub const IN_FLIGHT: usize = 2048;
/// Finished sends whose outcome is not durable yet, over all endpoints. At this many no further send starts, so that a
/// store that cannot record stops the sending.
pub const UNRECORDED: usize = 4096;
/// Bytes of bodies held by the engine over all endpoints, queued and in flight. A lane takes more as long as it holds less
/// than is free.
pub const ENGINE_BYTES: usize = 32 * 1024 * 1024;
/// Beyond [`ENGINE_BYTES`], up to this, a lane may still hold [`LANE_BYTES_LEAST`], so that none starves while others are
/// busy with large bodies.
pub const ENGINE_BYTES_MOST: usize = 64 * 1024 * 1024;
/// The same for bodies that are larger than [`LANE_BYTES_LEAST`]: they leave the rest to usual ones.
pub const ENGINE_BYTES_LARGE: usize = 48 * 1024 * 1024;
/// Deliveries that one lane keeps queued in memory.
pub const LANE_QUEUE: usize = 1024;
/// Bytes of bodies that one lane keeps queued in memory (one delivery always fits): enough for a send each millisecond
/// while the next page is read.
pub const LANE_BYTES: usize = 512 * 1024;
/// Bytes of bodies that a lane may hold in memory when [`ENGINE_BYTES`] is used up: the default in-flight limit times a
/// body of usual size.
pub const LANE_BYTES_LEAST: usize = 128 * 1024;
/// Deliveries that one page read from the store brings at most.
pub const PAGE_ROWS: usize = 256;
/// Bytes of bodies that one page read from the store brings at most (one row always fits).
pub const PAGE_BYTES: usize = 256 * 1024;
/// Deliveries that resends and replays make of one event; a further one is refused. Whoever shows an event shows all of its
/// deliveries with their attempts.
pub const RESENDS_PER_EVENT: usize = 100;
/// Page reads under way at once.
pub const READS: usize = 4;
/// Requests that read or repair which tokens for one company have under way at once, all its tokens together; further ones wait.
/// Half of [`READS`], so that others are never far behind them.
pub const COMPANY_REQUESTS: usize = READS / 2;
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
/// How long the looking at holds rests after the store refused one, in milliseconds: what is held must go all the same.
pub const HOLD_REFUSED_MS: u64 = 60_000;
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
/// Events that one [`crate::store::Write::Prune`] looks at. It is a commit of its own, and what comes in meanwhile waits
/// for it: this and the next two limits keep it to milliseconds.
pub const PRUNE_EVENTS: usize = 512;
/// Rows that one [`crate::store::Write::Prune`] removes (the rows of one event always fit).
pub const PRUNE_ROWS: usize = 512;
/// Bytes of bodies that one [`crate::store::Write::Prune`] removes (one body always fits).
pub const PRUNE_BYTES: usize = 2 * 1024 * 1024;
/// How often the pruning begins anew with the oldest event, in milliseconds: what is kept, such as a million parked
/// events, is looked at so often and no more.
pub const PRUNE_ROUND_MS: u64 = 6 * 60 * 60 * 1000;
/// How long the pruning waits when it has looked at everything that is old enough, in milliseconds.
pub const PRUNE_PAUSE_MS: u64 = 60 * 1000;
/// The pruning rests this many times as long as it worked, so that it takes a fifth of the writer's time at most.
pub const PRUNE_REST: u64 = 4;
/// How long the pruning makes way for a queue that is never empty before it takes its turn all the same, in
/// milliseconds.
pub const PRUNE_PATIENCE_MS: u64 = 1000;
/// How long the pruning stops after it failed, in milliseconds: a row that cannot be removed must not stop the service.
pub const PRUNE_FAILED_MS: u64 = 10 * 60 * 1000;
/// The shortest age at which events are pruned, in milliseconds: repetitions must be recognised that long.
pub const RETENTION_LEAST_MS: u64 = 60 * 60 * 1000;
/// The longest, in milliseconds: ten years.
pub const RETENTION_MOST_MS: u64 = 3650 * 24 * 60 * 60 * 1000;
/// The age at which events are pruned unless it is set, in milliseconds: 30 days.
pub const RETENTION_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// The longest value, before or after a change, that the audit log keeps, in bytes: enough for the settings of an endpoint.
pub const AUDIT_VALUE_BYTES: usize = 8 * 1024;
/// The age at which entries of the audit log are removed unless it is set, in milliseconds: 365 days.
pub const AUDIT_RETENTION_MS: u64 = 365 * 24 * 60 * 60 * 1000;
/// Entries that one [`crate::store::Write::PruneAudit`] removes.
pub const AUDIT_PRUNE_ROWS: usize = 512;
/// How often the audit log is pruned, in milliseconds.
pub const AUDIT_PRUNE_PAUSE_MS: u64 = 60 * 60 * 1000;
/// How long the pruning of the audit log waits between two parts, in milliseconds.
pub const AUDIT_PRUNE_REST_MS: u64 = 1000;
/// Deliveries that the failed-callback query looks at before it stops counting.
pub const MISSED_ROWS: usize = 50_000;
/// The most days, first and last included, of one failed-callback query.
pub const MISSED_DAYS: i32 = 31;
/// The most calls on one page of the failed-callback query (contract, section 6).
pub const MISSED_PAGE: usize = 500;
/// Calls on one page of the failed-callback query when none is asked for.
pub const MISSED_PAGE_DEFAULT: usize = 100;
/// Rows that one answer of a reconciliation counts before it stops and says `partial`: as many as a page of a search looks at,
/// so that it takes no longer.
pub const RECONCILE_ROWS: usize = 5_000;
/// The most days, first and last included, of one reconciliation.
pub const RECONCILE_DAYS: i32 = 31;
/// The days of a reconciliation when no first one is asked for.
pub const RECONCILE_DAYS_DEFAULT: i32 = 7;
/// Free bytes inside the store's file beyond which, if they are also a quarter of it, the file is made shorter. Less is
/// left for what comes in.
pub const SHRINK_FREE_BYTES: u64 = 64 * 1024 * 1024;
/// By how much one [`crate::store::Write::Prune`] makes the file shorter, in bytes.
pub const SHRINK_STEP_BYTES: u64 = 1024 * 1024;
/// Bytes that a backup copies between two looks at the write-ahead log.
pub const BACKUP_STEP_BYTES: u64 = 4 * 1024 * 1024;
/// The length of the write-ahead log at which a backup gives up unless it is told otherwise: while it reads, the log
/// cannot begin anew.
pub const BACKUP_WAL_BYTES: u64 = 448 * 1024 * 1024;
/// Writes taken into one commit.
pub const COMMIT_WRITES: usize = 1024;
/// Deliveries that the events taken into one commit bring (one event always fits): an event to a hundred endpoints is a
/// hundred rows, for which everybody else in the queue waits.
pub const COMMIT_DELIVERIES: usize = 4096;
/// Bytes of event bodies taken into one commit (one event always fits).
pub const COMMIT_BYTES: usize = 8 * 1024 * 1024;
/// Writes that may wait for the committer; beyond it intake is answered 503.
pub const QUEUE_WRITES: usize = 8192;
/// Bytes of event bodies that may wait for the committer; beyond it intake is answered 503.
pub const QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// Free bytes below which the disk counts as nearly full and intake is answered 503.
pub const DISK_FREE_LEAST: u64 = 256 * 1024 * 1024;
/// Free bytes without which a store that failed on a full disk is not opened again: enough for the largest commit.
pub const DISK_FREE_REOPEN: u64 = 16 * 1024 * 1024;
/// How long one page of a search or of a reconciliation may take before it ends early, in milliseconds: a row may cost a few
/// reads of the disk, and a page is to take less than 100 ms also where nothing of it is in memory.
pub const PAGE_MS: u64 = 50;
/// How long the dry run of a replay, or the counting of a failed-callback query, may take before it ends early, in milliseconds.
pub const READ_SOFT_MS: u64 = 500;
/// How long a read may take at all, in milliseconds: it is then ended with an error, since the write-ahead log cannot begin
/// anew while it lasts.
pub const READ_MS: u64 = 1000;
/// The beginning of an answer's body that is kept with an attempt, in bytes.
pub const ATTEMPT_BODY_BYTES: usize = 4 * 1024;
/// The longest user name, client id, scope or audience of an endpoint's credentials, in bytes.
pub const CREDENTIAL_NAME_BYTES: usize = 1024;
/// The longest password, token or client secret of an endpoint's credentials, in bytes. Receivers commonly take no
/// longer headers.
pub const CREDENTIAL_SECRET_BYTES: usize = 8 * 1024;
/// The longest certificate chain, and the longest key, of an endpoint's client certificate, in bytes of PEM.
pub const CLIENT_CERTIFICATE_BYTES: usize = 64 * 1024;
/// How long a token is used whose server does not say how long it lasts, in milliseconds. One that ends earlier is
/// answered 401, and then another is fetched.
pub const TOKEN_LIFE_MS: u64 = 5 * 60 * 1000;
/// The longest that a token is used, whatever its server says, in milliseconds.
pub const TOKEN_LIFE_MS_MOST: u64 = 24 * 60 * 60 * 1000;
/// How long before its end a token is no longer used, in milliseconds; at most half of its life.
pub const TOKEN_MARGIN_MS: u64 = 30 * 1000;
/// The age that a token must have for a 401 to have another fetched, in milliseconds: a receiver that refuses every
/// token must not have one fetched for every send.
pub const TOKEN_AGE_LEAST_MS: u64 = 10 * 1000;
/// The longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;
/// The longest name of an endpoint, in characters of `a-z A-Z 0-9 . _ -`.
pub const ENDPOINT_NAME: usize = 64;
/// Endpoints of one company.
pub const ENDPOINTS_PER_COMPANY: usize = 100;
/// Requests per second of a token that operates or hands over events, unless something else is set: twice what one machine
/// takes in.
pub const API_RATE: u32 = 20_000;
/// Requests per second of a token that only looks and repairs, unless something else is set.
pub const API_RATE_READ: u32 = 200;
/// The most requests per second that can be set.
pub const API_RATE_MOST: u32 = 1_000_000;
/// The most items of one page of the API, and the number when none is asked for.
pub const API_PAGE: usize = 500;
/// Items of one page of the API when none is asked for.
pub const API_PAGE_DEFAULT: usize = 50;
/// How far back a search goes that names a company only, in milliseconds: 7 days.
pub const SEARCH_BACK_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Companies in which a call or job is looked for by its number alone; in more than these the search goes through all
/// events.
pub const SEARCH_COMPANIES: usize = 64;
/// Rows that one page of a search looks at before it stops and says `partial`: a filter that finds none took 90 ms for 10,000
/// (`docs/benchmarks.md`), and a page is to take less than 100 ms.
pub const SEARCH_ROWS: usize = 5_000;
/// How long what is in flight may take after a shutdown began, in milliseconds.
pub const SHUTDOWN_MS: u64 = 10_000;
/// Threads of the runtime for work that blocks: lookups of names, reads of the store, files. All lookups together leave
/// half of them to the rest.
pub const BLOCKING_THREADS: usize = 1024;
/// Lookups of names for sends that are under way at once, those included that nobody waits for any more; further ones wait
/// for a place. Each takes one of [`BLOCKING_THREADS`], and cannot be stopped.
pub const LOOKUPS: usize = 448;
/// Lookups for the endpoints of one company that are under way at once: two for each that it can have.
pub const LOOKUPS_PER_COMPANY: usize = 2 * ENDPOINTS_PER_COMPANY;
/// Lookups for one target that are under way at once: where one packet is lost, another lookup may still be answered.
pub const LOOKUPS_PER_TARGET: usize = 2;
/// How long the addresses of an egress proxy that is given by name are used before its name is looked up again, in
/// milliseconds.
pub const PROXY_ADDRESSES_MS: u64 = 5_000;
/// How long they are used at the most while that lookup is under way or fails, in milliseconds.
pub const PROXY_ADDRESSES_KEPT_MS: u64 = 5 * 60 * 1000;
/// How long a client of the API may take nothing of an answer before its connection is closed, in milliseconds.
pub const API_WRITE_MS: u64 = 30_000;
/// How long a rotated signing secret goes on signing beside the new one, in milliseconds.
pub const SECRET_OVERLAP_MS: u64 = 24 * 60 * 60 * 1000;
/// How often the facts for alerts are gathered, in milliseconds.
pub const ALERT_ROUND_MS: u64 = 60_000;
/// Endpoints that one round of the alerts looks up in the store; with more they take turns.
pub const ALERT_ENDPOINTS: usize = 10_000;
/// Endpoints that one read of such a round looks up: two index look-ups each.
pub const ALERT_PAGE: usize = 500;
/// How long sends may go out without an acknowledgement before their endpoint is failing, in milliseconds (delivery
/// rules, *Breaker*).
pub const ALERT_UNACKNOWLEDGED_MS: u64 = 10 * 60 * 1000;
/// After how much time an alert that lasts is told again, in milliseconds; the last of them again and again.
pub const ALERT_REPEATS_MS: [u64; 3] = [60 * 60 * 1000, 4 * 60 * 60 * 1000, 24 * 60 * 60 * 1000];
/// How long a condition must not hold before its alert has ended, in milliseconds: what comes and goes is one alert.
pub const ALERT_CLEAR_MS: u64 = 3 * 60 * 1000;
/// How long nothing further must happen before an alert that counts has ended, in milliseconds.
pub const ALERT_QUIET_MS: u64 = 24 * 60 * 60 * 1000;
/// How long something may be due in memory while no send ends before the sends count as stopped, in milliseconds: several
/// times the longest time-out.
pub const ALERT_STALLED_MS: u64 = 5 * 60 * 1000;
/// How long before the end of a certificate in an endpoint's settings there is an alert, in milliseconds, each time worse: 30, 14, 7
/// and 3 days, a day, and at its end. From the last but one on it is critical.
pub const ALERT_CERTIFICATE_MS: [u64; 6] = [30 * DAY_MS, 14 * DAY_MS, 7 * DAY_MS, 3 * DAY_MS, DAY_MS, 0];
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Events refused within a round that are worth an alert, unless it is set.
pub const ALERT_REFUSED_LEAST: u64 = 20;
/// Free bytes of the disk below which there is an alert, unless it is set: four times [`DISK_FREE_LEAST`].
pub const ALERT_DISK_FREE_LEAST: u64 = 1024 * 1024 * 1024;
/// Open alerts of all companies, some hundred bytes each: two for each of 10,000 endpoints.
pub const ALERTS_OPEN: usize = 20_000;
/// Alerts that have ended and are still shown; the oldest go first.
pub const ALERTS_KEPT: usize = 1000;
/// Alerts that one [`crate::store::Write::PutAlerts`] keeps.
pub const ALERT_ROWS: usize = 500;
/// Channels for alerts of the installation.
pub const ALERT_CHANNELS: usize = 32;
/// Channels for alerts that one company sets.
pub const ALERT_CHANNELS_PER_COMPANY: usize = 10;
/// Recipients of one such channel's mail: they are sent to in the operator's name.
pub const ALERT_RECIPIENTS: usize = 10;
/// The longest address of such a channel, in bytes.
pub const ALERT_URL_BYTES: usize = 2048;
/// The longest secret of such a channel, in bytes.
pub const ALERT_SECRET_BYTES: usize = 1024;
/// Messages to channels of companies that may be under way at once; further ones wait. The operator's channels do not.
pub const ALERT_SENDS: usize = 256;
/// Notices that may wait for one channel; further ones are dropped and counted. The alerts stay, and are told again.
pub const ALERT_QUEUE: usize = 4096;
/// How long a channel gathers notices before it sends one message, in milliseconds, unless it is set.
pub const ALERT_WINDOW_MS: u64 = 30_000;
/// The shortest such time, in milliseconds.
pub const ALERT_WINDOW_MS_LEAST: u64 = 1_000;
/// The longest such time, in milliseconds.
pub const ALERT_WINDOW_MS_MOST: u64 = 60 * 60 * 1000;
/// Waits before a message that could not be sent is sent again, in milliseconds; after the last of them it is given up.
pub const ALERT_RETRIES_MS: [u64; 3] = [5_000, 30_000, 120_000];
/// How long one send of a message may take, in milliseconds.
pub const ALERT_SEND_MS: u64 = 20_000;
/// Spans that may wait for the collector, some 600 bytes each; further ones are dropped and counted.
pub const TRACE_QUEUE: usize = 8192;
/// Spans that the collector gets at once.
pub const TRACE_BATCH: usize = 512;
/// How long the first span of a batch waits for others, in milliseconds.
pub const TRACE_WINDOW_MS: u64 = 1_000;
/// How long the collector may take for a batch, in milliseconds.
pub const TRACE_SEND_MS: u32 = 5_000;
/// Waits before a batch is told again that the collector did not take, in milliseconds; after the last of them it is dropped.
pub const TRACE_RETRIES_MS: [u64; 2] = [1_000, 5_000];
/// The longest such wait, whatever the collector asks for, in milliseconds.
pub const TRACE_RETRY_MS_MOST: u64 = 30_000;
/// How long the last spans may take when the service ends, in milliseconds.
pub const TRACE_FLUSH_MS: u64 = 3_000;
/// Pending deliveries whose trace is known, so that their sends belong to it; the oldest go first.
pub const TRACE_CONTEXTS: usize = 16_384;
/// The longest `tracestate` that is passed on, in bytes: what W3C Trace Context asks for at least.
pub const TRACE_STATE_BYTES: usize = 512;
/// The longest callback that the inbox of `ringback listen` reads, in bytes: the largest event, its envelope, and what a form
/// makes of both.
pub const INBOX_BODY_BYTES: u32 = 4 * 1024 * 1024;
/// Bytes of callbacks that the inbox holds in memory, being read or waiting for their commit; beyond it callbacks are answered 503.
pub const INBOX_MEMORY_BYTES: u32 = 64 * 1024 * 1024;
/// JSON values in a callback, the longest conversation many times over: a body of tiny values takes a hundred times its length
/// in memory once it is read.
pub const INBOX_BODY_VALUES: usize = 100_000;
/// Bytes of callbacks that the inbox holds for the lines about them; what has no room is not shown.
pub const INBOX_SHOWN_BYTES: u32 = 16 * 1024 * 1024;
/// How long the body of a callback may take to come in, in milliseconds.
pub const INBOX_BODY_MS: u64 = 30_000;
/// Writes that may wait for the inbox's writer; beyond it callbacks are answered 503.
pub const INBOX_QUEUE: usize = 8192;
/// Writes that the inbox takes into one commit.
pub const INBOX_COMMIT_WRITES: usize = 1024;
/// Bytes of callbacks that the inbox takes into one commit (one callback always fits).
pub const INBOX_COMMIT_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of headers that the inbox keeps of a callback.
pub const INBOX_HEADER_BYTES: usize = 16 * 1024;
/// Callbacks that were refused and are still shown; the oldest go first.
pub const INBOX_REFUSED: i64 = 1000;
/// Bytes of a refused callback's body that are kept.
pub const INBOX_REFUSED_BYTES: usize = 64 * 1024;
/// Callbacks that one batch to stdout or a file holds.
pub const INBOX_BATCH: usize = 256;
/// Bytes of bodies that such a batch holds (one body always fits).
pub const INBOX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Callbacks that `--exec` and `--forward` work on at a time, unless something else is asked for.
pub const INBOX_AT_ONCE: usize = 8;
/// The most of them.
pub const INBOX_AT_ONCE_MOST: usize = 256;
/// How long a command or a forwarded request may take, in milliseconds, unless something else is asked for.
pub const INBOX_HAND_ON_MS: u64 = 60_000;
/// The wait after the first failed attempt to hand on, in milliseconds; it doubles with each further one.
pub const INBOX_RETRY_MS: u64 = 1_000;
/// The longest such wait, in milliseconds.
pub const INBOX_RETRY_MS_MOST: u64 = 5 * 60 * 1000;
/// How long the inbox says nothing more about callbacks that cannot be handed on, once it has, in milliseconds.
pub const INBOX_WARN_MS: i64 = 60_000;
/// The longest wait until a target that could not be reached at all is tried again, in milliseconds.
pub const INBOX_UNREACHABLE_MS_MOST: u64 = 30_000;
/// How long after its first failed attempt a callback is given up, in milliseconds, unless something else is asked for.
pub const INBOX_GIVE_UP_MS: u64 = 24 * 60 * 60 * 1000;
/// How long after the end was asked for what is being handed on may take, in milliseconds.
pub const INBOX_SHUTDOWN_MS: u64 = 10_000;
/// Callbacks that one step of the inbox's pruning looks at.
pub const INBOX_PRUNE_ROWS: usize = 256;
/// How long the pruning rests between two steps, in milliseconds.
pub const INBOX_PRUNE_REST_MS: u64 = 100;
/// How long the pruning rests when nothing more is old enough, in milliseconds.
pub const INBOX_PRUNE_PAUSE_MS: u64 = 60_000;
/// Callbacks on one page of what the inbox shows.
pub const INBOX_PAGE: usize = 50;
/// Callbacks that were given up and that one step of a re-drive takes.
pub const INBOX_REDRIVE_ROWS: usize = 500;
/// Callbacks for which wrong answers are prepared, each by its own; the oldest go first.
pub const INBOX_FAULTS: usize = 1000;
