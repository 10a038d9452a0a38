//! What a callback is about, read from its body as leniently as a good receiver reads: unknown members are passed
//! over, and a member of a strange type makes only that member unknown.

use ringback_contract::kind::Kind;
use serde_json::Value;

/// What a callback is about. A member is `None` where the body does not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its kind; `None` where the body is no callback.
    pub kind: Option<Kind>,
    /// companyId.
    pub company_id: Option<i64>,
    /// callInstanceId, inboundInstanceId or callJobId; a correction's sceneInstanceId.
    pub entity_id: Option<i64>,
    /// customerTelephone. Never to be logged unmasked.
    pub phone: Option<String>,
    /// finishStatus of a call.
    pub finish_status: Option<i64>,
    /// duration of a call, in seconds.
    pub duration_s: Option<i64>,
    /// status of a job.
    pub job_status: Option<i64>,
    /// The customer intent level (客户意向等级): its letter where there is one, else its value.
    pub intent: Option<String>,
    /// The platform's `sign`; `None` where it is null or absent.
    pub sign: Option<String>,
    /// The `dateTime` that `sign` covers.
    pub date_time: Option<String>,
}

/// The name of the result that holds the intent level.
const INTENT: &str = "客户意向等级";

/// Reads a body.
#[must_use]
pub fn identify(body: &[u8]) -> Identity {
    serde_json::from_slice::<Value>(body).map_or_else(|_| Identity::default(), |body| identify_value(&body))
}

/// Reads a body that was parsed already.
#[must_use]
pub fn identify_value(envelope: &Value) -> Identity {
    let data = &envelope["data"];
    let content = &data["data"];
    let scene = either(content, ["sceneInstance", "callInstance"]);
    let Some(kind) = either(data, ["dataType", "callbackType"])
        .as_str()
        .and_then(|data_type| Kind::of_callback(data_type, scene.is_object()))
    else {
        return Identity::default();
    };
    let common = Identity {
        kind: Some(kind),
        intent: intent(content),
        ..Identity::default()
    };
    match kind {
        Kind::Call => Identity {
            entity_id: scene["callInstanceId"].as_i64(),
            ..call(scene, content, common)
        },
        Kind::Inbound => Identity {
            entity_id: scene["inboundInstanceId"].as_i64(),
            ..call(scene, content, common)
        },
        Kind::Correction => Identity {
            company_id: content["taskResult"][0]["companyId"].as_i64(),
            entity_id: content["taskResult"][0]["sceneInstanceId"].as_i64(),
            ..common
        },
        Kind::Job => Identity {
            company_id: content["companyId"].as_i64(),
            entity_id: content["callJobId"].as_i64(),
            job_status: either(content, ["status", "callJobStatus"]).as_i64(),
            ..common
        },
    }
}

/// A member by its name in v1, or by that in v2.
fn either<'v>(object: &'v Value, [v1, v2]: [&str; 2]) -> &'v Value {
    object.get(v1).unwrap_or(&object[v2])
}

fn call(scene: &Value, content: &Value, common: Identity) -> Identity {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Identity {
        company_id: scene["companyId"].as_i64(),
        phone: text(&scene["customerTelephone"]),
        finish_status: scene["finishStatus"].as_i64(),
        duration_s: scene["duration"].as_i64(),
        sign: text(&content["sign"]),
        date_time: text(&content["dateTime"]),
        ..common
    }
}

fn intent(content: &Value) -> Option<String> {
    let level = content["taskResult"]
        .as_array()?
        .iter()
        .find(|result| result["resultName"] == INTENT)?;
    [&level["resultValueAlias"], &level["resultValue"]]
        .into_iter()
        .filter_map(Value::as_str)
        .find(|value| !value.is_empty())
        .map(str::to_owned)
}

/// A phone number for people's eyes: the first three and the last four characters where it is long enough to leave
/// something out between them, else nothing of it. Characters that could steer a terminal are replaced: it is whatever stands in a
/// body.
#[must_use]
pub fn mask_phone(phone: &str) -> String {
    let harmless = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let characters: Vec<char> = phone.chars().map(harmless).collect();
    if characters.len() < 10 {
        return "***".to_owned();
    }
    let (head, tail) = (&characters[..3], &characters[characters.len() - 4..]);
    head.iter().chain(&['*'; 4]).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use ringback_contract::samples;

    use super::*;

    #[test]
    fn the_samples_say_what_they_are() {
        let found = |body: &str| {
            let Identity {
                kind,
                company_id,
                entity_id,
                intent,
                ..
            } = identify(body.as_bytes());
            (kind, company_id, entity_id, intent)
        };
        let intent = |level: &str| Some(level.to_owned());
        assert_eq!(
            found(samples::CALL),
            (Some(Kind::Call), Some(1), Some(1), intent("C"))
        );
        assert_eq!(found(samples::JOB), (Some(Kind::Job), Some(243), Some(535), None));
        assert_eq!(
            found(samples::CORRECTION),
            (Some(Kind::Correction), Some(241), Some(2016), intent("B"))
        );
        let call = identify(samples::CALL.as_bytes());
        assert_eq!(
            (call.finish_status, call.duration_s, call.sign),
            (Some(0), Some(35), None)
        );
        assert_eq!(call.date_time.as_deref(), Some("Thu Oct 16 07:13:48 GMT 2014"));
        assert_eq!(identify(samples::JOB.as_bytes()).job_status, Some(2));
    }

    /// Both shapes of an event are about the same.
    #[test]
    fn v2_says_the_same_as_v1() {
        for (v1, v2) in [
            (samples::CALL, samples::V2_CALL),
            (samples::JOB, samples::V2_JOB),
            (samples::CORRECTION, samples::V2_CORRECTION),
        ] {
            let v1 = Identity {
                date_time: None,
                ..identify(v1.as_bytes())
            };
            assert_eq!(identify(v2.as_bytes()), v1);
        }
    }

    #[test]
    fn what_is_no_callback_has_no_kind_and_what_is_strange_is_unknown() {
        for body in [
            "",
            "[]",
            "{",
            "{\"data\":{\"dataType\":\"OTHER\",\"data\":{}}}",
            "{\"data\":{\"dataType\":7}}",
        ] {
            assert_eq!(identify(body.as_bytes()), Identity::default(), "{body}");
        }
        let inbound = r#"{"data":{"dataType":"INBOUND_CALL_INSTANCE_RESULT","data":{"sceneInstance":
            {"inboundInstanceId":9007199254740993,"companyId":"151"}}}}"#;
        let found = identify(inbound.as_bytes());
        assert_eq!(
            (found.kind, found.company_id, found.entity_id),
            (Some(Kind::Inbound), None, Some(9_007_199_254_740_993))
        );
    }

    #[test]
    fn phone_numbers_are_masked() {
        for (phone, masked) in [
            ("13712345678", "137****5678"),
            ("137xxxxxxxx", "137****xxxx"),
            ("+8613712345678", "+86****5678"),
            ("\u{1b}[2J1234567", "\u{fffd}[2****4567"),
            (
                "1371234\n\r\u{9b}\u{7}",
                "137****\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("12345", "***"),
            ("", "***"),
        ] {
            assert_eq!(mask_phone(phone), masked);
        }
    }
}
