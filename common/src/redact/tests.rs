//! Planted secrets never survive; harmless text stays as it is.

use proptest::prelude::*;

use super::*;

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Fifty places where people leave secrets; `{}` is the secret, one line is one command line.
const PLANTED: [&str; 50] = [
    "app --password={}",
    "app --password {}",
    "app -password={}",
    "app -password {}",
    "app --db-passwd={}",
    "app --pwd={}",
    "app --auth-token={}",
    "app --authToken {}",
    "app --client-secret={}",
    "app --api-key={}",
    "app --apikey {}",
    "app --api_key={}",
    "app --aws-secret-access-key={}",
    "app --private-key={}",
    "app --credential={}",
    "app --passphrase {}",
    "app PASSWORD={}",
    "app MYSQL_PWD={}",
    "app DB_PASS={}",
    "app GITHUB_TOKEN={}",
    "app access_key={}",
    "mysql -p{} -h db",
    "/usr/bin/mysqldump -u root -p{} shop",
    "mariadb-admin -p{}",
    "sshpass -p{} ssh host",
    "sshpass -p {} ssh host",
    "7z x -p{} a.7z",
    "mongosh -u me -p {}",
    "docker login -u me -p {} hub",
    "redis-cli -a {} ping",
    "ldapsearch -w {}",
    "curl -u me:{} http://host/",
    "curl -u {} http://host/",
    "ipmitool -P {} power",
    "openssl rsa -passin pass:{}",
    "redis-server --requirepass {}",
    "app https://me:{}@host/path",
    "app postgres://me:{}@db:5432/shop?x=1",
    "app https://{}@host/",
    "app amqp://u:{}@[::1]/",
    "app me:{}@tcp(127.0.0.1:3306)/shop",
    "app http://host/?x=1&token={}&y=2",
    "app http://host/?sig={}",
    "app -o user=me,password={}",
    "app {\"password\":\"{}\"}",
    "app --header X-Api-Key:{}",
    "app --set auth.token={}",
    "app secret:{}",
    "app AccountName=a;AccountKey={}",
    "app -Djavax.net.ssl.keyStorePassword={}",
];

/// The same as free text with blanks inside what belongs together.
const TEXTS: [&str; 12] = [
    "request failed: Authorization: Bearer {}",
    "curl -H \"Authorization: Basic {}\" http://h/",
    "sent Bearer {} twice",
    "login with password: {} was refused",
    "config password = '{}' is bad",
    "{\"user\": \"x\", \"secret\": \"{}\"}",
    "got {\\\"token\\\": \\\"{}\\\"}",
    "sh -c 'mysql -p{} -e \"select 1\"'",
    "sh -c \"app --password {}\"",
    "cannot reach https://me:{}@host: refused",
    "host=db user=me password={} dbname=shop",
    "Cookie: session={}",
];

const HARMLESS: [&str; 26] = [
    "nginx -g daemon off;",
    "/usr/sbin/sshd -D -o Port=22",
    "postgres -p 5432 -D /var/lib/postgresql/15/main",
    "java -Xmx2g -jar app.jar --server.port=8080",
    "redis-server *:6379",
    "app --password-file=/run/secrets/db",
    "app --token-file /etc/token",
    "docker run -p 8080:80 -p127.0.0.1:8443:443/tcp nginx:1.25",
    "ssh -p2222 git@host.example",
    "git clone ssh://git@github.com/org/repo.git",
    "curl https://example.org:8443/a/b@1.2",
    "ls -path -pid -print",
    "nginx:1.25@sha256:0f7c",
    "registry:5000/team/app:v1.2@sha256:abcd",
    "npm:left-pad@1.3.0",
    "app --no-password --host db",
    "python3 -m http.server 8000",
    "dbus-daemon --system --address=systemd:",
    "agetty -o -p -- \\u --noclear tty1 linux",
    "app --key=/etc/ssl/key.pem",
    "std::token::Kind",
    "tcp://127.0.0.1:2375",
    "basic usage of the tool",
    "http://[::1]:80/x",
    "ExecStart=/bin/true",
    "proxy -proto tcp -host-ip 0.0.0.0 -host-port 80",
];

fn secret() -> impl Strategy<Value = String> {
    // A digit within makes it unlike any word of the text around it.
    ("[A-Za-z0-9]{3}", "[A-Za-z0-9_.!*+^~]{4,20}", "[A-Za-z0-9]{3}").prop_map(|(a, b, c)| format!("{a}9{b}7{c}"))
}

