//! The tables of addresses and URLs: what passes, what is refused, and why.

use super::*;
use crate::outbound::AddressClass as C;

fn policy(allow: &[&str]) -> AddressPolicy {
    AddressPolicy::new(allow.iter().map(|range| range.parse().unwrap()).collect())
}

/// Judges each address under `allow`; `None` means that it passes.
#[track_caller]
fn check(allow: &[&str], cases: &[(&str, Option<C>)]) {
    let policy = policy(allow);
    for (text, expected) in cases {
        let address = text.parse::<IpAddr>().unwrap();
        let found = policy.judge(address).err();
        assert_eq!(
            found.map(|refused| refused.class),
            *expected,
            "{text} under {allow:?}"
        );
        assert!(found.is_none_or(|refused| refused.address == address), "{text}");
    }
}

#[test]
fn ipv4_passes_only_when_public() {
    check(
        &[],
        &[
            ("1.1.1.1", None),
            ("93.184.216.34", None),
            ("0.0.0.0", Some(C::Unspecified)),
            ("0.255.255.255", Some(C::Unspecified)),
            ("1.0.0.0", None),
            ("9.255.255.255", None),
            ("10.0.0.0", Some(C::Private)),
            ("10.255.255.255", Some(C::Private)),
            ("11.0.0.0", None),
            ("100.63.255.255", None),
            ("100.64.0.0", Some(C::Shared)),
            ("100.127.255.255", Some(C::Shared)),
            ("100.128.0.0", None),
            ("126.255.255.255", None),
            ("127.0.0.1", Some(C::Loopback)),
            ("127.255.255.255", Some(C::Loopback)),
            ("128.0.0.0", None),
            ("169.253.255.255", None),
            ("169.254.0.0", Some(C::LinkLocal)),
            ("169.254.169.254", Some(C::LinkLocal)),
            ("169.255.0.0", None),
            ("172.15.255.255", None),
            ("172.16.0.0", Some(C::Private)),
            ("172.31.255.255", Some(C::Private)),
            ("172.32.0.0", None),
            ("192.0.0.0", Some(C::Protocol)),
            ("192.0.0.255", Some(C::Protocol)),
            ("192.0.1.0", None),
            ("192.0.2.1", Some(C::Documentation)),
            ("192.0.3.0", None),
            ("192.167.255.255", None),
            ("192.168.0.0", Some(C::Private)),
            ("192.168.255.255", Some(C::Private)),
            ("192.169.0.0", None),
            ("198.17.255.255", None),
            ("198.18.0.0", Some(C::Benchmarking)),
            ("198.19.255.255", Some(C::Benchmarking)),
            ("198.20.0.0", None),
            ("198.51.100.7", Some(C::Documentation)),
            ("203.0.113.7", Some(C::Documentation)),
            ("223.255.255.255", None),
            ("224.0.0.1", Some(C::Multicast)),
            ("239.255.255.255", Some(C::Multicast)),
            ("240.0.0.0", Some(C::Reserved)),
            ("255.255.255.254", Some(C::Reserved)),
            ("255.255.255.255", Some(C::Broadcast)),
        ],
    );
}

#[test]
fn ipv6_passes_only_when_public() {
    check(
        &[],
        &[
            ("2606:4700:4700::1111", None),
            ("2a00:1450:4001:81b::200e", None),
            ("::", Some(C::Unspecified)),
            ("::1", Some(C::Loopback)),
            ("fc00::1", Some(C::Private)),
            ("fdff:ffff::1", Some(C::Private)),
            ("fe80::1", Some(C::LinkLocal)),
            ("febf::1", Some(C::LinkLocal)),
            ("fec0::1", Some(C::Reserved)),
            ("ff02::1", Some(C::Multicast)),
            ("100::1", Some(C::Reserved)),
            ("2001:db8::1", Some(C::Documentation)),
            ("3fff:fff::1", Some(C::Documentation)),
            ("3fff:1000::1", None),
            ("2001:2::1", Some(C::Protocol)),
            ("2001:20::1", Some(C::Protocol)),
            ("2001:1ff::1", Some(C::Protocol)),
            ("2001:200::1", None),
            ("1fff::1", Some(C::Reserved)),
            ("4000::1", Some(C::Reserved)),
            ("5f00::1", Some(C::Reserved)),
        ],
    );
}

#[test]
fn an_embedded_ipv4_address_decides() {
    check(
        &[],
        &[
            // Mapped, compatible and translated.
            ("::ffff:1.1.1.1", None),
            ("::ffff:127.0.0.1", Some(C::Loopback)),
            ("::ffff:169.254.169.254", Some(C::LinkLocal)),
            ("::ffff:0.0.0.0", Some(C::Unspecified)),
            ("::127.0.0.1", Some(C::Loopback)),
            ("::10.0.0.1", Some(C::Private)),
            ("::2", Some(C::Unspecified)),
            ("::ffff:0:10.0.0.1", Some(C::Private)),
            // NAT64, well-known and local.
            ("64:ff9b::1.1.1.1", None),
            ("64:ff9b::10.0.0.1", Some(C::Private)),
            ("64:ff9b::169.254.169.254", Some(C::LinkLocal)),
            ("64:ff9b:1::1.1.1.1", Some(C::LocalTranslation)),
            ("64:ff9b:1:a00:0:100::", Some(C::LocalTranslation)),
            ("64:ff9b:2::1", Some(C::Reserved)),
            // 6to4.
            ("2002:101:101::1", None),
            ("2002:7f00:1::1", Some(C::Loopback)),
            ("2002:a9fe:a9fe::1", Some(C::LinkLocal)),
            // Teredo: the server in clear, the client inverted (127.0.0.1 is 80ff:fffe).
            ("2001:0:101:101::fefe:fefe", None),
            ("2001:0:101:101::80ff:fffe", Some(C::Loopback)),
            ("2001:0:a00:1::fefe:fefe", Some(C::Private)),
            // ISATAP.
            ("2606:4700::5efe:1.1.1.1", None),
            ("2606:4700::5efe:10.0.0.1", Some(C::Private)),
            ("2606:4700::200:5efe:10.0.0.1", Some(C::Private)),
            ("fe80::5efe:1.1.1.1", Some(C::LinkLocal)),
        ],
    );
}

