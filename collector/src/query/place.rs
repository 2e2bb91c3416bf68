//! Where things are: partner, cloud, region, availability zone, datacenter.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{
    Context, EnvironmentBadge, Filter, Key, Resource, Test, Time,
    effective::{self, INHERITED, environment_filter},
    time, value,
};
use crate::{
    environment::ResourceType,
    store::{Db, Row, StoreError, Value},
};

const NAME: Filter = Filter::new("name", Test::Text("t.name"), "Exactly this name.");
const CODE: Filter = Filter::new("code", Test::Text("t.code"), "Exactly this code.");
const STATUS: Filter = Filter::new("status", Test::Text("t.status"), "Exactly this status.");
const ID: &[Key] = &[Key::int("id", "t.id")];

/// An organisation: who owns clouds, and whose customers use them. Its API key and secret are never shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Partner {
    /// Identifier.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// Kind of partner.
    pub r#type: String,
    /// What the partner is to the owner of the inventory.
    pub roles: Option<Json>,
    /// Address for mail.
    pub contact_email: Option<String>,
    /// Address of the web site.
    pub website: Option<String>,
    /// Identifier at the billing system.
    pub billing_account_id: Option<String>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
    /// When it was entered.
    pub created_at: Option<Time>,
    /// When it was last altered.
    pub updated_at: Option<Time>,
    /// Environments that count for it: its own, or those of its nearest ancestor that has any.
    pub environments: Vec<EnvironmentBadge>,
}

impl Resource for Partner {
    const LIST: &'static str = "partners";
    const ONE: &'static str = "partner";
    const ABOUT: &'static str = "Organisations: who owns clouds, and whose customers use them.";
    const KEYS: &'static [Key] = ID;
    const FILTERS: &'static [Filter] = &[
        NAME,
        Filter::new("type", Test::Text("t.type"), "Exactly this kind of partner."),
        STATUS,
        environment_filter(Test::Environment(ResourceType::Partner, "t")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.display_name, t.type, {} AS roles, t.contact_email, t.website, \
             t.billing_account_id, t.status, {} AS created_at, {} AS updated_at FROM partners t",
            context.dialect.json_text("t.roles"),
            context.dialect.datetime_text("t.created_at"),
            context.dialect.datetime_text("t.updated_at"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            display_name: row.get("display_name")?,
            r#type: row.get("type")?,
            roles: value::read(row, "roles")?,
            contact_email: row.get("contact_email")?,
            website: row.get("website")?,
            billing_account_id: row.get("billing_account_id")?,
            status: row.get("status")?,
            created_at: time::read_datetime(row, "created_at")?,
            updated_at: time::read_datetime(row, "updated_at")?,
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        effective::fill(db, ResourceType::Partner, items, |item| item.id, |item| &mut item.environments).await
    }
}

/// A cloud of a partner, public or private.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cloud {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Whom it is run for.
    pub client_name: Option<String>,
    /// The partner that it belongs to.
    pub partner_id: i64,
    /// Where it is deployed, in words.
    pub deployment_region: Option<String>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
    /// When it was entered.
    pub created_at: Option<Time>,
    /// When it was last altered.
    pub updated_at: Option<Time>,
    /// Environments that count for it: its own, or those of its nearest ancestor that has any.
    pub environments: Vec<EnvironmentBadge>,
}

