//! The language of sentences: Chinese or English, by `Accept-Language`.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
pub use ringback_core::language::Language;

/// The language that a request likes best; English where it likes neither.
pub(crate) fn of(headers: &HeaderMap) -> Language {
    let mut best = (Language::default(), 0.0);
    for value in headers.get_all(ACCEPT_LANGUAGE) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1.0, |quality| quality.trim().parse::<f32>().unwrap_or(0.0));
            let primary = tag.split('-').next().unwrap_or_default();
            let language = Language::ALL
                .into_iter()
                .find(|language| language.tag().eq_ignore_ascii_case(primary));
            if let Some(language) = language
                && quality > best.1
            {
                best = (language, quality);
            }
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_language_that_is_liked_best() {
        for (value, expected) in [
            ("zh", Language::Chinese),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("ZH-hans", Language::Chinese),
            ("en,zh;q=0.9", Language::English),
            ("en;q=0.2, zh;q=0.3", Language::Chinese),
            ("de, zh;q=0.1", Language::Chinese),
            ("de", Language::English),
            ("zh;q=0", Language::English),
            ("zhx", Language::English),
            ("*", Language::English),
            ("", Language::English),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_static(value))]);
            assert_eq!(of(&headers), expected, "{value:?}");
        }
        assert_eq!(of(&HeaderMap::new()), Language::English);
    }
}
