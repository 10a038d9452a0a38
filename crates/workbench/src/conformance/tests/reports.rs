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

/// Nobody is told to go live with what was not tried.
#[tokio::test]
async fn a_run_without_findings_says_what_was_not_tried() {
    const LIVE: [&str; 2] = ["can go live", "可以上线"];
    let all_tried = report_of(Fault::None, Keys::Secret).await;
    let no_keys = report_of(Fault::None, Keys::None).await;
    let clock = Arc::new(TestClock::new());
    let model = Model::bind(Fault::None, Keys::None, clock.clone()).await;
    let only_calls = Options {
        kinds: vec![Kind::Call],
        secret: None,
        journal: None,
        only: vec!["duplicate".to_owned()],
        ..options(&model, Keys::None)
    };
    let only_calls = run(only_calls, clock, |_| {}).await.unwrap();
    let found = report_of(Fault::Says("no"), Keys::Secret).await;
    for (report, untried) in [
        (&all_tried, Some(&[][..])),
        (&no_keys, Some(&["--secret"])),
        (&only_calls, Some(&["--secret", "--journal", "--only"])),
        (&found, None),
    ] {
        for (language, live) in [Language::English, Language::Chinese].into_iter().zip(LIVE) {
            for shown in [html(report, language), terminal(report, language)] {
                let is_live = untried.is_some_and(<[_]>::is_empty);
                assert_eq!(shown.contains(live), is_live, "{shown}");
                let sentence = shown
                    .lines()
                    .find(|line| line.contains("Not tried: ") || line.contains("未检查："));
                assert_eq!(
                    sentence.is_some(),
                    untried.is_some_and(|untried| !untried.is_empty())
                );
                for option in untried.into_iter().flatten() {
                    assert!(sentence.unwrap().contains(option), "{sentence:?}");
                }
            }
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
