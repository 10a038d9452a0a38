//! Where an address leads: secrets that nobody can read are not kept for another server, or who may change the address
//! could have them sent to a server of their own.

use url::Url;

use super::super::super::problem::FieldError;

/// Whether the second URL leads to another scheme, host or port than the first. One that cannot be read leads nowhere: it is
/// refused by itself.
pub(super) fn differs(before: &str, after: &str) -> bool {
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    origin(after).is_some_and(|after| origin(before).is_none_or(|before| before != after))
}

/// A secret that cannot be kept, because the member `address` leads elsewhere than before.
pub(super) fn again(field: &str, address: &str) -> FieldError {
    let detail = format!(
        "must be given again: {address} names another scheme, host or port, and what is kept would be sent there"
    );
    FieldError::other(field, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(after: &str, expected: bool) {
        assert_eq!(differs("https://crm.example.com/a", after), expected, "{after}");
    }

    #[test]
    fn addresses_of_the_same_server() {
        check("https://crm.example.com/a", false);
        check("https://CRM.example.com:443/b?c=d", false);
        check("https://crm.example.com:8443/a", true);
        check("http://crm.example.com/a", true);
        check("https://crm.example.com.evil.example/a", true);
        check("https://example.com/a", true);
        check("", false);
    }
}
