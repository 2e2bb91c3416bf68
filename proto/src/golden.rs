//! Messages as bytes, so that no change of the contract goes unnoticed: those of the oldest form that is served, frozen, and
//! made-up ones of the next version. For tests of both ends.
//!
//! They were encoded by hand, not by this crate: 32 bytes in a line, two hexadecimal digits each. A message of the oldest
//! form is never changed; one that cannot be read any more means that agents in the field are cut off.

// What agents say, version 1.

/// Hello of agent 0.1.0 on the host `old-host`: two reports in the outbox, docker seen whole and empty.
pub const HELLO: &str = "\
    0a780a05302e312e3010011a06626f6f742d3122100101010101010101010101\
    010101010128023a1a0a06646f636b6572121000000000000000000000000000\
    000000422c0a086f6c642d686f73741220616261626162616261626162616261\
    6261626162616261626162616261626162488080e2c4f2a29903";

/// Report 1: docker is healthy and complete, the container `web` (native id `c1`) is there.
pub const REPORT_UPSERT: &str = "\
    128b010801188080e2c4f2a29903227e0a06646f636b6572120d080110012080\
    80e2c4f2a299031a65088080e2c4f2a29903125a0a0263311210070707070707\
    070707070707070707071a0c0a06646f636b6572120263312a340a0263311203\
    7765621a0962757379626f783a312a06646f636b6572320772756e6e696e679a\
    010c0a047465616d1204626c7565";

/// Report 2: the engine said that `c1` was removed.
pub const REPORT_REMOVAL: &str = "\
    123108021001188180e2c4f2a2990322220a06646f636b65721a18088180e2c4\
    f2a299031a0d0a026331120772656d6f766564";

/// Heartbeat behind report 2, nothing believed.
pub const HEARTBEAT: &str = "\
    1a0b0900000000000000001002";

/// Digests behind report 2: docker is empty.
pub const DIGESTS: &str = "\
    221e0802121a0a06646f636b6572121000000000000000000000000000000000";

/// Listing of docker behind report 2: whole and empty.
pub const LISTING: &str = "\
    2a0c0a06646f636b657210022801";

/// Use of `c1`: 250 millicores, 1 MiB.
pub const MEASUREMENTS: &str = "\
    32150a130a06646f636b65721202633118fa0120808040";

/// Order 1 is done.
pub const ORDER_RESULT: &str = "\
    3a0408011001";

/// The agent stops.
pub const AGENT_GOODBYE: &str = "\
    420a0a0873746f7070696e67";

// What collectors say, version 1.

/// Welcome to session 7 with nothing stored: heartbeats every 60 s, the default limits.
pub const WELCOME: &str = "\
    0a1f08072a02083c320e0880804010d08603188020208001388080e2c4f2a299\
    03";

/// Report 1 is stored.
pub const ACK_APPLIED: &str = "\
    120408011001";

/// Asks for digests.
pub const DIGEST_REQUEST: &str = "\
    1a00";

/// Asks for a listing of docker.
pub const LISTING_REQUEST: &str = "\
    22080a06646f636b6572";

/// Asks for the entity `a` of docker.
pub const WANTED: &str = "\
    2a0b0a06646f636b6572120161";

/// Order 1: answer at once.
pub const ORDER_PING: &str = "\
    320408011a00";

/// The collector drains; come back in 10 ms.
pub const COLLECTOR_GOODBYE: &str = "\
    3a0c0a08647261696e696e67100a";

// What the next version might say.

/// Hello of version 2 of the protocol, with fields that version 1 does not have.
pub const LATER_HELLO: &str = "\
    0a83010a05302e312e3010021a06626f6f742d31221001010101010101010101\
    01010101010128023a1a0a06646f636b65721210000000000000000000000000\
    00000000422c0a086f6c642d686f737412206162616261626162616261626162\
    616261626162616261626162616261626162488080e2c4f2a29903c03e05ca3e\
    056c61746572c03e05ca3e056c61746572";

/// Report 1 as `REPORT_UPSERT`, in states that version 1 does not have (9), with unknown fields everywhere, and with two changes more:
/// an entity of an unknown kind, and an unknown kind of change.
pub const LATER_REPORT: &str = "\
    1297020801188080e2c4f2a2990322fe010a06646f636b657212180809100920\
    8080e2c4f2a29903c03e05ca3e056c617465721a7b088080e2c4f2a299031265\
    0a0263311210070707070707070707070707070707071a0c0a06646f636b6572\
    120263312a340a02633112037765621a0962757379626f783a312a06646f636b\
    6572320772756e6e696e679a010c0a047465616d1204626c7565c03e05ca3e05\
    6c61746572c03e05ca3e056c617465721a33088080e2c4f2a2990312280a0278\
    31121008080808080808080808080808080808a2380f61206b696e64206f6620\
    6c617465721a1d088080e2c4f2a29903aa381161206368616e6765206f66206c\
    61746572c03e05ca3e056c61746572c03e05ca3e056c61746572";

/// A message that version 1 does not have.
pub const LATER_AGENT_MESSAGE: &str = "\
    9a060bc03e05ca3e056c61746572";

/// Welcome as `WELCOME`, of version 2, with unknown fields.
pub const LATER_WELCOME: &str = "\
    0a3b08072a02083c320e0880804010d08603188020208001388080e2c4f2a299\
    0348022a0d083cc03e05ca3e056c61746572c03e05ca3e056c61746572";

/// Report 1, with an outcome that version 1 does not have (9).
pub const LATER_ACK: &str = "\
    120f08011009c03e05ca3e056c61746572";

/// Order 2, of a kind that version 1 does not have.
pub const LATER_ORDER: &str = "\
    32060802ea040178";

/// A message that version 1 does not have.
pub const LATER_COLLECTOR_MESSAGE: &str = "\
    9a060bc03e05ca3e056c61746572";

/// The bytes of a message.
///
/// # Panics
/// When the text holds anything but pairs of hexadecimal digits.
#[must_use]
pub fn bytes(text: &str) -> Vec<u8> {
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).unwrap_or_default();
        u8::from_str_radix(text, 16).unwrap_or_else(|_| panic!("{text:?} is no pair of hexadecimal digits"))
    };
    text.as_bytes().chunks(2).map(pair).collect()
}
