//! Waiting for a condition, with a limit and the last state in the failure message.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Tries until `look` succeeds, and returns what it found.
///
/// # Panics
/// When `limit` has passed, with `what` and the last reason that `look` gave.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(state) if start.elapsed() >= limit => {
                panic!("waited {:.1} s in vain for: {what}\n  last seen: {state}", start.elapsed().as_secs_f32())
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Looks again and again for `span`, and fails at once when `look` does.
///
/// # Panics
/// When `look` gives a reason why `what` no longer holds.
#[track_caller]
pub fn throughout(what: &str, span: Duration, mut look: impl FnMut() -> Result<(), String>) {
    let start = Instant::now();
    while start.elapsed() < span {
        if let Err(state) = look() {
            panic!("after {:.1} s no longer true: {what}\n  seen: {state}", start.elapsed().as_secs_f32());
        }
        thread::sleep(PAUSE);
    }
}

/// Turns a truth value into what [`until`] wants.
///
/// # Errors
/// `state` when `holds` is false.
pub fn check(holds: bool, state: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(state()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_when_the_condition_holds() {
        let mut looks = 0;
        let found = until("the third look", Duration::from_secs(5), || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err(format!("look {looks}")) }
        });
        assert_eq!(found, 3);
    }

    #[test]
    #[should_panic(expected = "last seen: still dark")]
    fn waiting_in_vain_tells_the_last_state() {
        until::<()>("light", Duration::ZERO, || Err("still dark".to_owned()));
    }
}
