//! The context of a trace as W3C Trace Context writes it: which trace, which span, and whether it is told.

use std::fmt::{self, Write as _};

use http::{HeaderMap, HeaderValue};
use ringback_core::limits;

use crate::outbound::TraceHeaders;
use crate::outbound::headers::{TRACEPARENT, TRACESTATE};
use crate::random;

/// The id of a span.
pub(super) type SpanId = [u8; 8];

/// The flag by which whoever began a trace says that it is told.
const SAMPLED: u8 = 0b01;
/// The flag by which he says that the trace's id is random.
const RANDOM: u8 = 0b10;

/// A span's place in its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: SpanId,
    pub(super) flags: u8,
    /// What vendors on the way have added; passed on as it came.
    pub(super) state: Option<HeaderValue>,
}

impl Context {
    /// A new trace, told with the probability `sample`.
    pub(super) fn root(sample: f64) -> Self {
        let (trace_id, span_id) = (random::bytes(), random::bytes());
        let flags = if is_sampled(&trace_id, sample) {
            SAMPLED | RANDOM
        } else {
            RANDOM
        };
        Self {
            trace_id,
            span_id,
            flags,
            state: None,
        }
    }

    /// A new span in the same trace.
    pub(super) fn child(&self) -> Self {
        Self {
            span_id: random::bytes(),
            ..self.clone()
        }
    }

    /// Whether its span is told.
    pub(super) const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Reads `traceparent` and `tracestate`. A `traceparent` that is broken, or comes twice, is as if it were not there.
    pub(super) fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = parents.next()?;
        if parents.next().is_some() {
            return None;
        }
        let context = Self::parse(parent.to_str().ok()?)?;
        Some(Self {
            state: state(headers),
            ..context
        })
    }

    /// `00-` trace id `-` span id `-` flags, in lower-case hexadecimal digits. Later versions may have more behind it.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let [version] = hex(parts.next()?)?;
        let (trace_id, span_id) = (hex(parts.next()?)?, hex(parts.next()?)?);
        let [flags] = hex(parts.next()?)?;
        let more = parts.next();
        let is_known = match version {
            0 => more.is_none(),
            0xff => false,
            _ => true,
        };
        (is_known && trace_id != [0; 16] && span_id != [0; 8]).then_some(Self {
            trace_id,
            span_id,
            flags: flags & (SAMPLED | RANDOM),
            state: None,
        })
    }

    /// The headers by which it is passed on.
    pub(super) fn headers(&self) -> TraceHeaders {
        let text = format!(
            "00-{}-{}-{:02x}",
            Hex(&self.trace_id),
            Hex(&self.span_id),
            self.flags
        );
        TraceHeaders {
            // Digits and dashes are always a header.
            parent: HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("")),
            state: self.state.clone(),
        }
    }
}

/// All `tracestate` headers as one; none where that is too long or no text.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut states = headers.get_all(TRACESTATE).iter();
    let first = states.next()?;
    let joined = states.try_fold(first.to_str().ok()?.to_owned(), |joined, next| {
        let next = next.to_str().ok()?;
        (joined.len() + next.len() < limits::TRACE_STATE_BYTES).then(|| format!("{joined},{next}"))
    })?;
    let is_short = !joined.is_empty() && joined.len() <= limits::TRACE_STATE_BYTES;
    is_short.then(|| HeaderValue::from_str(&joined).ok()).flatten()
}

/// By its last seven bytes, as every other service decides that does it by the id: a trace is told whole or not at all.
fn is_sampled(trace_id: &[u8; 16], sample: f64) -> bool {
    const STEPS: f64 = (1_u64 << 53) as f64;
    let random = trace_id[9..]
        .iter()
        .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    // The upper 53 of the 56 bits: an `f64` holds no more exactly, and so none rounds up to 1.
    let fraction = (random >> 3) as f64 / STEPS;
    fraction < sample
}

