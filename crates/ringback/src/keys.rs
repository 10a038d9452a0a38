//! Keys that commands are given to sign or to verify with: signing secrets, and appKeys with their appSecrets.
//!
//! What stands on a command line, everybody on the machine can read; so each of them can also be `@FILE`, a file with one
//! on each line. They are read here and not by clap, whose errors repeat what was given.

use ringback_contract::webhook::Secret;
use ringback_workbench::receiver::App;

use crate::failure::Failure;

/// What was given to an option, with the lines of each `@FILE` in its place.
pub(crate) fn texts(option: &str, given: &[impl AsRef<str>]) -> Result<Vec<String>, Failure> {
    let mut texts = Vec::new();
    for given in given {
        let given = given.as_ref();
        let Some(path) = given.strip_prefix('@') else {
            texts.push(given.to_owned());
            continue;
        };
        let lines = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage([format!("{option}: {path} cannot be read: {error}")]))?;
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        texts.extend(lines.map(str::to_owned));
    }
    Ok(texts)
}

/// The signing secrets of an option that can be given several times.
pub(crate) fn secrets(option: &str, given: &[String]) -> Result<Vec<Secret>, Failure> {
    all(option, given, secret_of)
}

/// The signing secret of an option that takes one.
pub(crate) fn secret(option: &str, given: &str) -> Result<Secret, Failure> {
    one(option, given, secret_of)
}

/// The appKeys and appSecrets of an option that can be given several times.
pub(crate) fn apps(option: &str, given: &[String]) -> Result<Vec<App>, Failure> {
    all(option, given, app_of)
}

/// The appKey and appSecret of an option that takes one.
pub(crate) fn app(option: &str, given: &str) -> Result<App, Failure> {
    one(option, given, app_of)
}

/// Reads one of them; the error says of the option what is wrong with it.
type Read<T> = fn(&str) -> Result<T, String>;

fn all<T>(option: &str, given: &[String], read: Read<T>) -> Result<Vec<T>, Failure> {
    let texts = texts(option, given)?;
    texts.iter().map(|text| understood(option, read(text))).collect()
}

fn one<T>(option: &str, given: &str, read: Read<T>) -> Result<T, Failure> {
    let texts = texts(option, &[given])?;
    let read = match texts.as_slice() {
        [text] => read(text),
        lines => Err(format!(
            "takes one, and the file has {} lines with something in them",
            lines.len()
        )),
    };
    understood(option, read)
}

fn understood<T>(option: &str, read: Result<T, String>) -> Result<T, Failure> {
    read.map_err(|wrong| Failure::usage([format!("{option} {wrong}")]))
}

fn secret_of(text: &str) -> Result<Secret, String> {
    Secret::parse(text).map_err(|error| error.to_string())
}

fn app_of(text: &str) -> Result<App, String> {
    text.split_once(':')
        .filter(|(key, secret)| !key.is_empty() && !secret.is_empty())
        .map(|(key, secret)| App {
            key: key.to_owned(),
            secret: secret.to_owned(),
        })
        .ok_or_else(|| "takes an appKey and its appSecret with a colon between them".to_owned())
}
