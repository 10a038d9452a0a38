//! The presets against the contract's table, the bounds of custom schedules, and the API shape.

use super::*;

/// The whole table of the contract's section 2.
#[test]
fn the_presets_are_the_contracts_table() {
    let minutes = |list: &[u64]| list.iter().map(|m| m * MINUTE_MS).collect::<Vec<_>>();
    let table = [
        (Preset::Seed, 11, (17, 3, 0), 24),
        (Preset::Seed10, 10, (8, 31, 0), 24),
        (Preset::Table2019, 28, (26, 45, 40), 28),
        (Preset::V2, 16, (4, 41, 40), 24),
    ];
    for (preset, sends, (h, m, s), max_age_h) in table {
        let schedule = Schedule::preset(preset);
        assert_eq!(schedule.sends_at_most(), sends, "{preset:?}");
        let last_send = h * HOUR_MS + m * MINUTE_MS + s * SECOND_MS;
        assert_eq!(schedule.last_send_after_ms(), last_send, "{preset:?}");
        assert_eq!(schedule.max_age_ms(), max_age_h * HOUR_MS, "{preset:?}");
        assert!(last_send < schedule.max_age_ms(), "{preset:?}");
        let rebuilt = Schedule::custom(schedule.gaps_ms().to_vec(), schedule.max_age_ms()).unwrap();
        assert_eq!(
            rebuilt, schedule,
            "{preset:?} keeps the bounds of custom schedules"
        );
    }
    assert_eq!(
        Schedule::preset(Preset::Seed).gaps_ms(),
        minutes(&[1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    );
    assert_eq!(
        Schedule::preset(Preset::Seed10).gaps_ms(),
        minutes(&[1, 2, 4, 8, 16, 32, 64, 128, 256])
    );
    let early = [10 * SECOND_MS, 30 * SECOND_MS];
    let mut table_2019 = early.to_vec();
    table_2019.extend(minutes(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 60, 120]));
    table_2019.extend(minutes(&[120; 11]));
    assert_eq!(Schedule::preset(Preset::Table2019).gaps_ms(), table_2019);
    let mut v2 = early.to_vec();
    v2.extend(minutes(&[1, 2, 3, 5, 6, 7, 8, 9, 10, 20, 30, 60, 120]));
    assert_eq!(Schedule::preset(Preset::V2).gaps_ms(), v2);
    assert_eq!(Schedule::default(), Schedule::preset(Preset::Seed));
}

#[test]
fn gaps_are_counted_by_sends() {
    let schedule = Schedule::custom(vec![1000, 2000], 5000).unwrap();
    let gaps: Vec<_> = (0..5).map(|sends| schedule.gap_after(sends)).collect();
    assert_eq!(gaps, [None, Some(1000), Some(2000), None, None]);
    assert_eq!(schedule.gap_after(u32::MAX), None);
    let once = Schedule::custom(vec![], 1).unwrap();
    assert_eq!((once.sends_at_most(), once.gap_after(1)), (1, None));
}

#[test]
fn custom_schedules_have_bounds() {
    let hour = HOUR_MS;
    for (gaps, max_age, error) in [
        (vec![GAP_MIN_MS; 100], 1, None),
        (vec![GAP_MAX_MS], 720 * hour, None),
        (
            vec![GAP_MIN_MS; 101],
            1,
            Some("gaps: has 101 entries; allowed are 0 to 100"),
        ),
        (
            vec![1000, 499],
            hour,
            Some("gaps[1]: is 499ms; allowed are 500ms to 24h"),
        ),
        (vec![0], hour, Some("gaps[0]: is 0s; allowed are 500ms to 24h")),
        (
            vec![GAP_MAX_MS + 1],
            hour,
            Some("gaps[0]: is 24h1ms; allowed are 500ms to 24h"),
        ),
        (vec![], 0, Some("maxAge: is 0s; allowed are 1ms to 720h (30 d)")),
        (
            vec![],
            720 * hour + 1,
            Some("maxAge: is 720h1ms; allowed are 1ms to 720h (30 d)"),
        ),
    ] {
        let found = Schedule::custom(gaps, max_age).err().map(|e| e.to_string());
        assert_eq!(found.as_deref(), error);
    }
}

#[test]
fn the_api_shape_leads_back() {
    for text in [
        r#""seed""#,
        r#""seed-10""#,
        r#""table-2019""#,
        r#""v2""#,
        r#"{"gaps":["1s","2s"],"maxAge":"24h"}"#,
        r#"{"gaps":[],"maxAge":"1ms"}"#,
    ] {
        let schedule: Schedule = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&schedule).unwrap(), text);
    }
    let same: Schedule = serde_json::from_str(
        r#"{"maxAge":"1d","gaps":["1m","2m","4m","8m","16m","32m","64m","128m","256m"]}"#,
    )
    .unwrap();
    assert_eq!(serde_json::to_string(&same).unwrap(), r#""seed-10""#);
}

#[test]
fn errors_of_the_api_shape_name_the_field() {
    for (text, error) in [
        (
            r#""seeds""#,
            "is no preset of a schedule; allowed are seed, seed-10, table-2019, v2",
        ),
        ("7", "expected the name of a preset"),
        ("null", "expected the name of a preset"),
        (r#"{"gaps":["1s"]}"#, "missing field `maxAge`"),
        (r#"{"maxAge":"1s"}"#, "missing field `gaps`"),
        (r#"{"gaps":["1s","x"],"maxAge":"1s"}"#, "gaps[1]: is no duration"),
        (
            r#"{"gaps":["1s",5],"maxAge":"1s"}"#,
            "gaps: invalid type: integer `5`, expected a duration",
        ),
        (r#"{"gaps":"1s","maxAge":"1s"}"#, "gaps: invalid type: string"),
        (
            r#"{"gaps":["100ms"],"maxAge":"1s"}"#,
            "gaps[0]: is 100ms; allowed are 500ms to 24h",
        ),
        (r#"{"gaps":[],"maxAge":"31d"}"#, "maxAge: is 744h; allowed are"),
        (r#"{"gaps":[],"maxAge":"soon"}"#, "maxAge: is no duration"),
        (
            r#"{"gaps":[],"maxAge":null}"#,
            "maxAge: invalid type: null, expected a duration",
        ),
        (
            r#"{"gaps":[],"maxAge":"1s","jitter":1}"#,
            "unknown field `jitter`",
        ),
        (r#"{"gaps":[],"gaps":[],"maxAge":"1s"}"#, "duplicate field `gaps`"),
    ] {
        let found = serde_json::from_str::<Schedule>(text).unwrap_err().to_string();
        assert!(found.contains(error), "{text}: {found}");
    }
}
