//! Companies, endpoints and tokens: making, replacing, deleting; what a start tells of them.

use ringback_contract::kind::Kind;
use ringback_core::alert::{Channel, Destination, Severity};
use ringback_core::company::Company;
use ringback_core::credentials::{ClientAuth, ClientCertificate, Credentials, OAuth2};
use ringback_core::delivery::State;
use ringback_core::endpoint::{RateLimit, SigningSecret};
use ringback_core::language::Language;
use ringback_core::limits::ENDPOINTS_PER_COMPANY;
use ringback_core::store::{Refusal, Write, Written};
use ringback_core::token::{Scope, Token};

use crate::lab::{
    COMPANY, Lab, T0, at, call, correction, delete_endpoint, kinds, on_every_store, put_company,
    put_endpoint, settings,
};

on_every_store! {
    a_company_is_created_once_and_replaced_whole,
    a_company_with_endpoints_stays,
    a_company_with_events_stays_unconfigured,
    an_endpoint_needs_a_configured_company,
    an_endpoint_is_replaced_under_its_number,
    jobs_at_an_endpoint_switch_jobs_on_for_the_company,
    a_company_has_at_most_a_hundred_endpoints,
    an_endpoint_with_open_deliveries_is_deleted_only_on_demand,
    a_deleted_name_is_free_and_its_history_stays,
    settings_survive_a_restart_to_the_last_field,
    tokens_are_kept_and_revoked,
}

fn put(lab: &mut Lab, write: Write) -> (Company, bool) {
    match lab.write(write) {
        Written::Company { company, created } => (company, created),
        other => panic!("{other:?}"),
    }
}

fn a_company_is_created_once_and_replaced_whole(lab: &mut Lab) {
    let full = Company {
        name: Some("百应".to_owned()),
        app_key: Some("demoAppKey0000001".to_owned()),
        app_secret: Some("demoAppSecret00000000000000001".to_owned()),
        sign: true,
        configured: true,
        alert_channels: vec![Channel {
            name: "ops".to_owned(),
            language: Language::Chinese,
            severity: Severity::Critical,
            destination: Destination::DingTalk {
                url: "https://oapi.dingtalk.com/robot/send?access_token=t0".to_owned(),
                secret: Some("SEC0".to_owned()),
            },
        }],
        ..Company::unconfigured(COMPANY)
    };
    assert_eq!(put(lab, Write::PutCompany(Box::new(full.clone()))), (full, true));
    // Whoever puts a company configures it.
    let bare = Company::unconfigured(COMPANY);
    let stored = Company {
        configured: true,
        ..bare.clone()
    };
    assert_eq!(
        put(lab, Write::PutCompany(Box::new(bare))),
        (stored.clone(), false)
    );
    lab.reopen();
    assert_eq!(lab.store().start().unwrap().companies, [stored]);

    // Known from its events only, it is created by the first settings.
    let discovered = ringback_core::event::NewEvent {
        company_id: 7,
        ..call(1)
    };
    lab.accept(discovered);
    assert!(put(lab, put_company(7, kinds(&[Kind::Call]))).1);
}

fn a_company_with_endpoints_stays(lab: &mut Lab) {
    assert_eq!(lab.refused(Write::DeleteCompany(COMPANY)), Refusal::NoCompany);
    lab.company();
    lab.endpoint("erp", |_| ());
    assert_eq!(lab.refused(Write::DeleteCompany(COMPANY)), Refusal::HasEndpoints);
    lab.write(delete_endpoint("erp", false));
    match lab.write(Write::DeleteCompany(COMPANY)) {
        Written::CompanyDeleted { kept: None } => {}
        other => panic!("{other:?}"),
    }
    assert!(lab.store().start().unwrap().companies.is_empty());
    assert_eq!(lab.refused(Write::DeleteCompany(COMPANY)), Refusal::NoCompany);
}

