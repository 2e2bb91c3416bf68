//! Serial numbers of certificates.

use std::{fmt, str::FromStr};

/// A positive serial number of at most 127 bits, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(u128);

impl Serial {
    /// Makes a serial out of 16 random bytes.
    ///
    /// The top bit is cleared because DER integers are signed, the next one is set so that all have one length.
    #[must_use]
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes) & (u128::MAX >> 1) | 1 << 126)
    }

    /// Reads the content of a DER INTEGER; `None` when it is negative, zero or too long.
    #[must_use]
    pub fn from_der_content(content: &[u8]) -> Option<Self> {
        if content.first().is_some_and(|first| first & 0x80 != 0) || content.len() > 16 {
            return None;
        }
        let number = content.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        (number != 0).then_some(Self(number))
    }

    /// The number, big endian.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Serial {
    type Err = InvalidSerial;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let serial = Self(u128::from_str_radix(text, 16).map_err(|_| InvalidSerial)?);
        if serial.to_string() == text { Ok(serial) } else { Err(InvalidSerial) }
    }
}

/// A text is not a serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 lower-case hexadecimal digits")]
pub struct InvalidSerial;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_random_serial_is_positive_has_16_bytes_and_survives_its_text(bytes: [u8; 16]) {
            let serial = Serial::from_random(bytes);
            prop_assert_eq!(Serial::from_der_content(&serial.to_bytes()), Some(serial));
            prop_assert_eq!(serial.to_string().parse(), Ok(serial));
            prop_assert_eq!(serial.to_bytes()[0] & 0xc0, 0x40);
        }
    }

    #[test]
    fn a_negative_zero_or_long_serial_is_not_one() {
        assert_eq!(Serial::from_der_content(&[0x80]), None);
        assert_eq!(Serial::from_der_content(&[0]), None);
        assert_eq!(Serial::from_der_content(&[]), None);
        assert_eq!(Serial::from_der_content(&[1; 17]), None);
    }
}
