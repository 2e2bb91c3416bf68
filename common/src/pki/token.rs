//! The text of a join token: `ojt.<id>.<secret>.<pin>`, with several pins while a CA is followed by the next.

use std::{fmt, str::FromStr};

use zeroize::Zeroizing;

use super::{Pins, base64url, sha256};

const PREFIX: &str = "ojt";

/// Identifies a join token: 16 lower-case hexadecimal digits, so that no database folds two into one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId([u8; 8]);

impl TokenId {
    /// Makes an identifier out of random bytes.
    #[must_use]
    pub const fn from_random(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TokenId {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Self(u64::from_str_radix(text, 16).map_err(|_| InvalidToken::Id)?.to_be_bytes());
        if id.to_string() == text { Ok(id) } else { Err(InvalidToken::Id) }
    }
}

/// What lets a host enrol: names itself, proves itself, and names the CA that the host should expect.
#[derive(Clone)]
pub struct JoinToken {
    /// Names the row in the database.
    pub id: TokenId,
    secret: Zeroizing<[u8; 32]>,
    /// The root CAs, one of which the collector's certificate must come from.
    pub pins: Pins,
}

impl JoinToken {
    /// Puts a token together from random bytes.
    #[must_use]
    pub fn new(id: TokenId, secret: Zeroizing<[u8; 32]>, pins: Pins) -> Self {
        Self { id, secret, pins }
    }

    /// SHA-256 of the secret: the only form of it that is stored.
    #[must_use]
    pub fn secret_sha256(&self) -> [u8; 32] {
        sha256(self.secret.as_slice())
    }

    /// The whole token as text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}.{}.{}.{}", self.id, base64url::encode(self.secret.as_slice()), self.pins)
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken").field("id", &self.id).field("pins", &self.pins).finish_non_exhaustive()
    }
}

impl FromStr for JoinToken {
    type Err = InvalidToken;

    /// Reads a token; blanks and line ends around it are left out, as it often comes from a file.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.trim().split('.');
        if parts.next() != Some(PREFIX) {
            return Err(InvalidToken::Prefix);
        }
        let (Some(id), Some(secret), Some(pins), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidToken::Parts);
        };
        let secret = Zeroizing::new(base64url::decode(secret).ok_or(InvalidToken::Secret)?);
        let secret = <[u8; 32]>::try_from(secret.as_slice()).map_err(|_| InvalidToken::Secret)?;
        let pins = pins.parse().map_err(|_| InvalidToken::Pin)?;
        Ok(Self { id: id.parse()?, secret: Zeroizing::new(secret), pins })
    }
}

/// A text is not a join token. What it says never holds a part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It does not begin with `ojt.`.
    #[error("it does not begin with \"ojt.\"")]
    Prefix,
    /// It has more or fewer than four parts.
    #[error("it does not have the four parts ojt.ID.SECRET.PIN")]
    Parts,
    /// The id is something else.
    #[error("its second part is not 16 hexadecimal digits")]
    Id,
    /// The secret is something else.
    #[error("its third part is not a secret of 43 characters")]
    Secret,
    /// The pin is something else.
    #[error("its fourth part is not a pin of 43 characters, or several with + between them")]
    Pin,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(id: [u8; 8], secret: [u8; 32], pin: [u8; 32]) -> JoinToken {
        let pins = base64url::encode(pin).parse().unwrap();
        JoinToken::new(TokenId::from_random(id), Zeroizing::new(secret), pins)
    }

    proptest! {
        #[test]
        fn a_token_survives_its_text(id: [u8; 8], secret: [u8; 32], pin: [u8; 32]) {
            let token = token(id, secret, pin);
            let read: JoinToken = format!("  {}\n", token.reveal()).parse().unwrap();
            prop_assert_eq!(read.reveal(), token.reveal());
            prop_assert_eq!(read.secret_sha256(), sha256(&secret));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(ojt\\.)?[0-9a-zA-Z_.=-]{0,120}") {
            let _ = text.parse::<JoinToken>();
        }
    }

    #[test]
    fn each_part_is_checked() {
        let text = token([1; 8], [2; 32], [3; 32]).reveal();
        let parts: Vec<&str> = text.split('.').collect();
        let with = |index: usize, part: &str| {
            let mut parts = parts.clone();
            parts[index] = part;
            parts.join(".").parse::<JoinToken>().unwrap_err()
        };
        assert_eq!(with(0, "OJT"), InvalidToken::Prefix);
        assert_eq!(with(1, "01010101010101"), InvalidToken::Id);
        assert_eq!(with(1, "010101010101010A"), InvalidToken::Id);
        assert_eq!(with(2, "AgIC"), InvalidToken::Secret);
        assert_eq!(with(2, &format!("{}=", parts[2])), InvalidToken::Secret);
        assert_eq!(with(3, "+/"), InvalidToken::Pin);
        let two: JoinToken = format!("{text}+{}", base64url::encode([4; 32])).parse().unwrap();
        assert_eq!(two.pins.to_string(), format!("{}+{}", parts[3], base64url::encode([4; 32])));
        assert_eq!(format!("{text}.x").parse::<JoinToken>().unwrap_err(), InvalidToken::Parts);
        assert_eq!("ojt".parse::<JoinToken>().unwrap_err(), InvalidToken::Parts);
    }

    #[test]
    fn the_secret_is_not_in_what_is_logged() {
        let token = token([1; 8], [2; 32], [3; 32]);
        assert!(!format!("{token:?}").contains(&base64url::encode([2; 32])));
    }
}
