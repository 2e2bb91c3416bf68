//! The forms, by subject.

mod compute;
mod place;
mod purpose;

use super::form::Form;
use crate::catalog::Kind;

pub(crate) use compute::{COMPUTE, CONTAINER, K8S_NODE, WORKLOAD};
pub(crate) use place::{AVAILABILITY_ZONE, CLOUD, DATACENTER, NETWORK_DEVICE, PARTNER, REGION, RESOURCE_POOL};
pub(crate) use purpose::{AUTOMATION_TARGET, CAPABILITY, ENVIRONMENT, ENVIRONMENT_ASSOCIATION, TAG};

/// Every form.
pub(crate) static FORMS: &[&Form] = &[
    &PARTNER,
    &CLOUD,
    &REGION,
    &AVAILABILITY_ZONE,
    &DATACENTER,
    &NETWORK_DEVICE,
    &RESOURCE_POOL,
    &COMPUTE,
    &CONTAINER,
    &WORKLOAD,
    &K8S_NODE,
    &ENVIRONMENT,
    &ENVIRONMENT_ASSOCIATION,
    &TAG,
    &CAPABILITY,
    &AUTOMATION_TARGET,
];

/// The form of a kind, if people may write it.
pub(crate) fn form_of(kind: &Kind) -> Option<&'static Form> {
    FORMS.iter().copied().find(|form| form.kind.name == kind.name)
}

/// The form of the kind whose list has this name in paths.
pub(crate) fn form_of_list(list: &str) -> Option<&'static Form> {
    FORMS.iter().copied().find(|form| form.kind.list == list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_fits_the_catalog() {
        for form in FORMS {
            let columns: Vec<&str> = form.kind.fields.iter().map(|field| field.column).collect();
            for input in form.inputs {
                assert!(
                    form.kind.fields.iter().any(|field| field.name == input.name),
                    "{} {}",
                    form.word(),
                    input.name
                );
            }
            for column in form.key.iter().chain(form.unique.iter().copied().flatten()) {
                assert!(columns.contains(column), "{} {column}", form.word());
            }
            for hanging in form.hanging {
                let kind = Kind::find(hanging.kind).unwrap();
                assert!(kind.fields.iter().any(|field| field.column == hanging.column), "{} {hanging:?}", form.word());
                assert!(form_of(kind).is_some(), "{} {hanging:?} can be changed", form.word());
            }
        }
    }
}
