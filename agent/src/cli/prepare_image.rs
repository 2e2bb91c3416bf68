//! `prepare-image`: makes the disk fit for copying.

use std::{fs, io};

use anyhow::Context as _;

use super::{
    args::{CollectorArgs, ConfigArgs},
    enrolment, output, state,
};
use crate::identity::Identity;

/// Flags of `prepare-image`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(Args { config }: &Args) -> anyhow::Result<()> {
    let config = config.clone().load(CollectorArgs::default())?.config;
    let shown = config.state_dir.display();
    if !config.state_dir.exists() {
        return output::print(&format!("nothing to remove: there is no {shown}"));
    }
    let _locks = (state::lock(&config.state_dir)?, state::lock_identity(&config.state_dir)?);
    Identity::wipe(&config.state_dir).with_context(|| format!("cannot remove the identity in {shown}"))?;
    match fs::remove_dir_all(config.state_dir.join("outbox")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove the outbox in {shown}"));
        }
        _ => {}
    }
    enrolment::forget_collector(&config)?;
    state::hand_over(&config.state_dir)?;
    output::print(&format!(
        "removed the identity and the outbox in {shown}; a copy of this disk enrols with a token of its own"
    ))
}
