//! The bound of the queue, with nobody who empties it.

use super::*;
use crate::clock::test::TestClock;

/// A context of no particular trace.
pub(super) fn carried() -> Arc<Carried> {
    Arc::new(Carried {
        context: Context::root(1.0),
        offset_us: 0,
    })
}

/// A tracer whose queue has this room, and its other end.
fn tracer(room: usize, sample: f64) -> (Tracer, mpsc::Receiver<Span>, Arc<Metrics>) {
    let (spans, queue) = mpsc::channel(room);
    let metrics = Arc::new(Metrics::new([]));
    let on = On {
        clock: Arc::new(TestClock::new()),
        metrics: Arc::clone(&metrics),
        sample,
        spans,
    };
    let on = Some(Arc::new(on));
    (Tracer { on }, queue, metrics)
}

fn request(tracer: &Tracer) {
    let intake = tracer.intake(&HeaderMap::new(), "/v1/calls", Kind::Call);
    intake.unwrap().end(StatusCode::ACCEPTED);
}

#[test]
fn what_finds_no_room_is_dropped_and_counted() {
    let (tracer, mut queue, metrics) = tracer(2, 1.0);
    for _ in 0..5 {
        request(&tracer);
    }
    assert_eq!(metrics.traces.dropped.get(), 3);
    assert!(queue.try_recv().is_ok() && queue.try_recv().is_ok() && queue.try_recv().is_err());
    drop(queue);
    request(&tracer);
    assert_eq!(metrics.traces.dropped.get(), 4);
}

#[test]
fn a_trace_that_is_not_told_is_passed_on_all_the_same() {
    let (tracer, mut queue, metrics) = tracer(2, 0.0);
    request(&tracer);
    let sending = tracer.send(None, 0).unwrap();
    let parent = sending.headers().parent;
    assert!(parent.to_str().unwrap().ends_with("-02"), "{parent:?}");
    assert!(queue.try_recv().is_err());
    assert_eq!(metrics.traces.dropped.get(), 0);
}

#[test]
fn without_a_collector_there_is_nothing() {
    let tracer = Tracer::default();
    assert!(
        tracer
            .intake(&HeaderMap::new(), "/v1/calls", Kind::Call)
            .is_none()
    );
    assert!(tracer.send(Some(&carried()), 0).is_none());
}