/// Exactly as many lower-case digits as `N` bytes have.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Bytes as lower-case digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in self.0 {
            f.write_char(DIGITS[usize::from(byte >> 4)].into())?;
            f.write_char(DIGITS[usize::from(byte & 15)].into())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    /// What is passed on of these headers: `traceparent` and `tracestate`.
    #[track_caller]
    fn check(headers: &[(&'static str, &str)], expected: Option<(&str, Option<&str>)>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let found = Context::of_headers(&map).map(|context| {
            let headers = context.headers();
            let text = |value: HeaderValue| value.to_str().unwrap().to_owned();
            (text(headers.parent), headers.state.map(text))
        });
        let expected = expected.map(|(parent, state)| {
            (
                parent.replace("T-S", &format!("{TRACE}-{SPAN}")),
                state.map(str::to_owned),
            )
        });
        assert_eq!(found, expected, "{headers:?}");
    }

    #[test]
    fn a_traceparent_is_read_as_it_is_written() {
        for (given, expected) in [
            (format!("00-{TRACE}-{SPAN}-01"), Some("00-T-S-01")),
            (format!("00-{TRACE}-{SPAN}-00"), Some("00-T-S-00")),
            (format!("00-{TRACE}-{SPAN}-03"), Some("00-T-S-03")),
            (format!("00-{TRACE}-{SPAN}-ff"), Some("00-T-S-03")),
            (format!("01-{TRACE}-{SPAN}-01-more"), Some("00-T-S-01")),
            (format!("cc-{TRACE}-{SPAN}-01"), Some("00-T-S-01")),
            (format!("ff-{TRACE}-{SPAN}-01"), None),
            (format!("00-{TRACE}-{SPAN}-01-more"), None),
            (format!("00-{TRACE}-{SPAN}-1"), None),
            (format!("00-{TRACE}-{SPAN}"), None),
            (format!("00-{}-{SPAN}-01", "0".repeat(32)), None),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None),
            (format!("00-{TRACE}0-{SPAN}-01"), None),
            ("é".to_owned(), None),
            (String::new(), None),
        ] {
            check(&[("traceparent", &given)], expected.map(|parent| (parent, None)));
        }
        check(&[], None);
        let parent = format!("00-{TRACE}-{SPAN}-01");
        check(&[("traceparent", &parent), ("traceparent", &parent)], None);
    }

    #[test]
    fn a_tracestate_is_passed_on_whole_or_not_at_all() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let longest = "a".repeat(limits::TRACE_STATE_BYTES);
        let too_long = "a".repeat(limits::TRACE_STATE_BYTES + 1);
        for (states, expected) in [
            (&["vendor=1"][..], Some("vendor=1")),
            (&["vendor=1", "other=2"], Some("vendor=1,other=2")),
            (&[&longest], Some(longest.as_str())),
            (&[&too_long], None),
            (&["vendor=1", &longest], None),
            (&[""], None),
        ] {
            let mut headers = vec![("traceparent", parent.as_str())];
            headers.extend(states.iter().map(|state| ("tracestate", *state)));
            check(&headers, Some(("00-T-S-01", expected)));
        }
        check(&[("tracestate", "vendor=1")], None);
    }

    #[test]
    fn a_part_of_the_new_traces_is_told() {
        let id = |byte: u8| [byte; 16];
        for (byte, sample, expected) in [
            (0x00, 0.0, false),
            (0x00, 0.01, true),
            (0x02, 0.01, true),
            (0x03, 0.01, false),
            (0x7f, 0.5, true),
            (0x80, 0.5, false),
            (0xff, 0.99, false),
            (0xff, 1.0, true),
        ] {
            assert_eq!(is_sampled(&id(byte), sample), expected, "{byte} {sample}");
        }
        assert!(Context::root(1.0).is_sampled());
        assert!(!Context::root(0.0).is_sampled());
    }

    #[test]
    fn a_child_has_an_id_of_its_own() {
        let parent = Context::root(1.0);
        let child = parent.child();
        assert_ne!(child.span_id, parent.span_id);
        let same = Context {
            span_id: parent.span_id,
            ..child
        };
        assert_eq!(same, parent);
    }
}
