//! How many files this process may open: each connected agent is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below this an operator is told: the collector's own files, and a few hundred agents.
const FEW: u64 = 4_096;

/// Raises the limit as far as this process may by itself. Shells and container engines often start programs with 1,024 and
/// allow many more (getrlimit(2)); a limit that stays low is no reason not to start.
pub(super) fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is without limit.
    let Some(low) = current else { return };
    if maximum.is_none_or(|most| low < most)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::debug!(low, ?maximum, %error, "the limit on open files cannot be raised");
    }
    if let Some(open_files) = getrlimit(Resource::Nofile).current
        && open_files < FEW
    {
        tracing::warn!(open_files, "few files may be open, and each agent is one: raise LimitNOFILE or ulimit -n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_used() {
        raise_limit();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }
}
