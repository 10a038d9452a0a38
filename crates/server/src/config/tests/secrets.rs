//! The keys that settings are encrypted with in the store.

use ringback_store::secrets::Keys;

use super::*;

#[test]
fn keys_of_the_settings_are_read_and_never_shown() {
    let keys = [
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    ];
    let (one, both) = (Keys::parse([keys[0]]).unwrap(), Keys::parse(keys).unwrap());
    let in_file = |text: String| load(&format!("secrets_key = {text}"), &[]);
    let in_environment = |text: &str| load("", &[("RINGBACK_SECRETS_KEY", text)]);
    for (config, expected) in [
        (in_file(format!("{:?}", keys[0])), Secrets::Keys(one.clone())),
        (in_file(format!("{:?}", &keys[..1])), Secrets::Keys(one.clone())),
        (in_file(format!("{keys:?}")), Secrets::Keys(both.clone())),
        (in_environment(keys[0]), Secrets::Keys(one)),
        (in_environment(&keys.join(", ")), Secrets::Keys(both)),
        (in_environment("file:/a/b"), Secrets::File("/a/b".into())),
    ] {
        let config = config.unwrap();
        assert_eq!(config.secrets, expected);
        let shown = format!("{config:?}{:?}", config.describe());
        assert!(!shown.contains("MDEy") && !shown.contains("MTEy"), "{shown}");
    }
    for wrong in ["\"MDEy\"", "[\"MDEy\"]", "[]", "7", "\"file:\""] {
        let mistakes = in_file(wrong.to_owned()).unwrap_err();
        assert!(
            mistakes.len() == 1 && !mistakes[0].contains("MDEy"),
            "{mistakes:?}"
        );
    }
    assert_eq!(load("", &[]).unwrap().secrets, Secrets::OwnFile);
}
