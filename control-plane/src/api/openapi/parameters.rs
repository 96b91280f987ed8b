//! The parameters in paths. One name means the same in every path.

use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// Whose name stands in a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// That of any instance; the one of the examples is a linked device.
    Device,
    /// That of an instance of Meta's Cloud API.
    Business,
}

/// A parameter of a path.
pub(super) enum InPath {
    /// One that stands in this path alone.
    Own(Parameter),
    /// One that many paths have, and its name in the document.
    Shared(&'static str, Parameter),
}

/// The parameters of a path, with examples that tests send.
pub(super) fn of_path(template: &str, whose: Whose) -> impl Iterator<Item = InPath> + use<'_> {
    let parts = template.split('/');
    let names = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(move |name| parameter(template, whose, name))
}

fn parameter(template: &str, whose: Whose, name: &str) -> InPath {
    let (shared, about, example) = match name {
        "name" if template.starts_with("/media/") => {
            (None, "The name of the medium.", "3EB0C767D097B7C7")
        }
        "name" if whose == Whose::Business => (
            Some("BusinessName"),
            "The name of an instance of `WHATSAPP-BUSINESS`.",
            "shop",
        ),
        "name" => (Some("InstanceName"), "The name of the instance.", "b1"),
        "instance" => (
            None,
            "The id of the instance.",
            "7d0a4f6e-2c8b-4f5e-9a1d-0b3c5e7f9a1b",
        ),
        "id" if template.starts_with("/admin/connectors/") => (
            None,
            "The id of the connector.",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
        ),
        _ => (Some("Id"), "The id of what is meant.", "1"),
    };
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1));
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(text))
        .example(Some(json!(example)))
        .build();
    match shared {
        Some(shared) => InPath::Shared(shared, parameter),
        None => InPath::Own(parameter),
    }
}