fn a_company_with_events_stays_unconfigured(lab: &mut Lab) {
    lab.company();
    lab.accept(call(1));
    match lab.write(Write::DeleteCompany(COMPANY)) {
        Written::CompanyDeleted { kept } => assert_eq!(kept, Some(Company::unconfigured(COMPANY))),
        other => panic!("{other:?}"),
    }
    assert_eq!(lab.refused(Write::DeleteCompany(COMPANY)), Refusal::NoCompany);
    assert_eq!(lab.refused(put_endpoint("erp", |_| ())), Refusal::NoCompany);
    assert!(lab.accept(call(2)).discovered.is_none());
}

fn an_endpoint_needs_a_configured_company(lab: &mut Lab) {
    assert_eq!(lab.refused(put_endpoint("erp", |_| ())), Refusal::NoCompany);
    lab.accept(call(1));
    assert_eq!(lab.refused(put_endpoint("erp", |_| ())), Refusal::NoCompany);
    assert_eq!(lab.refused(delete_endpoint("erp", true)), Refusal::NoEndpoint);
}

fn an_endpoint_is_replaced_under_its_number(lab: &mut Lab) {
    lab.company();
    let made = lab.endpoint("erp", |_| ());
    assert_eq!((made.version, made.deleted, made.sweeping), (1, false, false));
    let other = lab.endpoint("crm", |_| ());
    assert!(other.id > made.id);
    match lab.write(put_endpoint("erp", |settings| settings.timeout_ms = 1000)) {
        Written::Endpoint {
            endpoint,
            created,
            swept,
            ..
        } => {
            assert_eq!((endpoint.id, endpoint.version, created), (made.id, 2, false));
            assert_eq!(endpoint.settings.timeout_ms, 1000);
            assert_eq!((swept.changed, swept.next), (0, None));
        }
        other => panic!("{other:?}"),
    }
}

fn jobs_at_an_endpoint_switch_jobs_on_for_the_company(lab: &mut Lab) {
    lab.write(put_company(COMPANY, kinds(&[Kind::Call])));
    for (callbacks, on) in [(&[Kind::Call, Kind::Inbound][..], false), (&[Kind::Job], true)] {
        match lab.write(put_endpoint("erp", |settings| {
            settings.callbacks = kinds(callbacks);
        })) {
            Written::Endpoint { company, .. } => assert_eq!(company.callbacks.has(Kind::Job), on),
            other => panic!("{other:?}"),
        }
    }
    lab.reopen();
    let callbacks = lab.store().start().unwrap().companies[0].callbacks;
    assert_eq!(callbacks, kinds(&[Kind::Call, Kind::Job]));
}

fn a_company_has_at_most_a_hundred_endpoints(lab: &mut Lab) {
    lab.company();
    let writes: Vec<Write> = (0..ENDPOINTS_PER_COMPANY)
        .map(|i| put_endpoint(&format!("e{i}"), |_| ()))
        .collect();
    lab.commit(&writes);
    assert_eq!(
        lab.refused(put_endpoint("more", |_| ())),
        Refusal::TooManyEndpoints
    );
    lab.endpoint("e0", |settings| settings.timeout_ms = 1000);
    lab.write(delete_endpoint("e1", false));
    lab.endpoint("more", |_| ());
}

fn an_endpoint_with_open_deliveries_is_deleted_only_on_demand(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| ());
    let settled = lab.deliver(call(1));
    lab.settle(settled);
    let due = lab.deliver(call(2));
    let waiting = lab.deliver(correction(2, "B"));
    assert_eq!(
        lab.refused(delete_endpoint("erp", false)),
        Refusal::HasOpen { at_least: 2 }
    );
    lab.endpoint("erp", |settings| settings.enabled = false);
    assert_eq!(
        lab.refused(delete_endpoint("erp", false)),
        Refusal::HasOpen { at_least: 2 }
    );
    lab.pass(9);
    match lab.write(delete_endpoint("erp", true)) {
        Written::EndpointDeleted { endpoint, swept } => {
            assert!(endpoint.deleted && !endpoint.sweeping);
            assert_eq!((swept.changed, swept.next), (2, None));
        }
        other => panic!("{other:?}"),
    }
    for (id, state, settled_at) in [
        (settled, State::Delivered, T0),
        (due, State::Cancelled, at(9)),
        (waiting, State::Cancelled, at(9)),
    ] {
        let delivery = lab.delivery(id);
        assert_eq!((delivery.state, delivery.settled_at), (state, Some(settled_at)));
    }
    assert!(lab.store().start().unwrap().endpoints.is_empty());
}

