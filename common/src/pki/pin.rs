//! The pin of a CA: enough of it to recognise it, short enough to travel in a join token.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::base64url;

/// SHA-256 of a certificate's `SubjectPublicKeyInfo` in DER.
///
/// It names the key and not the certificate, so that a root may be signed anew without new tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The pin of a certificate; `None` when it cannot be read.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        Some(Self(sha256(certificate.public_key().raw)))
    }

    /// The hash, as it travels in a message.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl TryFrom<&[u8]> for Pin {
    type Error = InvalidPin;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self).map_err(|_| InvalidPin)
    }
}

impl fmt::Display for Pin {
    /// Writes 43 characters of base64url.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = base64url::decode(text).ok_or(InvalidPin)?;
        bytes.try_into().map(Self).map_err(|_| InvalidPin)
    }
}

/// Pins of the CAs that may be met: one, or several while a CA is followed by the next.
#[derive(Clone, PartialEq, Eq)]
pub struct Pins(Vec<Pin>);

impl Pins {
    /// The most that are read: two CAs overlap, more than a few are a mistake.
    const MOST: usize = 4;

    /// Makes a set; `None` when it would be empty.
    #[must_use]
    pub fn new(pins: impl IntoIterator<Item = Pin>) -> Option<Self> {
        let mut distinct: Vec<Pin> = Vec::new();
        for pin in pins {
            if !distinct.contains(&pin) {
                distinct.push(pin);
            }
        }
        (!distinct.is_empty()).then_some(Self(distinct))
    }

    /// Whether a certificate has one of these pins.
    #[must_use]
    pub fn match_certificate(&self, certificate: &CertificateDer<'_>) -> bool {
        Pin::of(certificate).is_some_and(|pin| self.0.contains(&pin))
    }
}

impl From<Pin> for Pins {
    fn from(pin: Pin) -> Self {
        Self(vec![pin])
    }
}

impl fmt::Display for Pins {
    /// Writes the pins with a `+` between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pin) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("+")?;
            }
            fmt::Display::fmt(pin, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pins {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let pins: Vec<Pin> = text.split('+').map(str::parse).collect::<Result<_, _>>()?;
        if pins.len() > Self::MOST { Err(InvalidPin) } else { Self::new(pins).ok_or(InvalidPin) }
    }
}

/// A text is not a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 43 characters of base64url, or several such pins with + between them")]
pub struct InvalidPin;

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(byte: u8) -> Pin {
        Pin([byte; 32])
    }

    #[test]
    fn a_set_of_pins_survives_its_text_and_one_pin_is_written_as_before() {
        let one = Pins::from(pin(1));
        assert_eq!(one.to_string(), pin(1).to_string());
        assert_eq!(one.to_string().parse(), Ok(one));
        let two = Pins::new([pin(1), pin(2), pin(1)]).unwrap();
        assert_eq!(two.to_string(), format!("{}+{}", pin(1), pin(2)));
        assert_eq!(two.to_string().parse(), Ok(two));
        assert_eq!(Pins::new([]), None);
    }

    #[test]
    fn a_text_that_is_no_set_of_pins_is_refused() {
        let pin = pin(3).to_string();
        let many = [pin.as_str(); 5].join("+");
        for text in ["", "+", &format!("{pin}+"), &format!("+{pin}"), &format!("{pin} {pin}"), &many] {
            assert_eq!(text.parse::<Pins>(), Err(InvalidPin), "{text}");
        }
    }
}
