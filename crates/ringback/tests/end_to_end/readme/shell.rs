//! As much of a shell as the README needs: assignments, quotes, variables, and calls of `curl` and of the README's own
//! function `api`, which is `curl` with the token.

use std::collections::BTreeMap;
use std::path::Path;

/// Commands that are no requests: building, starting, waiting.
const PASSED_OVER: [&str; 6] = [
    "cargo",
    "./check",
    "./target/release/ringback",
    "sleep",
    "api()",
    "RINGBACK_OUTBOUND_ALLOW",
];

/// One request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) port: u16,
    pub(crate) path: String,
    /// The JSON; empty where there is none.
    pub(crate) body: String,
    pub(crate) with_token: bool,
}

/// What the blocks say.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) requests: Vec<Request>,
}

/// The shell blocks of a Markdown text.
pub(crate) fn blocks(markdown: &str) -> Vec<&str> {
    markdown
        .split("\n```sh\n")
        .skip(1)
        .map(|rest| rest.split_once("\n```").expect("a block ends").0)
        .collect()
}

impl Script {
    pub(crate) fn read(blocks: &[&str]) -> Self {
        let mut script = Self::default();
        for block in blocks {
            for line in block.replace("\\\n", "").lines().filter(|line| !line.is_empty()) {
                script.line(line);
            }
        }
        script
    }

    fn line(&mut self, line: &str) {
        let words = self.words(line);
        let command = words.first().expect("a line has words").as_str();
        if PASSED_OVER.iter().any(|passed| command.starts_with(passed)) {
            return;
        }
        match command {
            "api" | "curl" => self.requests.push(request(&words)),
            "export" => self.assign(&words[1]),
            other => self.assign(other),
        }
    }

    fn assign(&mut self, word: &str) {
        let (name, value) = word
            .split_once('=')
            .unwrap_or_else(|| panic!("{word} is not understood"));
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// The words of a line, without their quotes, with the values of variables.
    fn words(&self, line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            let word = words.last_mut().expect("there is always one");
            match (character, quote) {
                ('\'' | '"', None) => quote = Some(character),
                (_, Some(open)) if open == character => quote = None,
                (' ', None) if word.is_empty() => {}
                (' ', None) => words.push(String::new()),
                ('$', None | Some('"')) => {
                    let mut name = String::new();
                    while let Some(next) =
                        characters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_')
                    {
                        name.push(next);
                    }
                    word.push_str(self.variables.get(&name).map_or("", String::as_str));
                }
                _ => word.push(character),
            }
        }
        words
    }
}

fn request(words: &[String]) -> Request {
    let mut method = None;
    let mut url = None;
    let mut body = String::new();
    let mut rest = words[1..].iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--silent" => {}
            "-X" => method = rest.next().cloned(),
            "--json" => body = json(rest.next().expect("--json has a value")),
            other => url = Some(other),
        }
    }
    let default = if body.is_empty() { "GET" } else { "POST" };
    let url = url.expect("a request has a URL");
    let rest = url
        .strip_prefix("http://127.0.0.1:")
        .expect("everything is on this machine");
    let (port, path) = rest.split_once('/').expect("a URL has a path");
    Request {
        method: method.unwrap_or_else(|| default.to_owned()),
        port: port.parse().expect("a port"),
        path: format!("/{path}"),
        body,
        with_token: words[0] == "api",
    }
}

/// The value of `--json`: a text, or `@` and a file of the repository.
fn json(value: &str) -> String {
    let Some(file) = value.strip_prefix('@') else {
        return value.to_owned();
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(path).expect("the file of the README is there")
}