fn a_deleted_name_is_free_and_its_history_stays(lab: &mut Lab) {
    lab.company();
    let old = lab.endpoint("erp", |_| ());
    let id = lab.deliver(call(1));
    lab.write(delete_endpoint("erp", true));
    lab.reopen();
    let new = lab.endpoint("erp", |_| ());
    assert!(new.id > old.id);
    assert_eq!(new.version, 1);
    assert_eq!(lab.record_of(id).endpoint_name.as_deref(), Some("erp"));
    assert_eq!(lab.delivery(id).endpoint, Some(old.id));
    let again = lab.accept(call(1));
    assert_eq!(again.deliveries[0].endpoint, Some((old.id, "erp".to_owned())));
}

fn settings_survive_a_restart_to_the_last_field(lab: &mut Lab) {
    lab.company();
    let put = lab.endpoint("erp", |settings| {
        settings.schedule = serde_json::from_str(r#"{"gaps": ["1s", "90s"], "maxAge": "12h"}"#).unwrap();
        settings.rate_limit = Some(RateLimit {
            per_second: 0.1,
            burst: 20,
        });
        settings.secrets = vec![
            SigningSecret {
                secret: "whsec_bmV3".to_owned(),
                until: None,
            },
            SigningSecret {
                secret: "whsec_b2xk".to_owned(),
                until: Some(at(1)),
            },
        ];
        settings.tls_ca = Some("-----BEGIN CERTIFICATE-----".to_owned());
        settings.credentials = Some(Credentials::OAuth2(OAuth2 {
            token_url: "https://id.example/token".to_owned(),
            client_id: "ringback".to_owned(),
            client_secret: "s".to_owned(),
            scope: None,
            audience: Some("erp".to_owned()),
            auth: ClientAuth::Body,
        }));
        settings.client_certificate = Some(ClientCertificate {
            certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
            key: "-----BEGIN PRIVATE KEY-----".to_owned(),
        });
    });
    let id = lab.deliver(call(1));
    lab.reopen();
    let start = lab.store().start().unwrap();
    assert_eq!(start.endpoints, std::slice::from_ref(&put));
    assert_ne!(put.settings.schedule, settings().schedule);
    assert_eq!(lab.delivery(id).schedule, put.settings.schedule);
    // What is made keeps the schedule that it was made with.
    lab.endpoint("erp", |_| ());
    assert_eq!(lab.delivery(id).schedule, put.settings.schedule);
}

fn tokens_are_kept_and_revoked(lab: &mut Lab) {
    let token = |id: &str, byte| Token {
        id: id.to_owned(),
        name: "ci".to_owned(),
        hash: [byte; 32],
        scope: Scope::ALL[usize::from(byte)],
        company_id: (byte == 2).then_some(COMPANY),
        created_wall_ms: 5,
        expires_wall_ms: (byte == 1).then_some(6),
        last_used_wall_ms: None,
        rate_limit: Some(7),
    };
    let add = |lab: &mut Lab, token: Token| match lab.write(Write::AddToken(Box::new(token))) {
        Written::Token(added) => added,
        other => panic!("{other:?}"),
    };
    assert!(add(lab, token("b", 2)));
    assert!(add(lab, token("a", 1)));
    assert!(!add(lab, token("a", 3)));
    let used = vec![("b".to_owned(), 70), ("gone".to_owned(), 80)];
    assert!(matches!(lab.write(Write::UseTokens(used)), Written::Token(true)));
    let b = Token {
        last_used_wall_ms: Some(70),
        ..token("b", 2)
    };
    lab.reopen();
    assert_eq!(lab.store().start().unwrap().tokens, [token("a", 1), b.clone()]);
    for there in [true, false] {
        match lab.write(Write::RevokeToken("a".to_owned())) {
            Written::Token(revoked) => assert_eq!(revoked, there),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(lab.store().start().unwrap().tokens, [b]);
}
