//! The changed callbacks of the checks of content.

use ringback_contract::enums::{self, Enumeration};
use ringback_contract::kind::Kind;

use super::maker::{Draft, Maker};
use super::script::{Send, Step};
use crate::shape::{BEYOND_32_BITS, BEYOND_A_DOUBLE, Shape, numbers};

/// Callbacks of each kind in these shapes, all under way at the same time.
pub(crate) fn shaped(maker: &mut Maker, shapes: &[Shape]) -> Vec<Step> {
    let mut sends = Vec::new();
    for shape in shapes {
        sends.extend(maker.of_each(|maker, kind| maker.draft(kind).shaped(*shape)));
    }
    together(sends)
}

/// Changed callbacks of each kind, all under way at the same time.
pub(crate) fn all_at_once(
    maker: &mut Maker,
    make: impl FnMut(&mut Maker, Kind) -> Option<Draft>,
) -> Vec<Step> {
    together(maker.of_each(make))
}

/// All of them at the same time; no step where there are none.
pub(crate) fn together(sends: Vec<Send>) -> Vec<Step> {
    if sends.is_empty() {
        Vec::new()
    } else {
        vec![Step::Together(sends)]
    }
}

pub(crate) fn unanswered(maker: &mut Maker) -> Vec<Step> {
    let answered = |number| number == 0;
    each_number(
        maker,
        &enums::FINISH_STATUS,
        "finishStatus",
        answered,
        Shape::FinishStatus,
    )
}

pub(crate) fn job_statuses(maker: &mut Maker) -> Vec<Step> {
    each_number(maker, &enums::JOB_STATUS, "status", |_| false, Shape::JobStatus)
}

/// A callback for each number of an enumeration, but for those that are left out.
fn each_number(
    maker: &mut Maker,
    of: &Enumeration,
    field: &str,
    is_left_out: impl Fn(i64) -> bool,
    shape: fn(i64) -> Shape,
) -> Vec<Step> {
    let mut sends = Vec::new();
    for (number, name) in numbers(of, maker.profile()).filter(|(number, _)| !is_left_out(*number)) {
        let made = maker.of_each(|maker, kind| maker.draft(kind).shaped(shape(number)));
        sends.extend(made.into_iter().map(|send| {
            let (en, zh) = (
                format!("{}, {field} {number} ({})", send.what.en, name.en),
                format!("{}，{field} {number}（{}）", send.what.zh, name.zh),
            );
            send.called(en, zh)
        }));
    }
    together(sends)
}

pub(crate) fn intent_levels(maker: &mut Maker) -> Vec<Step> {
    let mut steps = Vec::new();
    for level in ["A", "B", "C", "D", "E", "F", "C级(很少)"] {
        let made = maker.of_each(|maker, kind| maker.draft(kind).shaped(Shape::Level(level)));
        // In order, since they are all of one call.
        steps.extend(made.into_iter().map(|send| {
            Step::One(send.called(format!("a correction to {level}"), format!("修改为 {level}")))
        }));
    }
    steps
}

pub(crate) fn large_ids(maker: &mut Maker) -> Vec<Step> {
    let mut steps = Vec::new();
    for (more, en, zh) in [
        (BEYOND_32_BITS, "beyond 32 bits", "超过 32 位"),
        (BEYOND_A_DOUBLE, "beyond 2^53", "超过 2^53"),
    ] {
        let id = maker.id();
        let made = maker.of_each(|maker, kind| maker.draft_of(kind, id).shaped(Shape::LargeIds(more)));
        // One after another, since the correction is one of the call.
        steps.extend(made.into_iter().map(|send| {
            let (en, zh) = (
                format!("{}, ids {en}", send.what.en),
                format!("{}，id {zh}", send.what.zh),
            );
            Step::One(send.called(en, zh))
        }));
    }
    steps
}
