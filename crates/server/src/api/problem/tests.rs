//! The problems, as they go out.

use std::collections::BTreeSet;

use ringback_contract::kind::Kind;

use super::*;

fn written(problem: &Problem) -> String {
    serde_json::to_string(problem).unwrap()
}

#[test]
fn the_form_of_a_problem() {
    assert_eq!(
        written(&Problem::new(Type::NoEvent, "no event has this id")),
        r#"{"type":"urn:ringback:problem:no-event","title":"There is no such event","status":404,"detail":"no event has this id"}"#
    );
    let wrong = FieldError::wrong("timeout", "a number", "a duration");
    assert_eq!(
        written(&Problem::invalid(vec![wrong.clone()])),
        r#"{"type":"urn:ringback:problem:invalid","title":"The request is not valid","status":422,"detail":"timeout: is a number; allowed is a duration","field":"timeout","errors":[{"field":"timeout","detail":"is a number; allowed is a duration","found":"a number","allowed":"a duration"}]}"#
    );
    let several = Problem::invalid(vec![wrong, FieldError::other("", "is too short")]);
    assert_eq!(
        written(&several),
        r#"{"type":"urn:ringback:problem:invalid","title":"The request is not valid","status":422,"detail":"2 things are wrong: see errors","errors":[{"field":"timeout","detail":"is a number; allowed is a duration","found":"a number","allowed":"a duration"},{"field":"","detail":"is too short"}]}"#
    );
}

#[test]
fn slugs_are_unique_and_statuses_are_errors() {
    let slugs: BTreeSet<_> = Type::ALL.iter().map(|kind| kind.slug()).collect();
    assert_eq!(slugs.len(), Type::ALL.len());
    for kind in Type::ALL {
        assert!(
            kind.status().is_client_error() || kind.status().is_server_error(),
            "{kind:?}"
        );
    }
}

#[test]
fn the_headers_that_belong_to_a_problem() {
    for (problem, name, expected) in [
        (
            Problem::new(Type::Unauthorized, ""),
            "www-authenticate",
            Some("Bearer"),
        ),
        (Problem::new(Type::NoEvent, ""), "www-authenticate", None),
        (Unavailable::Behind.into(), "retry-after", Some("1")),
        (Unavailable::DiskNearlyFull.into(), "retry-after", Some("30")),
        (Problem::new(Type::TooLarge, ""), "connection", Some("close")),
        (Problem::new(Type::Invalid, ""), "connection", None),
        (Problem::new(Type::Invalid, ""), "content-type", Some(MEDIA_TYPE)),
    ] as [(Problem, &str, Option<&str>); 7]
    {
        let status = problem.kind.status();
        let response = problem.into_response();
        assert_eq!(response.status(), status);
        assert_eq!(
            response.headers().get(name).map(|value| value.to_str().unwrap()),
            expected,
            "{name}"
        );
    }
}

#[test]
fn what_makes_a_write_impossible_now_is_a_503() {
    for unavailable in [
        Unavailable::Behind,
        Unavailable::DiskNearlyFull,
        Unavailable::StoreFailed,
        Unavailable::ShuttingDown,
    ] {
        let problem = Problem::from(unavailable);
        assert_eq!(problem.kind.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem.retry_after_s, Some(unavailable.retry_after_s()));
    }
}

#[test]
fn refusals_are_404_or_409() {
    for (refusal, status, slug) in [
        (Refusal::NoCompany, 404, "no-company"),
        (Refusal::NoEndpoint, 404, "no-endpoint"),
        (Refusal::NoDelivery, 404, "no-delivery"),
        (Refusal::HasEndpoints, 409, "has-endpoints"),
        (Refusal::HasOpen { at_least: 3 }, 409, "has-open-deliveries"),
        (Refusal::Disabled, 409, "endpoint-disabled"),
        (Refusal::NoneFits, 409, "no-endpoint-fits"),
        (Refusal::ResentTooOften, 409, "resent-too-often"),
        (Refusal::TooManyEndpoints, 409, "too-many-endpoints"),
        (Refusal::NoReplay, 404, "no-replay"),
        (Refusal::TooManyReplays, 409, "too-many-replays"),
    ] {
        let problem = Problem::from(refusal);
        assert_eq!(
            (problem.kind.status().as_u16(), problem.kind.slug()),
            (status, slug)
        );
    }
}

/// Inputs as the contract refuses them, and the field and detail that the API tells.
#[test]
fn an_intake_that_is_refused_names_the_field_and_no_value() {
    for (kind, input, field, detail) in [
        (
            Kind::Call,
            "",
            "",
            "is not one JSON value: line 1, column 0: EOF while parsing a value",
        ),
        (Kind::Call, "[]", "", "is an array; allowed is an object"),
        (
            Kind::Call,
            "{}",
            "sceneInstance",
            "is missing; there must be an object",
        ),
        (
            Kind::Call,
            r#"{"sceneInstance":{"companyId":151}}"#,
            "sceneInstance.callInstanceId",
            "is missing; there must be an integer",
        ),
        (
            Kind::Call,
            r#"{"sceneInstance":{"companyId":151,"callInstanceId":1,"customerTelephone":13812345678}}"#,
            "sceneInstance.customerTelephone",
            "is a number; allowed is a string",
        ),
        (
            Kind::Job,
            r#"{"companyId":243,"callJobId":535,"status":"2"}"#,
            "status",
            "is a string; allowed is an integer",
        ),
    ] {
        let problem = Problem::from(intake::parse(kind, input.as_bytes()).unwrap_err());
        assert_eq!(problem.errors.len(), 1);
        assert_eq!(problem.errors[0].field, field, "{input}");
        assert!(
            problem.errors[0].detail.starts_with(detail),
            "{input}: {}",
            problem.errors[0].detail
        );
        assert!(!written(&problem).contains("1381234"));
    }
}
