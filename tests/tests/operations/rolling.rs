use std::{thread::sleep, time::Duration};

use orchestrix_tests::{installation::Installation, part, proxy::Proxy, wait};

use crate::fleet::Fleet;

const AGENTS: usize = 20;
const SOON: Duration = Duration::from_secs(60);

/// How many sessions a collector has.
pub(crate) fn sessions(collector: &Installation) -> u64 {
    measured(collector, "orchestrix_session_open")
}

/// A measurement of a collector, all its labels together; zero when there is none.
pub(crate) fn measured(collector: &Installation, name: &str) -> u64 {
    let Ok(answer) = orchestrix_tests::http::request(collector.api_address(), "GET", "/metrics", None, None) else {
        return 0;
    };
    let of_it =
        answer.body.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
    // Counts only: what has a fraction is nothing that is asked for here.
    of_it.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

#[test]
fn two_collectors_restart_one_after_the_other_and_no_report_is_refused() {
    let Some(mut first) = Installation::on_mariadb() else { return };
    let mut second = first.another();
    let balancer = Proxy::balance_ready(vec![
        (first.agents_address(), first.api_address()),
        (second.agents_address(), second.api_address()),
    ]);
    let fleet = Fleet::start(&first, AGENTS, |_| balancer.address().to_string());
    fleet.until_connected();

    let mut retries = 0;
    let load = std::thread::scope(|scope| {
        let steps = scope.spawn(|| {
            for collector in [&mut first, &mut second] {
                sleep(Duration::from_secs(2));
                assert!(sessions(collector) > 0, "there is somebody to say goodbye to");
                retries += measured(collector, "orchestrix_store_retries_total");
                // It fails when the collector does not end by itself.
                collector.stop();
                // All its agents go to the other one.
                sleep(Duration::from_secs(10));
                collector.start();
            }
            sleep(Duration::from_secs(2));
        });
        fleet.under_load(Duration::from_millis(200), || steps.is_finished())
    });
    fleet.until_connected();
    retries += measured(&first, "orchestrix_store_retries_total") + measured(&second, "orchestrix_store_retries_total");
    let moves: u64 = fleet.statuses().iter().map(|status| status.link.sessions - 1).sum();
    part::measured(&format!(
        "rolling restart of 2 collectors on one MariaDB under {AGENTS} agents with {} reports/s: longest time without an \
         acknowledgement {:.1} s, {moves} moves to the other collector, {retries} transactions tried again, none refused",
        AGENTS * 5,
        load.longest_gap().as_secs_f32()
    ));
    assert!(moves >= u64::try_from(AGENTS).unwrap(), "everybody was at one of them, {moves} moves");
    fleet.assert_nothing_is_lost(&first, &load.made);
    wait::until("every agent to be at one of both", SOON, || {
        let open = sessions(&first) + sessions(&second);
        wait::check(open == AGENTS as u64, || format!("{open} sessions"))
    });
    assert_eq!(second.list("agents").len(), AGENTS, "no agent enrolled again");
    drop(first.cli(&["check"]).ok());
    fleet.stop();
}