proptest! {
    #[test]
    fn planted_secrets_never_survive(secret in secret(), place in prop::sample::select(PLANTED.to_vec())) {
        let line = place.replace("{}", &secret);
        let words = strings(&line.split(' ').collect::<Vec<_>>());
        let clean = arguments_of(&words[0], &words[1..]).join(" ");
        prop_assert!(!clean.contains(&secret), "as arguments: {clean}");
        prop_assert_eq!(arguments(&words[1..]).len(), words.len() - 1);
        prop_assert!(!text(&line).contains(&secret), "as text: {}", text(&line));
        prop_assert!(!arguments(std::slice::from_ref(&line))[0].contains(&secret), "as one argument of a shell");
    }

    #[test]
    fn secrets_in_sentences_never_survive(secret in secret(), place in prop::sample::select(TEXTS.to_vec())) {
        let clean = text(&place.replace("{}", &secret)).into_owned();
        prop_assert!(!clean.contains(&secret), "{clean}");
        prop_assert_eq!(text(&clean).into_owned(), clean.clone(), "a second pass changes nothing");
    }

    #[test]
    fn a_value_of_any_characters_is_hidden_as_a_whole(value in "[ -~é]{1,40}") {
        let clean = arguments(&[format!("--password={value}"), "--token".into(), format!("x{value}")]);
        prop_assert_eq!(clean, strings(&["--password=[redacted]", "--token", "[redacted]"]));
        prop_assert_eq!(label("db.password", &value).into_owned(), MARKER);
    }

    #[test]
    fn any_text_is_taken(any in any::<String>(), line in "[a-z:=/@\"'\\\\ .-]{0,60}") {
        let _ = arguments(&[any.clone(), line.clone()]);
        let _ = (label(&any, &line), label(&line, &any), text(&any), text(&line));
    }

    #[test]
    fn harmless_arguments_are_unchanged(words in prop::collection::vec("(--?)?[a-z]{2,8}(=[a-z0-9/.]{1,8})?", 0..6)) {
        let named = |word: &String| keys::is_secret(word.split('=').next().unwrap_or(word));
        prop_assume!(!words.iter().any(named));
        prop_assert_eq!(arguments(&words), words);
    }
}

#[test]
fn harmless_command_lines_are_unchanged() {
    for line in HARMLESS {
        let words = strings(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(arguments_of(&words[0], &words[1..]), words[1..], "{line}");
        assert_eq!(text(line), line);
        assert!(matches!(text(line), Cow::Borrowed(_)));
    }
}

#[test]
fn what_surrounds_a_secret_stays_readable() {
    let cases = [
        ("cannot reach https://me:pw1@host:80/x: refused", "cannot reach https://[redacted]@host:80/x: refused"),
        ("mysql -u root -phunter2 shop", "mysql -u root -p[redacted] shop"),
        ("{\"user\":\"me\",\"password\":\"a\\\"b\",\"x\":1}", "{\"user\":\"me\",\"password\":\"[redacted]\",\"x\":1}"),
        ("host=db password=abc dbname=shop", "host=db password=[redacted] dbname=shop"),
        ("Authorization: Bearer abc\nHost: x", "Authorization: [redacted]\nHost: x"),
        ("git clone https://ghp_abcdefghij0123456789@github.com/o/r", "git clone https://[redacted]@github.com/o/r"),
    ];
    for (given, expected) in cases {
        assert_eq!(text(given), expected);
    }
}

#[test]
fn credentials_are_known_by_their_form() {
    let forms = [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_11ABCDEFG0abcdefghij",
        "glpat-abcdefghij0123456789",
        "xoxb-123456789012-abcdefghijkl",
        "AIzaSyA-1234567890abcdefghijklmnopqrstu",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nxyz=\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\ncut off",
    ];
    for form in forms {
        for around in [form.to_owned(), format!("value {form} end"), format!("--opt={form}"), format!("\"{form}\"")] {
            let clean = text(&around).into_owned();
            assert!(clean.contains(MARKER) && !clean.contains(&form[4..]), "{clean}");
        }
        assert_eq!(label("note", form), MARKER);
    }
}

#[test]
fn a_label_is_judged_by_its_key_and_by_its_value() {
    assert_eq!(label("com.example.api-key", "abc"), MARKER);
    assert_eq!(label("traefik.http.middlewares.a.basicauth.users", "me:$apr1$x"), MARKER);
    assert_eq!(label("password", ""), "");
    assert_eq!(label("token-file", "/run/token"), "/run/token");
    assert_eq!(label("url", "redis://:pw@h/0"), "redis://[redacted]@h/0");
    assert_eq!(label("environment", "staging"), "staging");
}

#[test]
fn repeated_pieces_of_secrets_are_taken_in_whatever_their_number() {
    for piece in
        ["password:", "a://", "eyJ-", "://@", "=\"", "-----BEGIN ", "token=/", "a:b@", "Bearer ", "\\\"", "-p1 "]
    {
        // As long as a string may be; speed is for benchmarks.
        let hostile = piece.repeat(4096 / piece.len());
        assert!(text(&hostile).len() <= hostile.len() * MARKER.len(), "{piece}");
    }
}
