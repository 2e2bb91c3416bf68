//! Formats of `/proc/PID/{stat,status,statm,cmdline}` (proc(5), Linux 2.6 to 6.x). Total functions over bytes.

use orchestrix_common::{
    model::{Command, DEFAULT_LIMITS},
    redact,
};

/// Flag of a kernel thread in field 9 of `stat` (`PF_KTHREAD` of the kernel's `sched.h`).
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What one look at a process costs least to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Name of the main thread, at most 15 bytes.
    pub(super) name: String,
    /// State letter; `Z` and `X` are dead.
    pub(super) state: u8,
    /// Parent's identifier; zero for the first process and for those of another namespace.
    pub(super) parent: u32,
    /// A thread of the kernel.
    pub(super) is_kernel: bool,
    /// Time on a processor in clock ticks, in user and kernel mode.
    pub(super) cpu_ticks: u64,
    /// Start in clock ticks since boot.
    pub(super) start_ticks: u64,
}

/// Reads `/proc/PID/stat`. The name stands in parentheses and may itself hold parentheses and blanks.
pub(super) fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    let open = bytes.iter().position(|byte| *byte == b'(')?;
    let close = bytes.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(bytes.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(bytes.get(close + 1..)?).ok()?;
    // Field 3 of proc(5) comes first.
    let mut fields = [""; 20];
    for (slot, field) in fields.iter_mut().zip(rest.split_ascii_whitespace()) {
        *slot = field;
    }
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        name,
        state: fields.first()?.bytes().next()?,
        parent: u32::try_from(number(4)?).ok()?,
        is_kernel: number(9)? & KERNEL_THREAD != 0,
        cpu_ticks: number(14)?.saturating_add(number(15)?),
        start_ticks: number(22)?,
    })
}

/// Real user id in `/proc/PID/status`.
pub(super) fn parse_user_id(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// How many process namespaces, from that of the procfs inwards, a process is in: the identifiers in the line `NSpid` of
/// `/proc/PID/status`. One when it is in the procfs's own; `None` for a kernel before 4.1.
pub(super) fn parse_namespace_depth(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(line.split_ascii_whitespace().count())
}

/// Resident and shared pages in `/proc/PID/statm`.
pub(super) fn parse_pages(statm: &str) -> Option<(u64, u64)> {
    let mut fields = statm.split_ascii_whitespace().skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Takes `/proc/PID/cmdline` apart; `None` when it is empty, as that of a dying process is.
///
/// A program that wrote a title over its arguments (`nginx: master process …`) leaves one string with blanks: its
/// first word is the program, and no argument is known.
pub(super) fn parse_command(cmdline: &[u8], with_arguments: bool) -> Option<Command> {
    let cmdline = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    let mut words = cmdline.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let first = words.next()?;
    // Those who overwrite their arguments leave the rest of them as empty strings.
    let mut arguments: Vec<String> = words.collect();
    while arguments.last().is_some_and(String::is_empty) {
        arguments.pop();
    }
    let is_title = arguments.is_empty() && first.contains(' ');
    let program = if is_title { first.split(' ').next().unwrap_or_default().trim_end_matches(':') } else { &first };
    if program.is_empty() {
        return None;
    }
    let scrubbed = if with_arguments { redact::arguments_of(program, &arguments) } else { Vec::new() };
    Some(Command {
        program: cut(redact::text(program).into_owned()),
        argument_count: u32::try_from(arguments.len()).unwrap_or(u32::MAX),
        arguments: scrubbed.into_iter().map(cut).collect(),
    })
}

/// Cuts a string to the longest that the collector takes.
pub(super) fn cut(mut text: String) -> String {
    let most = usize::try_from(DEFAULT_LIMITS.string_bytes).unwrap_or(usize::MAX);
    text.truncate(text.floor_char_boundary(most));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = b"4242 (a) (b c)) S 17 4242 4242 0 -1 4194560 9 0 0 0 120 30 0 0 20 0 3 0 987654 1 2 3";
        let stat = parse_stat(line).unwrap();
        assert_eq!(stat.name, "a) (b c)");
        assert_eq!((stat.parent, stat.cpu_ticks, stat.start_ticks), (17, 150, 987_654));
        assert_eq!((stat.state, stat.is_kernel), (b'S', false));
    }

    #[test]
    fn kernel_threads_are_known_by_their_flag() {
        let line = b"13 (kworker/u8:1-ev) I 2 0 0 0 -1 69238880 0 0 0 0 0 7 0 0 20 0 1 0 40 0 0";
        assert!(parse_stat(line).unwrap().is_kernel);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for line in [&b""[..], b"1 (x", b"1 (x) S", b"1 (x) S a b c", b")("] {
            assert_eq!(parse_stat(line), None);
        }
        assert_eq!(parse_user_id("Name:\tx\nUid:\t33\t0\t0\t0\n"), Some(33));
        assert_eq!(parse_user_id("Name:\tx\n"), None);
        assert_eq!(parse_namespace_depth("Name:\tx\nNSpid:\t4711\t12\n"), Some(2));
        assert_eq!(parse_namespace_depth("Name:\tx\n"), None);
        assert_eq!(parse_pages("5120 900 400 1 0 80 0\n"), Some((900, 400)));
    }

    #[test]
    fn arguments_are_only_counted_unless_asked_for() {
        let line = b"/usr/bin/mysqld\0--port=3306\0--password=hunter2\0";
        let counted = parse_command(line, false).unwrap();
        assert_eq!((counted.program.as_str(), counted.argument_count), ("/usr/bin/mysqld", 2));
        assert!(counted.arguments.is_empty());
        let asked = parse_command(line, true).unwrap();
        assert_eq!(asked.arguments, ["--port=3306", "--password=[redacted]"]);
    }

    #[test]
    fn a_title_is_no_argument_list() {
        let title = parse_command(b"nginx: master process /usr/sbin/nginx -g x;\0\0\0\0", true).unwrap();
        assert_eq!((title.program.as_str(), title.argument_count), ("nginx", 0));
        assert_eq!(parse_command(b"", true), None);
        assert_eq!(parse_command(b"\0\0", true), None);
    }
}
