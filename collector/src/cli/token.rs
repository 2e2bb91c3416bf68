//! `token`: join tokens, with which hosts enrol.

use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::Context as _;
use clap::Subcommand;
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};
use serde::Serialize;

use super::{
    GroupArgs, operator,
    output::{self, Output},
    text::{plain, span},
};
use crate::{
    config::Config,
    pki::token::{self, NewToken},
    query::{self, JoinToken},
    store::Db,
};

/// Flags of `token`.
pub(super) type Args = GroupArgs<Command>;

/// What stands below the help of `token`.
pub(super) const EXAMPLES: &str = "\
Examples:
  orchestrix-collector token create                          for one host, within 15 minutes
  orchestrix-collector token create --uses 50 --expires 2h --datacenter 3 --tag rack=b7
  orchestrix-collector token create -o json | jq -r .token > join.token
  orchestrix-collector token list
  orchestrix-collector token revoke 3f9ac01b77de2204";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes a join token, shows it once, and the command to run on the host
    Create(Create),
    /// Lists join tokens, without their secrets
    List,
    /// Prints the pin of the CA, by which agents in a Kubernetes cluster recognise this installation; two while the next
    /// CA is prepared
    Pin,
    /// Withdraws a join token; hosts that enrolled with it stay
    Revoke {
        /// The token's id, as `token list` shows it
        id: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct Create {
    /// How many hosts may enrol with it
    #[arg(long, value_name = "N", default_value_t = 1)]
    uses: u32,
    /// How long it lasts, for example 90s, 15m, 2h or 7d [default: 15m]
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "expires_secs")]
    expires: Option<Duration>,
    /// How long it lasts, in seconds
    #[arg(long, value_name = "N")]
    expires_secs: Option<u64>,
    /// The datacenter that enrolling hosts are placed in
    #[arg(long, value_name = "ID")]
    datacenter: Option<i64>,
    /// A tag that enrolling hosts get; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// Where the host reaches the collector, for the command that is printed [default: this machine's name]
    #[arg(long, value_name = "HOST:PORT")]
    collector: Option<String>,
}

/// A new token, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    id: String,
    token: String,
    expires_at: Timestamp,
    uses_allowed: u32,
    command: String,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (config, db) = args.database.open_current().await?;
    match args.command {
        Command::Create(create) => make(create, &config, &db, args.output).await,
        Command::List => {
            let now = SystemClock.now();
            show(&query::every::<JoinToken>(&db, now).await.context("read the join tokens")?, now, args.output)
        }
        Command::Pin => output::print(&token::pins(&db).await?.to_string()),
        Command::Revoke { id } => {
            let known = id.parse().map_err(|_| anyhow::anyhow!("{id:?} is no id of a join token; see token list"))?;
            let revoked = token::revoke(&db, known, &operator().id, SystemClock.now()).await?;
            anyhow::ensure!(revoked, "there is no join token {id} in force");
            output::print(&format!("join token {id} is revoked"))
        }
    }
}

async fn make(create: Create, config: &Config, db: &Db, output: Output) -> anyhow::Result<()> {
    let given = create.expires.or_else(|| create.expires_secs.map(Duration::from_secs));
    let life = given.unwrap_or(token::DEFAULT_LIFE);
    let new = NewToken {
        description: create.description,
        uses: create.uses,
        life,
        datacenter_id: create.datacenter,
        tags: create.tags.into_iter().collect::<BTreeMap<_, _>>(),
        created_by: operator().id,
    };
    let now = SystemClock.now();
    let (id, text) = token::create(db, &new, now).await?;
    let collector = create.collector.unwrap_or_else(|| collector_address(config));
    let command = command(&collector, &text);
    let made = Made { id: id.to_string(), token: text, expires_at: now.plus(life), uses_allowed: new.uses, command };
    match output {
        Output::Json => output::print_json(&made),
        Output::Table => output::print(&format!(
            "{}\n\nJoin token {}, for {} within {}. It is not shown again. On the host, as root:\n\n  {}",
            made.token,
            made.id,
            if new.uses == 1 { "one host".to_owned() } else { format!("{} hosts", new.uses) },
            span(life),
            made.command,
        )),
    }
}

/// The command for the host. The token stands in a file, because other users can see the arguments of a process.
fn command(collector: &str, token: &str) -> String {
    format!(
        "(umask 077; echo '{token}' > join.token) && orchestrix-agent run --collector {collector} --token-file join.token"
    )
}

/// Where hosts reach this collector, as far as this machine knows; `--collector` knows better.
fn collector_address(config: &Config) -> String {
    let address = config.agents.address;
    if !address.ip().is_unspecified() {
        return address.to_string();
    }
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    format!("{}:{}", if name.is_empty() { "COLLECTOR" } else { name }, address.port())
}

fn show(tokens: &[JoinToken], now: Timestamp, output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        return output::print_json(&tokens);
    }
    let mut table =
        output::table(&["ID", "STATE", "USES LEFT", "EXPIRES", "DATACENTER", "TAGS", "MADE BY", "DESCRIPTION"]);
    for token in tokens {
        let left = token.expires_at.0.since(now);
        let tags: Vec<_> = token.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        table.add_row([
            plain(&token.id, 32),
            token.state.clone(),
            format!("{} of {}", token.uses_left, token.uses_allowed),
            if left.is_zero() { token.expires_at.0.to_string() } else { format!("in {}", span(left)) },
            token.datacenter_id.map_or_else(|| "default".to_owned(), |id| id.to_string()),
            plain(&tags.join(" "), 48),
            plain(&token.created_by, 32),
            plain(&token.description, 48),
        ]);
    }
    output::print(&table.to_string())
}

/// Reads a time such as `15m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?} is no time, expected for example 90s, 15m, 2h or 7d");
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(expected()),
    };
    let count: u64 = count.parse().map_err(|_| expected())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(expected)
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is no tag, expected KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7_200), ("7d", 604_800), ("30", 30)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "15 m", "-1s", "1w", "99999999999999999999d", "999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_of_a_tag_may_hold_anything() {
        assert_eq!(tag("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(tag("a").is_err());
    }
}
