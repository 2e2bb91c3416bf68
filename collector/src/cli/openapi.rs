//! `openapi`: the description of the API, without a server.

use anyhow::Context as _;

use super::output;
use crate::api;

/// Flags of `openapi`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector openapi > openapi.json
  orchestrix-collector openapi | jq '.paths | keys'

A running collector serves the same at /api/v1/openapi.json.")]
pub struct Args {}

pub(super) fn run(_: &Args) -> anyhow::Result<()> {
    output::print(&api::openapi().to_pretty_json().context("write the description")?)
}
