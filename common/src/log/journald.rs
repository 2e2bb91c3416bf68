//! Writes events to systemd's journal in its own form, so that priority and fields can be asked for:
//! `journalctl -p err`, `journalctl ORCHESTRIX_AGENT=…`.
//!
//! Protocol: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>, one datagram for each event. Not the crate
//! `tracing-journald`: it leaves the fields out of `MESSAGE`, so that plain `journalctl` would tell that something failed
//! and not why, and its socket's path is fixed. An event that does not fit into a datagram is cut. When the journal does
//! not take one, it goes to standard error, with its priority in front (sd-daemon(3)).

use std::{
    collections::BTreeMap,
    env,
    fmt::{self, Write as _},
    fs, io,
    os::unix::{fs::MetadataExt as _, net::UnixDatagram},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter, format::Writer},
    registry::LookupSpan,
};

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";
/// Bytes of the longest datagram: below the kernel's default limit for a socket's buffer.
const MOST: usize = 128 << 10;
/// In front of the names of our fields, so that they are none of systemd's own.
const PREFIX: &str = "ORCHESTRIX_";

/// Whether standard error goes to the journal: `JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
pub(super) fn is_connected(journal_stream: Option<&str>) -> bool {
    let named = journal_stream.and_then(|stream| stream.split_once(':'));
    let Some((Ok(device), Ok(inode))) = named.map(|(device, inode)| (device.parse::<u64>(), inode.parse::<u64>()))
    else {
        return false;
    };
    let file = fs::metadata("/proc/self/fd/2");
    file.is_ok_and(|file| (file.dev(), file.ino()) == (device, inode))
}

/// The journal's socket.
#[derive(Clone, Debug)]
pub(super) struct Journal(Arc<Socket>);

#[derive(Debug)]
struct Socket {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// Reaches the journal at a path.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // A journal that does not read must not hold the program up for long.
        socket.set_write_timeout(Some(Duration::from_secs(1)))?;
        // An empty datagram is no entry; it tells whether somebody listens.
        socket.send_to(&[], path)?;
        Ok(Self(Arc::new(Socket { socket, path: path.to_owned() })))
    }
}

impl<'a> MakeWriter<'a> for Journal {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// Takes one whole entry at a time, as the layer hands them over.
impl io::Write for &Journal {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        let Socket { socket, path } = &*self.0;
        let cut = &entry[..entry.len().min(MOST)];
        if let Err(error) = socket.send_to(cut, path) {
            let text = String::from_utf8_lossy(entry);
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            let (priority, message) = (field("PRIORITY="), field("MESSAGE="));
            // Nothing can be done when that fails as well.
            let _ = io::Write::write_all(
                &mut io::stderr().lock(),
                format!("<{priority}>{message} (the journal does not take it: {error})\n").as_bytes(),
            );
        }
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes an event an entry: `NAME=value` in a line each.
#[derive(Debug)]
pub(super) struct Entries {
    /// Name of the program, which `journalctl` puts in front.
    program: String,
}

impl Entries {
    /// Of this program.
    pub(super) fn of_this_program() -> Self {
        let program = env::args_os().next().map(PathBuf::from);
        let name = program.as_deref().and_then(Path::file_name).map(|name| one_line(&name.to_string_lossy()));
        Self { program: name.unwrap_or_default() }
    }
}

impl<S, N> FormatEvent<S, N> for Entries
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (mut message, mut fields) = (String::new(), BTreeMap::new());
        let spans = context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root);
        for span in spans {
            let extensions = span.extensions();
            let lines = extensions.get::<FormattedFields<N>>().map_or("", |fields| fields.fields.as_str());
            let pairs: Vec<_> = lines.lines().filter_map(|line| line.trim_start().split_once('=')).collect();
            let shown: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let shown = if shown.is_empty() { String::new() } else { format!("{{{}}}", shown.join(" ")) };
            write!(message, "{}{shown}: ", span.name())?;
            fields.extend(pairs.iter().map(|(name, value)| (field_name(name), (*value).to_owned())));
        }
        let mut pairs = Pairs::default();
        event.record(&mut pairs);
        message.push_str(&pairs.message);
        for (name, value) in pairs.rest {
            write!(message, " {name}={value}")?;
            fields.insert(field_name(name), value);
        }
        let metadata = event.metadata();
        writeln!(out, "PRIORITY={}\nSYSLOG_IDENTIFIER={}", priority(*metadata.level()), self.program)?;
        writeln!(out, "MESSAGE={message}\nTARGET={}", metadata.target())?;
        fields.iter().try_for_each(|(name, value)| writeln!(out, "{name}={value}"))
    }
}

