//! Real parts that may be missing: told by name and with the reason, never passed over in silence.

/// Prints the line that `tests/run` counts and lists.
///
/// # Panics
/// When a missing part is not acceptable: `tests/run` found it, so the test must find it too.
#[track_caller]
pub fn skip(part: &str, reason: &str) {
    assert!(!required(part), "{part} is required here (ORCHESTRIX_TESTS_REQUIRE_PARTS) but cannot be had: {reason}");
    println!("SKIPPED {part}: {reason}");
}

/// Prints a figure that `tests/run` repeats in its last lines.
pub fn measured(line: &str) {
    println!("MEASURED {line}");
}

/// Whether a test may not go on without `part`: `ORCHESTRIX_TESTS_REQUIRE_PARTS` is `1`, or lists it among words.
fn required(part: &str) -> bool {
    std::env::var("ORCHESTRIX_TESTS_REQUIRE_PARTS").is_ok_and(|parts| lists(&parts, part))
}

fn lists(parts: &str, part: &str) -> bool {
    parts == "1" || parts.split([',', ' ']).any(|word| word == part)
}

/// Finds a program on the path, or in the folders where administration programs live.
#[must_use]
pub fn program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(Into::into));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Whether the test runs as root, which daemons and network set-up need.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_required_all_or_by_name() {
        assert!(lists("1", "docker"));
        assert!(lists("mariadb,docker", "docker"));
        assert!(!lists("mariadb", "docker"));
        assert!(!lists("", "docker"));
    }

    #[test]
    fn a_program_is_found_on_the_path() {
        assert!(program("sh").is_some());
        assert_eq!(program("no-such-program-here"), None);
    }
}
