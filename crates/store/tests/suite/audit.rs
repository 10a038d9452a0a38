//! The audit log: an entry with its change, and none without one; search; pruning.

use ringback_contract::kind::Kind;
use ringback_core::audit::{Action, Actor, Entry, Filter, Record};
use ringback_core::company::Kinds;
use ringback_core::limits::AUDIT_PRUNE_ROWS;
use ringback_core::replay::{ReplayChange, ReplayFilter, ReplaySpec};
use ringback_core::store::{PageRequest, Write, Written};
use ringback_core::token::{Scope, Token};

use crate::lab::{COMPANY, Lab, T0, call, correction, on_every_store, put_company, put_endpoint};

on_every_store!(
    what_changes_something_is_told_and_nothing_else,
    the_store_adds_what_only_it_knows,
    it_is_searched_by_filter_in_pages,
    the_oldest_are_pruned_in_parts,
    a_store_that_was_pruned_gives_no_id_again,
);

fn entry(action: Action, object: &str) -> Entry {
    Entry {
        actor: Actor {
            id: "tok_1".to_owned(),
            name: "crm".to_owned(),
        },
        peer: Some("203.0.113.9".to_owned()),
        wall_ms: 1_547_280_572_000,
        action,
        company_id: Some(COMPANY),
        object: object.to_owned(),
        before: None,
        after: Some("{\"sign\":true}".to_owned()),
    }
}

fn all(lab: &mut Lab) -> Vec<Record> {
    let page = PageRequest {
        limit: 1000,
        before: None,
    };
    let page = lab.read().audit(&Filter::default(), &page).unwrap();
    assert_eq!((page.next, page.partial), (None, false));
    page.items
}

fn token(id: &str) -> Token {
    Token {
        id: id.to_owned(),
        name: "crm".to_owned(),
        hash: [7; 32],
        scope: Scope::Operator,
        company_id: None,
        created_wall_ms: 0,
        expires_wall_ms: None,
        last_used_wall_ms: None,
        rate_limit: None,
    }
}

fn what_changes_something_is_told_and_nothing_else(lab: &mut Lab) {
    let company = || put_company(COMPANY, Kinds::COMPANY_DEFAULT);
    let corrected = |level| Write::Accept(Box::new(correction(7, level)));
    for (write, tells) in [
        (Write::DeleteCompany(COMPANY), false),
        (put_endpoint("erp", |_| {}), false),
        (company(), true),
        (put_endpoint("erp", |_| {}), true),
        (Write::DeleteCompany(COMPANY), false),
        (Write::RevokeToken("tok_1".to_owned()), false),
        (Write::AddToken(Box::new(token("tok_1"))), true),
        (Write::RevokeToken("tok_1".to_owned()), true),
        (corrected("B"), true),
        (corrected("B"), false),
        (corrected("C"), true),
        (Write::ChangedOutside, true),
    ] {
        let before = all(lab).len();
        let what = format!("{write:?}");
        let told = entry(Action::CompanyPut, &what);
        let written = lab.write(write.audited(told.clone()));
        assert!(!matches!(written, Written::AuditPruned(_)));
        let after = all(lab);
        assert_eq!(after.len() - before, usize::from(tells), "{what}");
        if tells {
            assert_eq!(after[0].entry, told);
        }
    }
    let before = all(lab).len();
    lab.write(company());
    assert_eq!(all(lab).len(), before, "a write that is not to be told of");
}