/// Keeps the fields of a span as lines, from which [`Entries`] reads them.
#[derive(Debug)]
pub(super) struct Lines;

impl<'a> FormatFields<'a> for Lines {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'a>, fields: R) -> fmt::Result {
        let mut pairs = Pairs::default();
        fields.record(&mut pairs);
        pairs.rest.iter().try_for_each(|(name, value)| writeln!(out, "{name}={value}"))
    }
}

/// What was recorded, each value in one line.
#[derive(Debug, Default)]
struct Pairs {
    message: String,
    rest: Vec<(&'static str, String)>,
}

impl Pairs {
    fn push(&mut self, field: &Field, value: &str) {
        let value = one_line(value);
        if field.name() == "message" {
            self.message = value;
        } else {
            self.rest.push((field.name(), value));
        }
    }
}

impl Visit for Pairs {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value);
    }

    /// An error with everything that caused it.
    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {next}");
            cause = next.source();
        }
        self.push(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, &format!("{value:?}"));
    }
}

/// The form of a value here has no line breaks; escape sequences have no business in it either.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A name as the journal takes it: capitals, digits and underscores, at most 64.
fn field_name(name: &str) -> String {
    let plain =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    PREFIX.chars().chain(plain).take(64).collect()
}

/// Priority of syslog(3) for a level.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What a journal at a socket of the test's own receives of what `work` logs.
    fn received(work: impl FnOnce()) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        journal.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(Lines)
            .event_format(Entries { program: "prog".to_owned() })
            .with_writer(Journal::at(&path).unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            work();
            tracing::trace!("the end");
        });
        let mut buffer = vec![0; MOST + 1];
        let mut entries = Vec::new();
        loop {
            let bytes = journal.recv(&mut buffer).unwrap();
            let entry = String::from_utf8(buffer[..bytes].to_vec()).unwrap();
            match entry.contains("MESSAGE=the end\n") {
                true => return entries,
                false if entry.is_empty() => {}
                false => entries.push(entry),
            }
        }
    }

    #[test]
    fn people_read_the_message_and_programs_the_fields() {
        let cause = io::Error::other("disk\nfull");
        let entries = received(|| {
            let _span = tracing::info_span!("session", agent = "a-1", seq = tracing::field::Empty).entered();
            tracing::Span::current().record("seq", 5);
            tracing::error!(error = &cause as &dyn std::error::Error, http.code = 7, "not stored");
            tracing::info!("went on");
        });
        let module = module_path!();
        let expected = format!(
            "PRIORITY=3\nSYSLOG_IDENTIFIER=prog\nMESSAGE=session{{agent=a-1 seq=5}}: not stored error=disk full http.code=7\n\
             TARGET={module}\nORCHESTRIX_AGENT=a-1\nORCHESTRIX_ERROR=disk full\nORCHESTRIX_HTTP_CODE=7\nORCHESTRIX_SEQ=5\n"
        );
        assert_eq!(entries[0], expected);
        assert!(entries[1].starts_with("PRIORITY=6\n"), "{entries:?}");
        assert_eq!(entries.len(), 2);
    }

    #[test]
    fn what_is_too_long_is_cut_and_still_an_entry() {
        let entries = received(|| tracing::warn!(long = "x".repeat(2 * MOST), "much"));
        assert!(
            entries[0].starts_with("PRIORITY=4\n") && entries[0].contains("MESSAGE=much long=xxx"),
            "{}",
            entries.len()
        );
        assert_eq!(entries[0].len(), MOST);
    }

    #[test]
    fn a_journal_that_is_not_there_is_noticed() {
        assert!(Journal::at(Path::new("/nonexistent/socket")).is_err());
        assert!(!is_connected(None) && !is_connected(Some("1")) && !is_connected(Some("0:0")));
        let stderr = fs::metadata("/proc/self/fd/2").unwrap();
        assert!(is_connected(Some(&format!("{}:{}", stderr.dev(), stderr.ino()))));
    }
}
