//! What a run without findings means: that the receiver can go live only where all that matters was tried.

use ringback_server::api::Language;

use super::super::catalogue;
use super::super::check::Group;
use super::super::words::Text;
use super::{Judged, Report, Standing};

const CLEAN: Text = Text {
    en: "No findings: this receiver can go live.",
    zh: "没有发现问题：该接收方可以上线。",
};
const SIGNATURE: Text = Text {
    en: "whether it refuses forged callbacks (needs --secret, or --app)",
    zh: "是否拒绝伪造的回调（需要 --secret，或 --app）",
};
const STORED: Text = Text {
    en: "whether it stores what it acknowledges (needs --journal)",
    zh: "已确认的回调是否已落库（需要 --journal）",
};
const LEFT_OUT: Text = Text {
    en: "the checks that --only leaves out",
    zh: "--only 未选的检查项",
};

/// The sentence about a run without findings; `None` where there are some, or nothing was passed.
pub(super) fn verdict(report: &Report, language: Language) -> Option<String> {
    if report.counts.findings > 0 || report.counts.passed == 0 {
        return None;
    }
    let mut untried: Vec<String> = untried(report)
        .into_iter()
        .map(|text| text.in_language(language).to_owned())
        .collect();
    let not_judged: Vec<&str> = report
        .standing(Standing::NotJudged)
        .map(|judged| judged.id)
        .collect();
    if !not_judged.is_empty() {
        untried.push(not_judged.join(", "));
    }
    if untried.is_empty() {
        return Some(CLEAN.in_language(language).to_owned());
    }
    Some(match language {
        Language::English => format!(
            "No findings in what was tried. Not tried: {}.",
            untried.join("; ")
        ),
        Language::Chinese => format!("已检查的内容没有发现问题。未检查：{}。", untried.join("；")),
    })
}

/// What matters and was not tried.
fn untried(report: &Report) -> Vec<Text> {
    let tried = |is_meant: fn(&Judged) -> bool| {
        report.checks.iter().any(|judged| {
            is_meant(judged)
                && matches!(
                    judged.standing,
                    Standing::Finding | Standing::Warning | Standing::Passed
                )
        })
    };
    let mut untried = Vec::new();
    if report.checks.len() < catalogue::all().count() {
        untried.push(LEFT_OUT);
    }
    // What is tried without keys shows at most that nothing is refused.
    if !tried(|judged| judged.group == Group::Signature && judged.id != "unverified") {
        untried.push(SIGNATURE);
    }
    if !tried(|judged| judged.id == "stored") {
        untried.push(STORED);
    }
    untried
}
