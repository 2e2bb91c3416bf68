//! Where things are: partners, clouds, regions, zones, datacenters, and the devices that connect them.

use super::{
    FillError, Scale, Writer,
    statement::{Table, row},
    words::{CITIES, ENVIRONMENTS, numbered},
};

const PARTNERS: [&str; 4] = ["self", "amazon", "google", "microsoft"];
/// Hosts of a datacenter, about.
const HOSTS: u32 = 40;
const CLOUDS: usize = 2;

static PARTNER: Table = Table { name: "partners", columns: &["id", "name", "display_name", "type", "roles"] };
static CLOUD: Table =
    Table { name: "clouds", columns: &["id", "name", "client_name", "partner_id", "deployment_region"] };
static REGION: Table =
    Table { name: "regions", columns: &["id", "name", "code", "geographic_area", "cloud_id", "compliance_zones"] };
static ZONE: Table = Table { name: "availability_zones", columns: &["id", "name", "code", "region_id", "is_default"] };
static DATACENTER: Table = Table {
    name: "datacenters",
    columns: &["id", "name", "type", "partner_id", "cloud_id", "availability_zone_id", "environment_id", "tier"],
};
static DEVICE: Table =
    Table { name: "network_devices", columns: &["id", "name", "device_type", "management_ip", "datacenter_id"] };

/// All places, each list in the order of its keys, which count from 1.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// How many partners there are.
    pub(super) partners: u32,
    /// Partner of each cloud, region and zone.
    pub(super) clouds: Vec<u32>,
    pub(super) regions: Vec<u32>,
    pub(super) zones: Vec<Zone>,
    pub(super) datacenters: Vec<Datacenter>,
}

#[derive(Debug)]
pub(super) struct Zone {
    partner: u32,
    cloud: usize,
    city: &'static str,
}

impl Zone {
    pub(super) const fn partner(&self) -> u32 {
        self.partner
    }
}

#[derive(Debug)]
pub(super) struct Datacenter {
    pub(super) partner: u32,
    pub(super) cloud: usize,
    /// Begins the names of its hosts.
    pub(super) code: String,
    /// Environment that the legacy column names.
    pub(super) environment: Option<i64>,
}

impl Places {
    /// Datacenter of a host, by number: neighbours stand together.
    pub(super) fn datacenter_of(&self, compute: u32, computes: u32) -> usize {
        let number = u64::from(compute) * self.datacenters.len() as u64 / u64::from(computes.max(1));
        usize::try_from(number).unwrap_or(usize::MAX)
    }

    /// Key of a partner's environment, by its place in the list of environments.
    pub(super) fn environment(partner: u32, index: usize) -> i64 {
        i64::from(partner - 1) * key(ENVIRONMENTS.len()) + key(index) + 1
    }
}

/// A count or a place in a list, as a key.
pub(super) fn key(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

pub(super) fn write(writer: &mut Writer, scale: &Scale) -> Result<Places, FillError> {
    let partners = (scale.computes.isqrt() / 10).clamp(2, 10);
    let datacenters = scale.computes.div_ceil(HOSTS).max(partners * 2);
    let each = datacenters.div_ceil(partners) as usize;
    let mut places = Places { partners, ..Places::default() };
    for partner in 1..=partners {
        let name = numbered(&PARTNERS, partner as usize - 1);
        let (display, kind, roles) = match partner {
            1 => ("Our own organisation".to_owned(), "both", r#"["cloud-provider","vendor"]"#),
            _ => (format!("Partner {name}"), "cloud-provider", r#"["cloud-provider"]"#),
        };
        writer.add(&PARTNER, row![partner, name.clone(), display, kind, roles])?;
        for cloud in 0..CLOUDS {
            write_cloud(writer, &mut places, partner, &format!("{name}-{}", cloud + 1), each)?;
        }
    }
    write_datacenters(writer, &mut places, datacenters)?;
    Ok(places)
}

/// A cloud with its regions and zones.
fn write_cloud(
    writer: &mut Writer,
    places: &mut Places,
    partner: u32,
    name: &str,
    datacenters: usize,
) -> Result<(), FillError> {
    places.clouds.push(partner);
    let cloud = places.clouds.len();
    writer.add(&CLOUD, row![key(cloud), format!("cloud {name}"), "self", partner, CITIES[cloud % CITIES.len()].1])?;
    for number in 0..(datacenters / 8).clamp(1, 3) {
        let region = places.regions.len() + 1;
        places.regions.push(partner);
        let (city, area) = CITIES[region % CITIES.len()];
        let code = format!("{name}-{}-{}", city.to_lowercase(), number + 1);
        let compliance = if region.is_multiple_of(3) { "SOC2,GDPR" } else { "SOC2" };
        writer.add(
            &REGION,
            row![key(region), format!("{city} {}", number + 1), code.clone(), area, key(cloud), compliance],
        )?;
        for letter in ["a", "b"].into_iter().take(if datacenters >= 8 { 2 } else { 1 }) {
            places.zones.push(Zone { partner, cloud, city });
            let zone = key(places.zones.len());
            let name = format!("{code}{letter}");
            writer.add(&ZONE, row![zone, name.clone(), name, key(region), letter == "a"])?;
        }
    }
    Ok(())
}

/// Datacenters, dealt out to the zones in turn so that each partner has as many, with their devices.
fn write_datacenters(writer: &mut Writer, places: &mut Places, count: u32) -> Result<(), FillError> {
    let mut devices = 0;
    for number in 0..count as usize {
        let zone = number * places.zones.len() / count as usize;
        let Zone { partner, cloud, city } = places.zones[zone];
        let datacenter = key(number + 1);
        let code = format!("{}{:03}", &city.to_lowercase()[..3], number + 1);
        let environment = (number % 5 < 2).then(|| Places::environment(partner, [0, 0, 2, 1, 5][number / 5 % 5]));
        let kind = if number.is_multiple_of(4) { "COLOCATION" } else { "OWNED" };
        let name = format!("{city}-DC{}", number + 1);
        let tier = i64::from(number.is_multiple_of(2)) + 3;
        writer.add(&DATACENTER, row![datacenter, name, kind, partner, key(cloud), key(zone + 1), environment, tier])?;
        for kind in ["Router", "Switch", "Firewall"].into_iter().take(1 + number % 3) {
            devices += 1;
            let name = format!("{code}-{}", kind.to_lowercase());
            let address = format!("10.{}.{}.{}", number / 250, number % 250, devices % 250);
            writer.add(&DEVICE, row![devices as i64, name, kind, address, datacenter])?;
        }
        places.datacenters.push(Datacenter { partner, cloud, code, environment });
    }
    Ok(())
}
