//! Settings encrypted in the file: nothing of them can be read there, and a key that does not fit is said so.

use std::path::Path;

use ringback_core::audit::{Action, Filter};
use ringback_core::company::{Company, Kinds};
use ringback_core::store::{PageRequest, Store as _, Write};
use ringback_store::secrets::{KEY_FILE, Keys, Secrets};
use ringback_store::sqlite::{OpenError, Sqlite, forget_settings};
use rusqlite::Connection;

use crate::lab::{COMPANY, T0, put_company, put_endpoint};

const FIRST: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const SECOND: &str = "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
/// It stands in the settings of the company and of the endpoint.
const HUSH: &str = "hush-hush-hush-hush";

fn keys(texts: &[&str]) -> Secrets {
    Secrets::Keys(Keys::parse(texts.iter().copied()).unwrap())
}

fn fill(store: &mut Sqlite) {
    let company = Company {
        app_secret: Some(HUSH.to_owned()),
        callbacks: Kinds::COMPANY_DEFAULT,
        ..Company::unconfigured(COMPANY)
    };
    let endpoint = put_endpoint("erp", |settings| {
        settings.headers.insert("X-Key".to_owned(), HUSH.to_owned());
        // More than fits into a page: what is encrypted anew frees pages that nothing else needs.
        settings.tls_ca = Some(HUSH.repeat(2_000));
    });
    let other = put_company(COMPANY + 1, Kinds::COMPANY_DEFAULT);
    store
        .commit(T0, &[Write::PutCompany(Box::new(company)), endpoint, other])
        .unwrap();
}

/// The settings as a start tells them: they hold the secret twice.
fn check_settings(store: &mut Sqlite) {
    let start = store.start().unwrap();
    assert_eq!(start.companies[0].app_secret.as_deref(), Some(HUSH));
    assert_eq!(start.endpoints[0].settings.headers["X-Key"], HUSH);
    assert_eq!((start.companies.len(), start.endpoints.len()), (2, 1));
}

/// Whether any file of the store has the secret in it.
fn shows(dir: &Path) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(HUSH.len()).any(|part| part == HUSH.as_bytes())
    })
}

fn refused(dir: &Path, secrets: &Secrets) -> OpenError {
    match Sqlite::open_with(dir, secrets) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn nothing_of_the_settings_is_in_the_files() {
    for secrets in [keys(&[FIRST]), Secrets::OwnFile] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open_with(dir.path(), &secrets).unwrap();
        fill(&mut store);
        check_settings(&mut store);
        assert!(!shows(dir.path()));
        drop(store);
        assert!(!shows(dir.path()));
        check_settings(&mut Sqlite::open_with(dir.path(), &secrets).unwrap());
    }
}

#[test]
fn a_store_from_before_is_encrypted_when_it_is_opened_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(dir.path()).unwrap();
    fill(&mut store);
    drop(store);
    assert!(shows(dir.path()));
    for _ in 0..2 {
        let mut store = Sqlite::open_with(dir.path(), &Secrets::OwnFile).unwrap();
        check_settings(&mut store);
        assert!(!shows(dir.path()));
    }
    // There is no way back.
    let error = refused(dir.path(), &Secrets::Plain);
    assert!(matches!(error, OpenError::NoSecretsKey { .. }), "{error}");
}

#[test]
fn a_key_that_does_not_fit_is_said_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fill(&mut Sqlite::open_with(dir.path(), &keys(&[FIRST])).unwrap());
    let error = refused(dir.path(), &keys(&[SECOND]));
    let text = error.to_string();
    assert!(matches!(error, OpenError::OtherSecretsKey { .. }), "{text}");
    assert!(text.contains("RINGBACK_SECRETS_KEY"), "{text}");
    // No key is made where one is missing: what it should open would stay closed.
    let error = refused(dir.path(), &Secrets::OwnFile);
    assert!(matches!(error, OpenError::NoSecretsKey { .. }), "{error}");
    assert!(!dir.path().join(KEY_FILE).exists());
    check_settings(&mut Sqlite::open_with(dir.path(), &keys(&[FIRST])).unwrap());
}

