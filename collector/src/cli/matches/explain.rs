//! `matches explain`: what speaks for and against each compute that a host may be.

use std::fmt::Write as _;

use anyhow::Context as _;
use orchestrix_common::{id::AgentId, time::Timestamp};

use crate::{
    cli::{
        output::{self, Output},
        text::{Paint, ago, plain},
    },
    query::{self, Compute, MatchDecision, MatchExplanation},
    reconcile::{
        self,
        identity::{Evidence, Fit, Verdict},
    },
    store::Db,
};

pub(super) async fn run(
    db: &Db,
    now: Timestamp,
    agent: AgentId,
    compute: Option<i64>,
    output: Output,
) -> anyhow::Result<()> {
    let asked = match compute {
        None => None,
        Some(id) => {
            let known = query::get::<Compute>(db, now, vec![id.into()]).await.context("read the compute")?;
            anyhow::ensure!(known.is_some(), "there is no compute {id}");
            reconcile::weigh(db, agent, id, now).await.context("weigh the compute")?
        }
    };
    let told = query::match_explanation(db, now, &agent.to_string(), asked).await.context("read the decisions")?;
    let Some(told) = told else { anyhow::bail!("there is no agent {agent}") };
    match output {
        Output::Json => output::print_json(&told),
        Output::Table => output::print(&page(&told, compute, now, Paint::for_stdout())),
    }
}

fn page(told: &MatchExplanation, compute: Option<i64>, now: Timestamp, paint: Paint) -> String {
    let mut page = String::new();
    let name = plain(&told.hostname, 64);
    let _ = writeln!(page, "{} {}: {}", paint.strong(&name), paint.state(&told.state), plain(&told.summary, 240));
    if let Some(decision) = told.decisions.first() {
        latest(&mut page, decision, now, paint);
    }
    if let Some(compute) = compute {
        let _ = writeln!(page, "\nAsked about compute {compute}, as things stand now:");
        match &told.asked {
            Some(fit) => candidate(&mut page, fit, paint),
            None => page.push_str("  it is not known what identifies this host; let its agent connect again\n"),
        }
    }
    let earlier = told.decisions.get(1..).unwrap_or_default();
    if !earlier.is_empty() {
        page.push_str("\nBefore:\n");
    }
    for decision in earlier {
        let _ =
            writeln!(page, "  {} ago  {}", ago(now, decision.decided_at.0), plain(&decision.explanation.summary, 200));
    }
    page
}

fn latest(page: &mut String, decision: &MatchDecision, now: Timestamp, paint: Paint) {
    let _ = writeln!(
        page,
        "Decided {} ago by {} {}.",
        ago(now, decision.decided_at.0),
        decision.actor_kind,
        plain(&decision.actor_id, 64)
    );
    page.push_str("\nThe host showed:\n");
    for shown in &decision.explanation.shown {
        let _ = writeln!(page, "  {:<18} {}", prose(&shown.evidence), plain(&shown.content, 80));
    }
    for ignored in &decision.explanation.ignored {
        let _ = writeln!(page, "  {}", paint.soft(&format!("ignored: {}", plain(&ignored.text, 160))));
    }
    if !decision.explanation.candidates.is_empty() {
        page.push_str("\nComputes that share something with it:\n");
    }
    for fit in &decision.explanation.candidates {
        candidate(page, fit, paint);
    }
}

fn candidate(page: &mut String, fit: &Fit, paint: Paint) {
    let verdict = match fit.verdict {
        Verdict::Taken => paint.good("taken"),
        Verdict::Possible => paint.warn("possible"),
        Verdict::Rejected => paint.soft("rejected"),
    };
    let _ = writeln!(page, "  {} {}: {verdict}, {}", fit.compute_id, plain(&fit.name, 64), plain(&fit.reason, 160));
    for reason in &fit.why {
        let _ = writeln!(page, "    {} {}", paint.good("+"), plain(&reason.text, 200));
    }
    for reason in &fit.why_not {
        let _ = writeln!(page, "    {} {}", paint.bad("-"), plain(&reason.text, 200));
    }
}

fn prose(word: &str) -> &str {
    Evidence::from_word(word).map_or(word, |kind| kind.prose())
}
