//! The kinds of evidence, strongest first, and what vetoes each. Pure.

/// A kind of fact that tells machines apart. Before all of them stands the agent's certificate: an agent that was
/// matched once stays with its compute.
///
/// The order is that of trust: what the provider or the hardware says survives another operating system; what is
/// written on the disk travels with a copy of it; names and addresses are given anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Identifier that the cloud gave the instance.
    CloudInstanceId,
    /// SMBIOS system UUID, in both byte orders.
    ProductUuid,
    /// SMBIOS serial number.
    ProductSerial,
    /// Content of `/etc/machine-id`.
    MachineId,
    /// Hardware address of an interface; decides only together with a name or an address.
    Mac,
    /// Host name; decides only together with an address.
    Hostname,
    /// Address; decides nothing by itself.
    Address,
}

impl Evidence {
    /// Every kind, strongest first.
    pub const ORDER: [Self; 7] = [
        Self::CloudInstanceId,
        Self::ProductUuid,
        Self::ProductSerial,
        Self::MachineId,
        Self::Mac,
        Self::Hostname,
        Self::Address,
    ];

    /// The word in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CloudInstanceId => "cloud_instance_id",
            Self::ProductUuid => "product_uuid",
            Self::ProductSerial => "product_serial",
            Self::MachineId => "machine_id",
            Self::Mac => "mac",
            Self::Hostname => "hostname",
            Self::Address => "address",
        }
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ORDER.into_iter().find(|kind| kind.word() == word)
    }

    /// What people call it.
    #[must_use]
    pub const fn prose(self) -> &'static str {
        match self {
            Self::CloudInstanceId => "cloud instance id",
            Self::ProductUuid => "product UUID",
            Self::ProductSerial => "serial number",
            Self::MachineId => "machine id",
            Self::Mac => "hardware address",
            Self::Hostname => "host name",
            Self::Address => "address",
        }
    }

    /// Identifies by itself, without another kind beside it.
    #[must_use]
    pub const fn is_strong(self) -> bool {
        matches!(self, Self::CloudInstanceId | Self::ProductUuid | Self::ProductSerial | Self::MachineId)
    }

    /// The kinds whose disagreement makes agreement in this one worthless: a disk that was copied to other hardware has
    /// the same machine id, a name that was given to another machine is the same name. All of them are stronger.
    #[must_use]
    pub const fn vetoed_by(self) -> &'static [Self] {
        match self {
            Self::CloudInstanceId => &[],
            Self::ProductUuid => &[Self::CloudInstanceId],
            Self::ProductSerial => &[Self::CloudInstanceId, Self::ProductUuid],
            // A re-imaged host has another machine id on the same interfaces.
            Self::MachineId | Self::Mac => &[Self::CloudInstanceId, Self::ProductUuid, Self::ProductSerial],
            Self::Hostname | Self::Address => {
                &[Self::CloudInstanceId, Self::ProductUuid, Self::ProductSerial, Self::MachineId]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_stronger_vetoes_and_what_is_weaker_is_vetoed_by_no_less() {
        for pair in Evidence::ORDER.windows(2) {
            let [stronger, weaker] = pair else { continue };
            assert!(stronger < weaker);
            assert!(stronger.vetoed_by().iter().all(|kind| weaker.vetoed_by().contains(kind)), "{pair:?}");
            assert!(weaker.vetoed_by().iter().all(|kind| kind < weaker), "{pair:?}");
        }
        assert!(Evidence::ORDER.iter().all(|kind| Evidence::from_word(kind.word()) == Some(*kind)));
    }
}
