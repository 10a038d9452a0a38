//! Reading and showing a company's settings, case by case.

use serde_json::json;

use super::*;

fn present() -> Company {
    Company {
        configured: true,
        name: Some("old".to_owned()),
        callbacks: Kinds::from_iter([Kind::Call, Kind::Job]),
        app_key: Some("key".to_owned()),
        app_secret: Some("kept".to_owned()),
        sign: true,
        date_time_form: DateTimeForm::Seed,
        ..Company::unconfigured(151)
    }
}

#[track_caller]
fn check_mistakes(body: &str, expected: &[&str]) {
    let problem = CompanyInput::apply(body.as_bytes(), &Company::unconfigured(151)).unwrap_err();
    let found: Vec<String> = problem
        .errors
        .iter()
        .map(|e| format!("{}: {}", e.field, e.detail))
        .collect();
    assert_eq!(found, expected, "{body}");
}

#[test]
fn an_empty_body_makes_the_default_company() {
    let company = CompanyInput::apply(b"{}", &Company::unconfigured(151)).unwrap();
    let expected = Company {
        configured: true,
        ..Company::unconfigured(151)
    };
    assert!(company == expected, "{company:?}");
}

#[test]
fn a_put_replaces_all_but_the_secret_and_the_callbacks() {
    let company = CompanyInput::apply(b"{}", &present()).unwrap();
    let expected = Company {
        configured: true,
        callbacks: present().callbacks,
        app_secret: present().app_secret,
        ..Company::unconfigured(151)
    };
    assert!(company == expected, "{company:?}");
    let nulls = json!({"name": null, "callbacks": null, "appKey": null, "appSecret": null, "sign": null, "dateTimeForm": null});
    let company = CompanyInput::apply(nulls.to_string().as_bytes(), &present()).unwrap();
    assert!(
        company
            == Company {
                configured: true,
                ..Company::unconfigured(151)
            },
        "{company:?}"
    );
}

#[test]
fn every_member_is_taken() {
    let body = json!({
        "name": "示例", "callbacks": ["job"], "appKey": "k", "appSecret": "s", "sign": true, "dateTimeForm": "seed",
    });
    let company = CompanyInput::apply(body.to_string().as_bytes(), &Company::unconfigured(151)).unwrap();
    let expected = Company {
        company_id: 151,
        configured: true,
        name: Some("示例".to_owned()),
        callbacks: Kinds::from_iter([Kind::Job]),
        app_key: Some("k".to_owned()),
        app_secret: Some("s".to_owned()),
        sign: true,
        date_time_form: DateTimeForm::Seed,
        alert_channels: Vec::new(),
    };
    assert!(company == expected, "{company:?}");
    let view = serde_json::to_string(&CompanyView::of(&company)).unwrap();
    assert_eq!(
        view,
        r#"{"companyId":151,"name":"示例","unconfigured":false,"callbacks":["job"],"appKey":"k","hasAppSecret":true,"sign":true,"dateTimeForm":"seed"}"#
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = "a text of 1 to 200 characters";
    check_mistakes(
        r#"{"callback": [], "name": "", "appKey": "a\nb", "callbacks": ["jobs"], "sign": 1, "dateTimeForm": "iso"}"#,
        &[
            "callback: is an unknown member; allowed are name, callbacks, appKey, appSecret, sign, dateTimeForm",
            &format!("name: is a string; allowed is {text}"),
            "callbacks[0]: is another text; allowed is call, correction, inbound, job",
            &format!("appKey: is a string; allowed is {text}"),
            "sign: is a number; allowed is true or false",
            "dateTimeForm: is a string; allowed is rfc1123 or seed",
        ],
    );
    check_mistakes(
        r#"{"sign": true, "appKey": 7}"#,
        &[
            &format!("appKey: is a number; allowed is {text}"),
            "appSecret: is missing; there must be a text, since sign is true",
        ],
    );
}