impl Resource for Cloud {
    const LIST: &'static str = "clouds";
    const ONE: &'static str = "cloud";
    const ABOUT: &'static str = "Clouds of partners, public or private.";
    const KEYS: &'static [Key] = ID;
    const FILTERS: &'static [Filter] = &[
        NAME,
        Filter::new("partnerId", Test::Int("t.partner_id"), "Those of this partner."),
        STATUS,
        environment_filter(Test::Environment(ResourceType::Cloud, "t")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.description, t.client_name, t.partner_id, t.deployment_region, t.status, \
             {} AS created_at, {} AS updated_at FROM clouds t",
            context.dialect.datetime_text("t.created_at"),
            context.dialect.datetime_text("t.updated_at"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            client_name: row.get("client_name")?,
            partner_id: row.get("partner_id")?,
            deployment_region: row.get("deployment_region")?,
            status: row.get("status")?,
            created_at: time::read_datetime(row, "created_at")?,
            updated_at: time::read_datetime(row, "updated_at")?,
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        effective::fill(db, ResourceType::Cloud, items, |item| item.id, |item| &mut item.environments).await
    }
}

/// A region of a cloud.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Unique code.
    pub code: String,
    /// For example a country.
    pub geographic_area: Option<String>,
    /// The cloud that it belongs to.
    pub cloud_id: i64,
    /// Rules that hold there.
    pub compliance_zones: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
    /// When it was entered.
    pub created_at: Option<Time>,
    /// When it was last altered.
    pub updated_at: Option<Time>,
    /// Environments that count for it: its own, or those of its nearest ancestor that has any.
    pub environments: Vec<EnvironmentBadge>,
}

impl Resource for Region {
    const LIST: &'static str = "regions";
    const ONE: &'static str = "region";
    const ABOUT: &'static str = "Regions of clouds.";
    const KEYS: &'static [Key] = ID;
    const FILTERS: &'static [Filter] = &[
        NAME,
        CODE,
        Filter::new("cloudId", Test::Int("t.cloud_id"), "Those of this cloud."),
        STATUS,
        environment_filter(Test::Environment(ResourceType::Region, "t")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.code, t.geographic_area, t.cloud_id, t.compliance_zones, t.description, t.status, \
             {} AS created_at, {} AS updated_at FROM regions t",
            context.dialect.datetime_text("t.created_at"),
            context.dialect.datetime_text("t.updated_at"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            code: row.get("code")?,
            geographic_area: row.get("geographic_area")?,
            cloud_id: row.get("cloud_id")?,
            compliance_zones: row.get("compliance_zones")?,
            description: row.get("description")?,
            status: row.get("status")?,
            created_at: time::read_datetime(row, "created_at")?,
            updated_at: time::read_datetime(row, "updated_at")?,
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        effective::fill(db, ResourceType::Region, items, |item| item.id, |item| &mut item.environments).await
    }
}

/// An availability zone of a region.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityZone {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Code, unique within the region.
    pub code: String,
    /// The region that it belongs to.
    pub region_id: i64,
    /// For example `STANDARD`.
    pub zone_type: Option<String>,
    /// What is placed in the region without a zone goes here.
    pub is_default: Option<bool>,
    /// What it offers.
    pub capabilities: Option<String>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
    /// When it was entered.
    pub created_at: Option<Time>,
    /// When it was last altered.
    pub updated_at: Option<Time>,
    /// Environments that count for it: its own, or those of its nearest ancestor that has any.
    pub environments: Vec<EnvironmentBadge>,
}