#[test]
fn a_key_is_rotated_by_putting_a_new_one_in_front() {
    let dir = tempfile::tempdir().unwrap();
    fill(&mut Sqlite::open_with(dir.path(), &keys(&[FIRST])).unwrap());
    for good in [&[SECOND, FIRST][..], &[SECOND]] {
        check_settings(&mut Sqlite::open_with(dir.path(), &keys(good)).unwrap());
    }
    let error = refused(dir.path(), &keys(&[FIRST]));
    assert!(matches!(error, OpenError::OtherSecretsKey { .. }), "{error}");
}

#[test]
fn a_file_with_keys_is_read_and_never_made() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = elsewhere.path().join("keys");
    let secrets = Secrets::File(file.clone());
    let error = refused(dir.path(), &secrets);
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(!file.exists());
    std::fs::write(&file, FIRST).unwrap();
    fill(&mut Sqlite::open_with(dir.path(), &secrets).unwrap());
    check_settings(&mut Sqlite::open_with(dir.path(), &keys(&[FIRST])).unwrap());
}

#[test]
fn settings_that_were_moved_to_another_row_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = keys(&[FIRST]);
    fill(&mut Sqlite::open_with(dir.path(), &secrets).unwrap());
    let connection = Connection::open(dir.path().join("ringback.db")).unwrap();
    let moved = "UPDATE company SET settings = (SELECT settings FROM company WHERE company_id = ?1)";
    assert_eq!(connection.execute(moved, [COMPANY]).unwrap(), 2);
    drop(connection);
    let error = refused(dir.path(), &secrets);
    assert!(matches!(error, OpenError::Sqlite { .. }), "{error}");
}

#[test]
fn what_nobody_can_read_any_more_is_forgotten_and_all_else_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open_with(dir.path(), &keys(&[FIRST])).unwrap();
    fill(&mut store);
    let version = store.start().unwrap().endpoints[0].version;
    drop(store);
    // As long as a key opens the settings they are not forgotten.
    let error = forget_settings(dir.path(), &keys(&[FIRST]), 0).unwrap_err();
    assert!(matches!(error, OpenError::KeyFits), "{error}");
    check_settings(&mut Sqlite::open_with(dir.path(), &keys(&[FIRST])).unwrap());

    let forgotten = forget_settings(dir.path(), &keys(&[SECOND]), 7).unwrap();
    assert_eq!(forgotten.companies, [COMPANY, COMPANY + 1]);
    assert_eq!(forgotten.endpoints, [(COMPANY, "erp".to_owned())]);
    assert!(Keys::parse([FIRST]).unwrap().has(&forgotten.key_id));
    let mut store = Sqlite::open_with(dir.path(), &keys(&[SECOND])).unwrap();
    let start = store.start().unwrap();
    let unconfigured = [COMPANY, COMPANY + 1].map(Company::unconfigured);
    assert_eq!(start.companies, unconfigured);
    let [endpoint] = &start.endpoints[..] else {
        panic!("{:?}", start.endpoints);
    };
    assert_eq!(
        (endpoint.name.as_str(), endpoint.settings.enabled),
        ("erp", false)
    );
    assert_eq!((endpoint.version, endpoint.sweeping), (version + 1, true));
    assert!(endpoint.settings.headers.is_empty());
    let request = PageRequest {
        limit: 10,
        before: None,
    };
    let told = store
        .reader()
        .unwrap()
        .audit(&Filter::default(), &request)
        .unwrap();
    let entry = &told.items[0].entry;
    assert_eq!((entry.action, entry.wall_ms), (Action::SettingsForget, 7));
    assert_eq!(entry.after.as_deref(), Some(r#"{"companies":2,"endpoints":1}"#));
}
