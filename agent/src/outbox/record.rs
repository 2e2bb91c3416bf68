//! The frame of a record: length (4 bytes), number (8), checksum (8), then the payload; integers little endian.

/// Bytes in front of the payload.
pub(super) const HEADER: usize = 20;

/// No payload is longer; a longer length is garbage.
const MAX_PAYLOAD: usize = 4 << 20;

/// A stored report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: u64,
    /// The encoded report.
    pub payload: Vec<u8>,
}

impl Record {
    /// Bytes that the record takes in a segment.
    pub(super) fn framed_len(&self) -> u64 {
        (HEADER + self.payload.len()) as u64
    }

    /// Writes the record behind what is in `out`.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        // The size of a report is bounded far below this.
        let len = u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        out.extend_from_slice(&len);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&checksum(len, self.sequence, &self.payload));
        out.extend_from_slice(&self.payload);
    }
}

/// Reads the record at the start of `bytes`; `None` when it is torn or damaged.
pub(super) fn parse(bytes: &[u8]) -> Option<Record> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let size = usize::try_from(u32::from_le_bytes(*len)).ok().filter(|size| *size <= MAX_PAYLOAD)?;
    let payload = rest.get(..size)?;
    let sequence = u64::from_le_bytes(*sequence);
    (checksum(*len, sequence, payload) == *sum).then(|| Record { sequence, payload: payload.to_vec() })
}

fn checksum(len: [u8; 4], sequence: u64, payload: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&len).update(&sequence.to_le_bytes()).update(payload);
    let mut short = [0; 8];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    short
}