#[test]
fn allowed_ranges_are_admitted_in_every_form_and_nothing_else_is() {
    check(
        &["10.1.0.0/16", "127.0.0.1/32"],
        &[
            ("10.1.2.3", None),
            ("10.2.0.0", Some(C::Private)),
            ("::ffff:10.1.2.3", None),
            ("::ffff:10.2.0.0", Some(C::Private)),
            ("64:ff9b::10.1.2.3", None),
            ("2002:a01:203::1", None),
            ("127.0.0.1", None),
            ("127.0.0.2", Some(C::Loopback)),
            ("::1", Some(C::Loopback)),
        ],
    );
    check(
        &["fd00::/8", "::1/128", "64:ff9b:1::/48"],
        &[
            ("fd00::1", None),
            ("fc00::1", Some(C::Private)),
            ("::1", None),
            ("64:ff9b:1::10.0.0.1", None),
            ("127.0.0.1", Some(C::Loopback)),
        ],
    );
    check(
        &["0.0.0.0/0"],
        &[
            ("127.0.0.1", None),
            ("::ffff:127.0.0.1", None),
            ("::1", Some(C::Loopback)),
        ],
    );
}

#[test]
fn the_message_names_the_class_and_the_remedy() {
    let refused = policy(&[]).judge("::ffff:10.0.0.1".parse().unwrap()).unwrap_err();
    let text = "::ffff:10.0.0.1 is a private address; RINGBACK_OUTBOUND_ALLOW can admit it";
    assert_eq!(refused.to_string(), text);
}

/// Judges a URL under an empty policy: `Ok`, a problem of its form, or the class of its literal address.
#[track_caller]
fn check_url(text: &str, expected: Result<(), UrlProblem>) {
    let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(policy(&[]).check_url(&url), expected, "{text} is {url}");
}

#[test]
fn the_form_of_a_url_is_checked() {
    check_url("http://example.com/callback", Ok(()));
    check_url("https://example.com:8443/a/b?c=d&e", Ok(()));
    check_url("https://1.1.1.1/", Ok(()));
    check_url("https://[2606:4700:4700::1111]/", Ok(()));
    check_url("http://localhost/", Ok(()));
    check_url("http://bücher.example/", Ok(()));
    check_url("ftp://example.com/", Err(UrlProblem::Scheme));
    check_url("file:///etc/passwd", Err(UrlProblem::Scheme));
    check_url("unix:/run/x", Err(UrlProblem::Scheme));
    check_url("data:,x", Err(UrlProblem::Scheme));
    check_url("http://user@example.com/", Err(UrlProblem::Credentials));
    check_url("http://:secret@example.com/", Err(UrlProblem::Credentials));
    check_url("http://user:secret@example.com/", Err(UrlProblem::Credentials));
    check_url("http://1.1.1.1@127.0.0.1/", Err(UrlProblem::Credentials));
    check_url("http://example.com/#part", Err(UrlProblem::Fragment));
    check_url("http://example.com/#", Err(UrlProblem::Fragment));
}

#[test]
fn every_spelling_of_a_refused_literal_is_refused() {
    let spellings = [
        ("http://127.0.0.1/", C::Loopback),
        ("http://127.1/", C::Loopback),
        ("http://127.0.0.1./", C::Loopback),
        ("http://0x7f.1/", C::Loopback),
        ("http://0x7f000001/", C::Loopback),
        ("http://0177.0.0.1/", C::Loopback),
        ("http://2130706433/", C::Loopback),
        ("http://127.0.0.1:7700/v1", C::Loopback),
        ("http:\\\\127.0.0.1\\", C::Loopback),
        ("http:127.0.0.1", C::Loopback),
        ("http://%31%32%37.0.0.1/", C::Loopback),
        ("http://１２７.０.０.１/", C::Loopback),
        ("http://①②⑦.0.0.1/", C::Loopback),
        ("http://127。0。0。1/", C::Loopback),
        ("http://1\t27.0.0.1/", C::Loopback),
        ("http://0/", C::Unspecified),
        ("http://[::]/", C::Unspecified),
        ("http://[::1]/", C::Loopback),
        ("http://[0:0:0:0:0:0:0:1]/", C::Loopback),
        ("http://[::ffff:127.0.0.1]/", C::Loopback),
        ("http://[::ffff:7f00:1]/", C::Loopback),
        ("http://[::127.0.0.1]/", C::Loopback),
        ("http://[64:ff9b::a00:1]/", C::Private),
        ("http://169.254.169.254/latest/meta-data", C::LinkLocal),
        ("http://2852039166/", C::LinkLocal),
        ("http://[fd00:ec2::254]/", C::Private),
    ];
    for (text, class) in spellings {
        let url = Url::parse(text).unwrap();
        let address = literal(&url).unwrap_or_else(|| panic!("{text} is no literal: {url}"));
        check_url(text, Err(UrlProblem::Address(AddressRefused { address, class })));
    }
}

#[test]
fn what_the_parser_refuses_never_gets_here() {
    for text in [
        "http://",
        "http:///",
        "//example.com",
        "example.com/x",
        "http://[fe80::1%25eth0]/",
        "http://256.0.0.1/",
    ] {
        assert!(Url::parse(text).is_err(), "{text}");
    }
}
