//! What things are for: environments of each partner, and what belongs to them.

use super::{
    FillError, Now, Writer,
    places::{Places, Zone, key},
    statement::{Table, row},
    words::ENVIRONMENTS,
};

static ENVIRONMENT: Table = Table { name: "environments", columns: &["id", "name", "code", "type", "partner_id"] };
static ASSOCIATION: Table = Table {
    name: "environment_associations",
    columns: &[
        "environment_id",
        "resource_type",
        "resource_id",
        "is_primary",
        "allocated_percentage",
        "declared_percentage",
        "origin",
    ],
};
static COPIED: Table =
    Table { name: "environment_legacy", columns: &["datacenter_id", "environment_id", "copied_at_us"] };

/// Environments, by how many of a hundred things belong to each.
const SHARES: [usize; 6] = [45, 12, 18, 12, 8, 5];

pub(super) fn write(
    writer: &mut Writer,
    places: &Places,
    now: Now,
    chance: &mut fastrand::Rng,
) -> Result<(), FillError> {
    for partner in 1..=places.partners {
        for (index, (name, code, kind)) in ENVIRONMENTS.into_iter().enumerate() {
            writer.add(&ENVIRONMENT, row![Places::environment(partner, index), name, code, kind, partner])?;
        }
        if partner % 3 == 0 {
            associate(writer, Places::environment(partner, 0), "partner", partner.into())?;
        }
    }
    let zones: Vec<u32> = places.zones.iter().map(Zone::partner).collect();
    for (kind, partners) in [("cloud", &places.clouds), ("region", &places.regions), ("availability_zone", &zones)] {
        for (index, partner) in partners.iter().enumerate().filter(|(index, _)| index % 4 == 1) {
            associate(writer, choose(*partner, chance), kind, key(index + 1))?;
        }
    }
    for (index, datacenter) in places.datacenters.iter().enumerate() {
        let id = key(index + 1);
        match datacenter.environment {
            // What the collector copies from the legacy column, once.
            Some(environment) => {
                let cells = row![environment, "datacenter", id, true, None::<f64>, None::<f64>, "legacy"];
                writer.add(&ASSOCIATION, cells)?;
                writer.add(&COPIED, row![id, environment, now.at_us])?;
            }
            None if index % 2 == 0 => associate(writer, choose(datacenter.partner, chance), "datacenter", id)?,
            None => {}
        }
    }
    Ok(())
}

/// An environment of a partner, production more often than others.
pub(super) fn choose(partner: u32, chance: &mut fastrand::Rng) -> i64 {
    Places::environment(partner, choose_index(chance))
}

/// The same, as its place in the list of environments.
pub(super) fn choose_index(chance: &mut fastrand::Rng) -> usize {
    let mut left = chance.usize(0..100);
    let found = SHARES.iter().position(|share| {
        let here = left < *share;
        left = left.saturating_sub(*share);
        here
    });
    found.unwrap_or_default()
}

/// A resource belongs to one environment.
pub(super) fn associate(
    writer: &mut Writer,
    environment: i64,
    kind: &'static str,
    resource: i64,
) -> Result<(), FillError> {
    writer.add(&ASSOCIATION, row![environment, kind, resource, true, None::<f64>, None::<f64>, "person"])
}

/// A host is shared by several environments; the shares sum to 100.
pub(super) fn share(writer: &mut Writer, partner: u32, compute: i64, parts: &[u32]) -> Result<(), FillError> {
    for (index, part) in parts.iter().enumerate() {
        let environment = Places::environment(partner, index);
        writer.add(
            &ASSOCIATION,
            row![environment, "compute", compute, index == 0, f64::from(*part), f64::from(*part), "person"],
        )?;
    }
    Ok(())
}
