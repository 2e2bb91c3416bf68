//! The cookie of a session of the web UI.
//!
//! Scripts cannot read it and other sites cannot have it sent. Where the browser speaks TLS, it is a `__Host-` cookie: no
//! other host or path can set it, and it never travels in clear. TLS may end at a proxy before the listener, so what the
//! browser speaks is read from the `Origin` of the login.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::admin;

/// Carries the session's CSRF token.
pub(super) const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// Name of the cookie in clear; description of the API.
pub(super) const PLAIN: &str = "orchestrix-session";
const SECURE: &str = "__Host-orchestrix-session";

/// The secret of the session that a request belongs to.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    let cookies = || {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
    };
    let named = |name| cookies().find(|(known, _)| *known == name).map(|(_, secret)| secret);
    // The one that only this host can have set comes first.
    named(SECURE).or_else(|| named(PLAIN)).filter(|secret| !secret.is_empty())
}

/// Sets the cookie for as long as the session lasts.
pub(super) fn set(request: &HeaderMap, secret: &str, life: Duration) -> Option<HeaderValue> {
    let (name, secure) = if is_tls(request) { (SECURE, "; Secure") } else { (PLAIN, "") };
    let age = life.as_secs();
    let cookie = format!("{name}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}

/// Removes the cookie under both of its names.
pub(super) fn clear() -> [HeaderValue; 2] {
    [
        HeaderValue::from_static("orchestrix-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"),
        HeaderValue::from_static("__Host-orchestrix-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure"),
    ]
}

/// Derived from the secret, so that it needs no place of its own and nobody without the cookie can know it.
pub(super) fn csrf_token(secret: &str) -> String {
    let hash = admin::hash_token(&format!("csrf:{secret}"));
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn is_tls(request: &HeaderMap) -> bool {
    request.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let read = |line| read(&headers(&[(header::COOKIE, line)])).map(str::to_owned);
        assert_eq!(read("a=b; orchestrix-session=ows_1; c=d").as_deref(), Some("ows_1"));
        assert_eq!(read("orchestrix-session=planted; __Host-orchestrix-session=ows_2").as_deref(), Some("ows_2"));
        assert_eq!(read("orchestrix-session="), None);
        assert_eq!(read("xorchestrix-session=1; other"), None);
    }

    #[test]
    fn behind_tls_it_belongs_to_this_host_alone() {
        let life = Duration::from_secs(60);
        let text = |origin: &[(HeaderName, &'static str)]| {
            set(&headers(origin), "ows_1", life).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(
            text(&[(header::ORIGIN, "https://inventory.example")]),
            "__Host-orchestrix-session=ows_1; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        let plain = "orchestrix-session=ows_1; Path=/; Max-Age=60; HttpOnly; SameSite=Strict";
        assert_eq!(text(&[(header::ORIGIN, "http://127.0.0.1:7480")]), plain);
        assert_eq!(text(&[]), plain);
    }
}
