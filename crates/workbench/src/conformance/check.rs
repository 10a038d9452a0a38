//! What a check is: data. What it sends is made by its script, what it finds is judged by a pure function.

use serde::Serialize;

use super::judge::{Evidence, Ran, Verdict};
use super::maker::Maker;
use super::script::Step;
use super::words::Text;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Does it take each kind of callback at all?
    Kinds,
    /// The form and the time of its answers.
    Answers,
    /// The same event again.
    Repetition,
    /// Events in another order than they happened.
    Order,
    /// What can be in a callback.
    Content,
    /// Who sent it.
    Signature,
    /// How it comes over the wire, and how many.
    Load,
}

impl Group {
    /// Every group, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::Kinds,
        Self::Answers,
        Self::Repetition,
        Self::Order,
        Self::Content,
        Self::Signature,
        Self::Load,
    ];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> Text {
        match self {
            Self::Kinds => Text {
                en: "Kinds",
                zh: "回调类型",
            },
            Self::Answers => Text {
                en: "Answers",
                zh: "应答",
            },
            Self::Repetition => Text {
                en: "Repetition",
                zh: "重复",
            },
            Self::Order => Text {
                en: "Order",
                zh: "顺序",
            },
            Self::Content => Text {
                en: "Content",
                zh: "内容",
            },
            Self::Signature => Text {
                en: "Signature",
                zh: "签名",
            },
            Self::Load => Text {
                en: "Wire and load",
                zh: "传输与压力",
            },
        }
    }
}

/// How bad it is when a check is not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Callbacks are lost, doubled, forged or sent again and again.
    Finding,
    /// It works, and is worth knowing.
    Warning,
}

/// What a check needs besides a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// The signing secret that the receiver knows.
    Secret,
    /// The company's appKey and appSecret, and no signing secret, which would cover `sign` as well.
    AppAlone,
    /// Neither of them.
    NoKeys,
    /// The receiver's journal.
    Journal,
    /// A rule by which the body of the answer matters.
    BodyMatters,
    /// The shape v1: v2 leaves nulls out, has an order of its own, and no `dateTime`.
    V1,
}

/// A check.
#[derive(Debug)]
pub struct Check {
    /// Its name, for `--only` and for scripts: it does not change.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// What is tried, in a few words.
    pub title: Text,
    /// What would go wrong in production.
    pub risk: Text,
    /// How to mend it.
    pub remedy: Text,
    pub(crate) weight: Weight,
    pub(crate) need: Need,
    /// Checks without which this one says nothing.
    pub(crate) after: &'static [&'static str],
    /// What is sent; nothing where the check judges what others saw.
    pub(crate) script: Option<fn(&mut Maker) -> Vec<Step>>,
    pub(crate) judge: fn(&Ran, &Evidence<'_>) -> Verdict,
}