impl Resource for AvailabilityZone {
    const LIST: &'static str = "availability-zones";
    const ONE: &'static str = "availability zone";
    const ABOUT: &'static str = "Availability zones of regions.";
    const KEYS: &'static [Key] = ID;
    const FILTERS: &'static [Filter] = &[
        NAME,
        CODE,
        Filter::new("regionId", Test::Int("t.region_id"), "Those of this region."),
        STATUS,
        environment_filter(Test::Environment(ResourceType::AvailabilityZone, "t")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.code, t.region_id, t.zone_type, t.is_default, t.capabilities, t.status, \
             {} AS created_at, {} AS updated_at FROM availability_zones t",
            context.dialect.datetime_text("t.created_at"),
            context.dialect.datetime_text("t.updated_at"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            code: row.get("code")?,
            region_id: row.get("region_id")?,
            zone_type: row.get("zone_type")?,
            is_default: row.get("is_default")?,
            capabilities: row.get("capabilities")?,
            status: row.get("status")?,
            created_at: time::read_datetime(row, "created_at")?,
            updated_at: time::read_datetime(row, "updated_at")?,
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        effective::fill(db, ResourceType::AvailabilityZone, items, |item| item.id, |item| &mut item.environments).await
    }
}

/// A datacenter: where computes stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Datacenter {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Kind of datacenter.
    pub r#type: Option<String>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
    /// Who runs it.
    pub provider: Option<String>,
    /// The partner that it belongs to.
    pub partner_id: Option<i64>,
    /// The cloud that it belongs to.
    pub cloud_id: Option<i64>,
    /// The availability zone that it belongs to.
    pub availability_zone_id: Option<i64>,
    /// The environment it is dedicated to.
    pub environment_id: Option<i64>,
    /// It stands in for another one after a disaster.
    pub is_dr_site: Option<bool>,
    /// The datacenter it is paired with.
    pub dr_paired_with: Option<i64>,
    /// Uptime Institute's tier, 1 to 4.
    pub tier: Option<i64>,
    /// Where it is, in words.
    pub location_other: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Number of servers as people entered it.
    pub servers: Option<i64>,
    /// Storage in terabytes as people entered it.
    pub storage_tb: Option<i64>,
    /// Use in per cent as people entered it.
    pub utilization: Option<i64>,
    /// When it was entered.
    pub created_at: Option<Time>,
    /// When it was last altered.
    pub updated_at: Option<Time>,
    /// Environments that count for it: its own, or those of its nearest ancestor that has any.
    pub environments: Vec<EnvironmentBadge>,
}

impl Resource for Datacenter {
    const LIST: &'static str = "datacenters";
    const ONE: &'static str = "datacenter";
    const ABOUT: &'static str = "Datacenters: where computes stand.";
    const KEYS: &'static [Key] = ID;
    const FILTERS: &'static [Filter] = &[
        NAME,
        Filter::new("partnerId", Test::Int("t.partner_id"), "Those of this partner."),
        Filter::new("cloudId", Test::Int("t.cloud_id"), "Those of this cloud."),
        Filter::new("availabilityZoneId", Test::Int("t.availability_zone_id"), "Those of this availability zone."),
        Filter::new("environmentId", Test::Int("t.environment_id"), "Those dedicated to this environment."),
        STATUS,
        environment_filter(Test::Environment(ResourceType::Datacenter, "t")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.type, t.status, t.provider, t.partner_id, t.cloud_id, t.availability_zone_id, \
             t.environment_id, t.is_dr_site, t.dr_paired_with, t.tier, t.location_other, {} AS latitude, \
             {} AS longitude, t.servers, t.storage_tb, t.utilization, {} AS created_at, {} AS updated_at \
             FROM datacenters t",
            context.dialect.decimal("t.latitude"),
            context.dialect.decimal("t.longitude"),
            context.dialect.datetime_text("t.created_at"),
            context.dialect.datetime_text("t.updated_at"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            r#type: row.get("type")?,
            status: row.get("status")?,
            provider: row.get("provider")?,
            partner_id: row.get("partner_id")?,
            cloud_id: row.get("cloud_id")?,
            availability_zone_id: row.get("availability_zone_id")?,
            environment_id: row.get("environment_id")?,
            is_dr_site: row.get("is_dr_site")?,
            dr_paired_with: row.get("dr_paired_with")?,
            tier: row.get("tier")?,
            location_other: row.get("location_other")?,
            latitude: row.get("latitude")?,
            longitude: row.get("longitude")?,
            servers: row.get("servers")?,
            storage_tb: row.get("storage_tb")?,
            utilization: row.get("utilization")?,
            created_at: time::read_datetime(row, "created_at")?,
            updated_at: time::read_datetime(row, "updated_at")?,
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        effective::fill(db, ResourceType::Datacenter, items, |item| item.id, |item| &mut item.environments).await
    }
}
