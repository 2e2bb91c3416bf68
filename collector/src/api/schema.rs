//! Describes what people may write, from the forms: the same rules that a body is checked against.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::{
    RefOr, Schema, Type,
    schema::{
        AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType,
    },
};

use crate::{
    edit::form::{Form, Input, Need, Rule},
    query::Resource,
};

/// One line without control characters.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// The same with something to see on it.
const VISIBLE_LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// Lines of text.
const TEXT: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";
const MAC: &str = "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$";

/// The body that makes one.
pub(super) fn new<R: Resource>(form: &'static Form) -> Schema {
    let example: Option<Value> = serde_json::from_str(form.example).ok();
    let object = form.inputs.iter().fold(ObjectBuilder::new(), |object, input| {
        let object = object.property(input.name, property::<R>(input, input.need != Need::Needed));
        if input.need == Need::Needed { object.required(input.name) } else { object }
    });
    object
        .description(Some(format!("A new {}.", form.one)))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .examples(example)
        .build()
        .into()
}

/// The body that changes one.
pub(super) fn changes<R: Resource>(form: &'static Form) -> Schema {
    let inputs = form.inputs.iter().filter(|input| !input.fixed);
    let object = inputs.fold(ObjectBuilder::new(), |object, input| {
        object.property(input.name, property::<R>(input, input.need == Need::Optional))
    });
    object
        .description(Some(format!("Changes of a {}: what is not given stays as it is.", form.one)))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .build()
        .into()
}

/// The body that makes or replaces one whose key the path names: what must not be empty must be there.
pub(super) fn whole<R: Resource>(form: &'static Form) -> Schema {
    let Schema::Object(mut object) = changes::<R>(form) else { return Schema::default() };
    object.description = Some(format!("A {} but for its key: what is not given is emptied.", form.one));
    let needed = form.inputs.iter().filter(|input| !input.fixed && input.need == Need::Needed);
    object.required = needed.map(|input| input.name.to_owned()).collect();
    object.into()
}

/// What a field may hold; what it means is told by the view.
pub(super) fn property<R: Resource>(input: &Input, nullable: bool) -> RefOr<Schema> {
    let about = description::<R>(input.name);
    let kind = |kind: Type| match nullable {
        true => SchemaType::from_iter([kind, Type::Null]),
        false => SchemaType::Type(kind),
    };
    let object = ObjectBuilder::new().description(about.clone());
    let line = |most: usize| {
        let pattern = if nullable { LINE } else { VISIBLE_LINE };
        ObjectBuilder::new()
            .description(about.clone())
            .schema_type(kind(Type::String))
            .max_length(Some(most))
            .pattern(Some(pattern))
    };
    let built: Object = match input.rule {
        Rule::Line(most) => line(most).build(),
        Rule::Exact(most) => line(most).pattern(Some(LINE)).build(),
        Rule::Text(most) => line(most).pattern(Some(TEXT)).build(),
        Rule::Word(words, _) | Rule::Choice(words) => {
            let words = words.iter().map(|word| Value::from(*word)).chain(nullable.then_some(Value::Null));
            object.schema_type(kind(Type::String)).enum_values(Some(words)).build()
        }
        Rule::Address => return address(about, nullable),
        Rule::Mac => object.schema_type(kind(Type::String)).pattern(Some(MAC)).build(),
        Rule::Int(least, most) => {
            object.schema_type(kind(Type::Integer)).minimum(Some(least)).maximum(Some(most)).build()
        }
        Rule::Reference(_) => object.schema_type(kind(Type::Integer)).minimum(Some(1)).maximum(Some(i64::MAX)).build(),
        Rule::Real(least, most, _) => {
            object.schema_type(kind(Type::Number)).minimum(Some(least)).maximum(Some(most)).build()
        }
        Rule::Bool => object.schema_type(kind(Type::Boolean)).build(),
        Rule::Object | Rule::Connection => object
            .schema_type(kind(Type::Object))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .build(),
        Rule::List(most) => return list(about, kind(Type::Array), most),
    };
    Schema::from(built).into()
}

fn address(about: Option<String>, nullable: bool) -> RefOr<Schema> {
    let format = |format: KnownFormat| {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format))).build()
    };
    let mut any = AnyOfBuilder::new().item(format(KnownFormat::Ipv4)).item(format(KnownFormat::Ipv6));
    if nullable {
        // Blank text empties it, as `null` does.
        any = any.item(ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^\s*$")).build());
        any = any.item(ObjectBuilder::new().schema_type(Type::Null).build());
    }
    Schema::from(any.description(about).build()).into()
}

fn list(about: Option<String>, kind: SchemaType, most: usize) -> RefOr<Schema> {
    let item =
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(most)).pattern(Some(VISIBLE_LINE)).build();
    let list = ArrayBuilder::new().schema_type(kind).items(item).max_items(Some(256));
    Schema::from(list.description(about).build()).into()
}

/// What the view says of a field.
fn description<R: Resource>(name: &str) -> Option<String> {
    let RefOr::T(Schema::Object(view)) = R::schema() else { return None };
    match view.properties.get(name)? {
        RefOr::T(Schema::Object(field)) => field.description.clone(),
        RefOr::T(Schema::Array(field)) => field.description.clone(),
        RefOr::T(Schema::OneOf(field)) => field.description.clone(),
        _ => None,
    }
}

/// Says of derived schemas what they mean: that `null` is JSON as well, that what is written into an object belongs to
/// it, and that there is no default that would be refused.
pub(super) fn settle(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let known = schemas.clone();
    for schema in schemas.values_mut() {
        if let RefOr::T(Schema::AllOf(parts)) = schema
            && let Some(mut whole) = joined(&parts.items, &known)
        {
            whole.description.clone_from(&parts.description);
            *schema = Schema::from(whole).into();
        }
        if let RefOr::T(Schema::Object(object)) = schema {
            object.properties.values_mut().for_each(settle_property);
        }
    }
}

fn settle_property(property: &mut RefOr<Schema>) {
    match property {
        RefOr::T(Schema::OneOf(one)) if one.items.iter().any(is_json) => {
            let any = one.items.iter().cloned().fold(AnyOfBuilder::new(), AnyOfBuilder::item);
            *property = Schema::from(any.description(one.description.clone()).build()).into();
        }
        RefOr::T(Schema::Object(text)) if text.min_length.is_some() => {
            text.default.take_if(|default| default.as_str() == Some(""));
        }
        _ => {}
    }
}

/// Any JSON: the type that stands for it has no rules.
fn is_json(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::Ref(reference) if reference.ref_location.ends_with("/Value"))
}

/// One object of several; `None` when one of them is none.
fn joined(parts: &[RefOr<Schema>], known: &BTreeMap<String, RefOr<Schema>>) -> Option<Object> {
    let mut whole = Object::new();
    for part in parts {
        let schema = match part {
            RefOr::Ref(reference) => known.get(reference.ref_location.rsplit('/').next()?)?,
            schema @ RefOr::T(_) => schema,
        };
        let RefOr::T(Schema::Object(object)) = schema else { return None };
        whole.properties.extend(object.properties.clone());
        // What is shown is shown whole.
        whole.required = whole.properties.keys().cloned().collect();
    }
    Some(whole)
}
