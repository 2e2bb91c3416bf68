//! Base64 in its URL-safe alphabet without padding (RFC 4648 section 5): one text for one value.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Writes bytes as text.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads bytes from text; `None` when the text is anything but what [`encode`] writes.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
