//! The forms of the report: what is in each, and that nothing of a receiver's answer gets out of its place.

use ringback_server::api::Language;

use super::super::report::Standing;
use super::*;

const HOSTILE: &str = "<script>alert('1')</script>\u{1b}[2J ]]> & \"";

async fn hostile() -> Report {
    report_of(Fault::Says(HOSTILE), Keys::Secret).await
}

#[tokio::test]
async fn the_terminal_has_the_worst_first_and_nothing_that_steers() {
    let report = hostile().await;
    let english = terminal(&report, Language::English);
    assert!(
        english.starts_with("FINDING call: an ordinary call result\n  - call result: 200 `<script>"),
        "{english}"
    );
    assert!(!english.contains('\u{1b}'));
    assert!(english.trim_end().ends_with(" s)"), "{english}");
    let chinese = terminal(&report, Language::Chinese);
    assert!(
        chinese.starts_with("问题 call: 普通的通话记录回调\n"),
        "{chinese}"
    );
}

#[tokio::test]
async fn the_page_is_whole_and_fetches_nothing() {
    let report = hostile().await;
    for (language, tag, heading) in [
        (Language::English, "lang=\"en\"", "Findings"),
        (Language::Chinese, "lang=\"zh-CN\"", "问题"),
    ] {
        let page = html(&report, language);
        assert!(page.contains(tag) && page.contains(heading) && page.ends_with("</html>\n"));
        for loaded in ["<script", "src=", "@import", "url("] {
            assert!(!page.contains(loaded), "{loaded}");
        }
        for judged in report.standing(Standing::Finding) {
            assert!(page.contains(&format!("id=\"{}\"", judged.id)));
        }
    }
}

#[tokio::test]
async fn junit_has_a_case_for_each_check() {
    let report = hostile().await;
    let xml = junit(&report, Language::English);
    assert_eq!(xml.matches("<testcase ").count(), report.checks.len());
    assert_eq!(xml.matches("<failure ").count(), report.counts.findings);
    let skipped = report.counts.not_judged + report.counts.not_applicable;
    assert_eq!(xml.matches("<skipped ").count(), skipped);
    assert!(xml.contains(&format!(
        "tests=\"{}\" failures=\"4\" errors=\"0\"",
        report.checks.len()
    )));
    assert!(!xml.contains("<script") && !xml.contains('\u{1b}') && !xml.contains("]]>"));
}

#[tokio::test]
async fn json_has_both_languages() {
    let report = serde_json::to_value(hostile().await).unwrap();
    let call = &report["checks"][1];
    assert_eq!(
        (&call["id"], &call["standing"], &call["group"]),
        (&"call".into(), &"finding".into(), &"kinds".into())
    );
    for words in [
        &call["title"],
        &call["observed"][0],
        &call["risk"],
        &call["remedy"],
    ] {
        assert!(words["en"].is_string() && words["zh"].is_string(), "{words}");
    }
    assert_eq!(report["counts"]["findings"], 4);
}
