//! `ringback token`: tokens of a running service.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api;
use crate::failure::Failure;
use crate::filters;
use crate::output;
use crate::runtime;
use crate::service::{self, Service, text};

const EXAMPLES: &str = "\
Examples:
  ringback token create \"call platform\" --scope intake --token-file ./ringback-data/operator-token
  ringback token create \"company 151\" --scope tenant --company 151 --expires 2027-01-31T00:00:00Z
  ringback token list --json
  ringback token revoke tok_6e2f9c1d8a3b4c5d --server http://10.0.0.7:7700

Scopes: operator (everything), intake (handing over events, of one company or of all), tenant (its company: reading, \
sending again, endpoints), read-only (of one company or of all). The text of a new token is shown once: only its hash is \
kept.";

/// Makes, lists and revokes tokens of a running service
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Makes a token and prints it
    Create {
        /// A name for people, at most 100 characters
        #[arg(value_name = "NAME")]
        name: String,
        /// What it allows
        #[arg(long, value_name = "SCOPE", default_value = "operator", value_parser = ["operator", "intake", "tenant", "read-only"])]
        scope: String,
        /// The company that it is for; all companies without it
        #[arg(long, value_name = "ID", value_parser = filters::id)]
        company: Option<i64>,
        /// When it stops to be valid, RFC 3339; never without it
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// How many requests per second it may make, and at once; as the service is configured without it
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        rate_limit: Option<u32>,
        #[command(flatten)]
        service: Service,
    },
    /// Lists the tokens, without their texts
    List {
        #[command(flatten)]
        service: Service,
    },
    /// Revokes a token: it is refused from then on
    Revoke {
        /// Its id, as `list` shows it
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        service: Service,
    },
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    runtime::run(async {
        match args.action {
            Action::Create {
                name,
                scope,
                company,
                expires,
                rate_limit,
                service,
            } => {
                let settings = json!({
                    "name": name, "scope": scope, "companyId": company, "expiresAt": expires, "rateLimit": rate_limit,
                });
                create(&settings, &service).await
            }
            Action::List { service } => list(&service).await,
            Action::Revoke { id, service } => revoke(&id, &service).await,
        }
    })
}

async fn create(settings: &Value, service: &Service) -> Result<(), Failure> {
    let made = service
        .api()?
        .expect(Method::POST, "/v1/tokens", settings.to_string())
        .await?;
    if service.json {
        return output::json(&made);
    }
    output::line(text(&made, "token"))?;
    output::note(format_args!(
        "{} for {}; it is shown this once",
        text(&made, "id"),
        text(&made, "name"),
    ));
    Ok(())
}

async fn list(service: &Service) -> Result<(), Failure> {
    let tokens = service
        .api()?
        .expect(Method::GET, "/v1/tokens", String::new())
        .await?;
    if service.json {
        return output::json(&tokens);
    }
    let items = tokens["items"].as_array().map_or(&[][..], Vec::as_slice);
    let header = ["TOKEN", "SCOPE", "COMPANY", "MADE", "USED", "EXPIRES", "NAME"];
    service::list(service, items, false, &header, |token| {
        let company = token["companyId"].as_i64();
        let or = |member: &str, none: &str| token[member].as_str().unwrap_or(none).to_owned();
        vec![
            text(token, "id"),
            text(token, "scope"),
            company.map_or_else(|| "all".to_owned(), |company_id| company_id.to_string()),
            text(token, "createdAt"),
            or("lastUsedAt", "never"),
            or("expiresAt", "never"),
            text(token, "name"),
        ]
    })
}

async fn revoke(id: &str, service: &Service) -> Result<(), Failure> {
    if !id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err(Failure::usage([
            "ID: allowed is an id as `ringback token list` shows it",
        ]));
    }
    let answer = service
        .api()?
        .request(Method::DELETE, &format!("/v1/tokens/{id}"), String::new())
        .await?;
    if answer.status == StatusCode::NO_CONTENT {
        if service.json {
            return output::json(&json!({ "revoked": id }));
        }
        return output::line(format_args!("{id} is revoked"));
    }
    Err(api::refused(&answer))
}
