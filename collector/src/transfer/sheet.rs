//! The kinds as they stand in files: what their columns are called, what names a row, and what it stands in. Pure data
//! beside the forms.

use crate::{
    catalog::{Field, Kind, fold},
    edit::{
        form::{Form, Input, Rule},
        forms,
    },
};

/// A kind that files hold.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) form: &'static Form,
    /// How a row is found again.
    pub(crate) named: Named,
    /// The fields that name what a row stands in, the nearest first.
    pub(crate) above: &'static [&'static str],
}

/// How a row is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// By its name within what it stands in.
    ByName,
    /// By its code within what it stands in, or else by its name.
    ByCode,
    /// By its code, wherever it stands, or else by its name.
    ByOnlyCode,
    /// By what it is attached to and a key of its own.
    Attached,
}

const fn sheet(form: &'static Form, named: Named, above: &'static [&'static str]) -> Sheet {
    Sheet { form, named, above }
}

/// Every kind that files hold. A row names only rows of kinds before its own, but for the pairs of datacenters.
pub(crate) static SHEETS: [Sheet; 14] = [
    sheet(&forms::PARTNER, Named::ByName, &[]),
    sheet(&forms::ENVIRONMENT, Named::ByCode, &["partnerId"]),
    sheet(&forms::CLOUD, Named::ByName, &["partnerId"]),
    sheet(&forms::REGION, Named::ByOnlyCode, &["cloudId"]),
    sheet(&forms::AVAILABILITY_ZONE, Named::ByCode, &["regionId"]),
    sheet(&forms::DATACENTER, Named::ByName, &["availabilityZoneId", "cloudId", "partnerId"]),
    sheet(&forms::RESOURCE_POOL, Named::ByName, &["datacenterId"]),
    sheet(&forms::NETWORK_DEVICE, Named::ByName, &["datacenterId"]),
    sheet(&forms::COMPUTE, Named::ByName, &["datacenterId", "cloudId"]),
    sheet(&forms::CONTAINER, Named::ByName, &["computeId"]),
    sheet(&forms::CAPABILITY, Named::Attached, &[]),
    sheet(&forms::ENVIRONMENT_ASSOCIATION, Named::Attached, &[]),
    sheet(&forms::TAG, Named::Attached, &[]),
    sheet(&forms::AUTOMATION_TARGET, Named::Attached, &[]),
];

/// Words for columns that people use besides the fields' own.
const ALSO: [(&str, &str); 6] = [
    ("zone", "availabilityzone"),
    ("zoneid", "availabilityzoneid"),
    ("key", "tagkey"),
    ("value", "tagvalue"),
    ("version", "capabilityversion"),
    ("share", "allocatedpercentage"),
];

/// What a column of a file holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// The kind of the row.
    Kind,
    /// The number of the row.
    Id,
    /// Which one of several rows of the same name at the same place, from 1.
    Nth,
    /// A field.
    Field(&'static Input, &'static Field),
    /// A row of another kind, by its path or its name.
    Path(&'static Field),
    /// A row of another kind, by its number.
    Number(&'static Field),
    /// The resource that the row is attached to, by its path or its name.
    Resource(&'static Field),
    /// The resource that the row is attached to, by its number.
    ResourceNumber(&'static Field),
    /// What is shown of a row and cannot be written.
    ReadOnly,
}

/// A name of a column as it compares: without case, underscores, hyphens and blanks.
pub(crate) fn folded(name: &str) -> String {
    fold(name).chars().filter(|letter| !matches!(letter, '-' | ' ' | '\u{a0}')).collect()
}

/// Finds a kind by any of its names.
pub(crate) fn find(name: &str) -> Option<usize> {
    let name = folded(name.trim());
    SHEETS.iter().position(|sheet| {
        let Kind { name: one, plural, list, resource_type, .. } = sheet.form.kind;
        [one, plural, list, resource_type].iter().any(|known| !known.is_empty() && folded(known) == name)
    })
}

/// Finds the sheet of a kind.
pub(crate) fn of_kind(kind: &str) -> Option<usize> {
    SHEETS.iter().position(|sheet| sheet.form.kind.name == kind)
}

impl Sheet {
    /// What a column of this name holds.
    pub(crate) fn slot(&self, name: &str) -> Option<Slot> {
        let mut name = folded(name);
        if let Some((_, known)) = ALSO.iter().find(|(word, _)| *word == name)
            && self.column(known).is_some()
        {
            name = (*known).to_owned();
        }
        self.column(&name)
    }

    fn column(&self, name: &str) -> Option<Slot> {
        match name {
            "kind" => return Some(Slot::Kind),
            "id" => return Some(Slot::Id),
            "nth" => return Some(Slot::Nth),
            "type" if self.form.kind.name == "capability" => return self.column("capabilitytype"),
            _ => {}
        }
        let resource = self.form.attached().map(|(_, column)| column);
        for (input, field) in self.form.fields() {
            let (own, title) = (folded(field.name), folded(title(field.name)));
            if resource == Some(field.column) {
                if own == name {
                    return Some(Slot::ResourceNumber(field));
                }
                if title == name {
                    return Some(Slot::Resource(field));
                }
            } else if let Rule::Reference(_) = input.rule {
                if title == name {
                    return Some(Slot::Path(field));
                }
                if own == name {
                    return Some(Slot::Number(field));
                }
            } else if own == name {
                return Some(Slot::Field(input, field));
            }
        }
        self.form.kind.fields.iter().any(|field| folded(field.name) == name).then_some(Slot::ReadOnly)
    }

    /// The columns that a file of the kind has, by the names that an export gives them.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&'static str, &'static Input, &'static Field)> {
        let resource = self.form.attached().map(|(_, column)| column);
        self.form.fields().map(move |(input, field)| {
            let named = resource == Some(field.column) || matches!(input.rule, Rule::Reference(_));
            (if named { title(field.name) } else { field.name }, input, field)
        })
    }

    /// The place of a field among what the row stands in.
    pub(crate) fn level(&self, field: &Field) -> Option<usize> {
        self.above.iter().position(|name| *name == field.name)
    }

    /// The kind that a field of [`Self::above`] names.
    pub(crate) fn kind_above(&self, level: usize) -> Option<usize> {
        let (input, _) = self.form.input(self.above.get(level)?)?;
        match input.rule {
            Rule::Reference(kind) => of_kind(kind),
            _ => None,
        }
    }

    /// Whether rows have a code.
    pub(crate) const fn has_code(&self) -> bool {
        matches!(self.named, Named::ByCode | Named::ByOnlyCode)
    }

    /// What one of them is called.
    pub(crate) const fn one(&self) -> &'static str {
        self.form.one
    }
}

/// The name of a field that holds a number of a row, for a column that holds the row's path.
fn title(name: &'static str) -> &'static str {
    name.strip_suffix("Id").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_only_rows_of_kinds_before_its_own() {
        for (at, sheet) in SHEETS.iter().enumerate() {
            for level in 0..sheet.above.len() {
                assert!(sheet.kind_above(level).unwrap() < at, "{} {level}", sheet.one());
            }
            for (_, input, field) in sheet.columns() {
                let Rule::Reference(kind) = input.rule else { continue };
                let other = of_kind(kind).unwrap();
                assert!(other < at || field.name == "drPairedWith", "{} {}", sheet.one(), field.name);
            }
        }
    }

    #[test]
    fn no_two_columns_of_a_kind_share_a_name() {
        for sheet in &SHEETS {
            let mut names: Vec<String> = sheet.columns().map(|(name, ..)| folded(name)).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count, "{}", sheet.one());
            for (name, _, field) in sheet.columns() {
                let told = match sheet.slot(name).unwrap() {
                    Slot::Field(_, found) | Slot::Path(found) | Slot::Resource(found) => found.name,
                    other => panic!("{} {name}: {other:?}", sheet.one()),
                };
                assert_eq!(told, field.name);
            }
        }
    }

    #[test]
    fn columns_are_found_as_people_write_them() {
        let compute = &SHEETS[find("Computes").unwrap()];
        for name in ["ipAddress", "IP_ADDRESS", "ip address", "Ip-Address"] {
            assert!(matches!(compute.slot(name), Some(Slot::Field(_, field)) if field.name == "ipAddress"), "{name}");
        }
        assert!(matches!(compute.slot("datacenter"), Some(Slot::Path(_))));
        assert!(matches!(compute.slot("datacenterId"), Some(Slot::Number(_))));
        assert!(matches!(compute.slot("createdAt"), Some(Slot::ReadOnly)));
        assert!(compute.slot("ram").is_none());
        let datacenter = &SHEETS[find("datacenter").unwrap()];
        assert!(matches!(datacenter.slot("Zone"), Some(Slot::Path(field)) if field.name == "availabilityZoneId"));
        assert!(matches!(datacenter.slot("drPairedWith"), Some(Slot::Path(_))));
        let tag = &SHEETS[find("tag").unwrap()];
        assert!(matches!(tag.slot("key"), Some(Slot::Field(_, field)) if field.name == "tagKey"));
        assert!(matches!(tag.slot("resource"), Some(Slot::Resource(_))));
        assert_eq!(find("availability zones"), find("availability_zone"));
        assert_eq!(find("workload"), None);
    }
}