fn the_store_adds_what_only_it_knows(lab: &mut Lab) {
    lab.company();
    lab.endpoint("erp", |_| {});
    let delivery = lab.deliver(call(7));
    lab.settle(delivery);
    let told = entry(Action::Resend, &delivery.to_string());
    let Written::Resent(resent) = lab.write(Write::Resend(delivery).audited(told)) else {
        panic!("not resent");
    };
    let after = format!("{{\"deliveryIds\":[\"{}\"]}}", resent.deliveries[0].id);
    assert_eq!(all(lab)[0].entry.after, Some(after));

    let spec = ReplaySpec {
        filter: ReplayFilter {
            company_id: COMPANY,
            kinds: Kind::ALL.into_iter().collect(),
            states: Vec::new(),
            unwanted: true,
            endpoint: None,
            outcome: None,
            call_instance_id: None,
            call_job_id: None,
            from: None,
            to: None,
        },
        per_second: 1,
        include_outdated: false,
    };
    let make = Write::MakeReplay(Box::new(spec)).audited(entry(Action::ReplayMake, ""));
    let Written::Replay(replay) = lab.write(make) else {
        panic!("not made");
    };
    let id = replay.id;
    let made = all(lab)[0].clone();
    assert_eq!(made.entry.object, id.to_string());
    assert!(made.id.0 > id.0, "what a replay looks at is older than it");
    for (change, told) in [
        (ReplayChange::Pause, Some(("running", "paused"))),
        (ReplayChange::Pause, None),
        (ReplayChange::Resume, Some(("paused", "running"))),
        (ReplayChange::Cancel, Some(("running", "cancelled"))),
        (ReplayChange::Resume, None),
    ] {
        let before = all(lab).len();
        lab.write(Write::ChangeReplay(id, change).audited(entry(Action::ReplayPause, "")));
        let after = all(lab);
        assert_eq!(after.len() - before, usize::from(told.is_some()), "{change:?}");
        if let Some((was, is)) = told {
            let state = |state| Some(format!("{{\"state\":\"{state}\"}}"));
            let Entry { before, after, .. } = after[0].entry.clone();
            assert_eq!((before, after), (state(was), state(is)));
        }
    }
}

/// Five entries, a second apart, the first at [`T0`].
fn tell_five(lab: &mut Lab) {
    for (company_id, action, actor) in [
        (Some(1), Action::CompanyPut, "tok_1"),
        (Some(2), Action::CompanyPut, "tok_1"),
        (None, Action::TokenMake, "operator-token"),
        (Some(1), Action::EndpointPut, "tok_2"),
        (Some(1), Action::CompanyPut, "tok_2"),
    ] {
        let told = Entry {
            company_id,
            actor: Actor::named(actor),
            ..entry(action, "")
        };
        lab.write(put_company(1, Kinds::COMPANY_DEFAULT).audited(told));
        lab.pass(1000);
    }
}

fn it_is_searched_by_filter_in_pages(lab: &mut Lab) {
    tell_five(lab);
    let entries = all(lab);
    let anything = Filter::default();
    for (filter, expected) in [
        (anything.clone(), vec![4, 3, 2, 1, 0]),
        (
            Filter {
                company_id: Some(1),
                ..anything.clone()
            },
            vec![4, 3, 0],
        ),
        (
            Filter {
                action: Some(Action::CompanyPut),
                ..anything.clone()
            },
            vec![4, 1, 0],
        ),
        (
            Filter {
                actor: Some("tok_2".to_owned()),
                company_id: Some(1),
                ..anything.clone()
            },
            vec![4, 3],
        ),
        (
            Filter {
                from: Some(T0.plus(1000)),
                to: Some(T0.plus(3000)),
                ..anything.clone()
            },
            vec![2, 1],
        ),
        (
            Filter {
                company_id: Some(3),
                ..anything
            },
            vec![],
        ),
    ] {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = lab
                .read()
                .audit(&filter, &PageRequest { limit: 2, before })
                .unwrap();
            found.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let expected: Vec<_> = expected
            .into_iter()
            .map(|nth: usize| entries[4 - nth].clone())
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

fn tell(lab: &mut Lab, count: usize) {
    let told = |_| put_company(1, Kinds::COMPANY_DEFAULT).audited(entry(Action::CompanyPut, ""));
    let writes: Vec<_> = (0..count).map(told).collect();
    lab.commit(&writes);
}

fn the_oldest_are_pruned_in_parts(lab: &mut Lab) {
    tell(lab, AUDIT_PRUNE_ROWS + 3);
    lab.pass(1000);
    tell(lab, 2);
    for (removed, left) in [(AUDIT_PRUNE_ROWS, 5), (3, 2), (0, 2)] {
        let before = lab.now;
        match lab.write(Write::PruneAudit(before)) {
            Written::AuditPruned(count) => assert_eq!(count, removed),
            other => panic!("{other:?}"),
        }
        assert_eq!(all(lab).len(), left);
    }
}

fn a_store_that_was_pruned_gives_no_id_again(lab: &mut Lab) {
    tell(lab, 1);
    let first = all(lab)[0].id;
    lab.reopen();
    tell(lab, 1);
    let second = all(lab)[0].id;
    assert!(second > first);
    lab.pass(1);
    lab.write(Write::PruneAudit(lab.now));
    lab.reopen();
    assert!(lab.store().start().unwrap().newest >= second.time());
    tell(lab, 1);
    assert!(all(lab)[0].id > second);
}
