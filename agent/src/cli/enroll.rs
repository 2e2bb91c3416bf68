//! `enroll`: gets this host a certificate.

use super::{
    args::{CollectorArgs, ConfigArgs},
    enrolment, output, state,
};
use crate::inspect::registry;

/// Flags of `enroll`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    collector: CollectorArgs,
}

pub(super) async fn run(Args { config, collector }: Args) -> anyhow::Result<()> {
    let config = config.load(collector)?.config;
    let collector = enrolment::collector(&config)?;
    let _lock = state::lock(&config.state_dir)?;
    let surroundings = registry::surroundings(&config.inspect, Some(&config.state_dir)).await;
    let machine = enrolment::machine(&surroundings).await?;
    // Asking again is no failure: a script may run this on every start.
    if let Some(identity) = enrolment::stored(&config, &machine)? {
        return output::print(&format!("this host is enrolled already, as agent {}", identity.agent_id()));
    }
    let pass = enrolment::pass(&config)?;
    let identity = enrolment::enroll(&config, &collector, &pass, &machine).await?;
    output::print(&format!(
        "enrolled as agent {}; the certificate is valid until {} and renews itself",
        identity.agent_id(),
        identity.certificate_not_after()
    ))
}
