//! The parameters in paths. One name means the same in every path.

use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// The parameters of a path, with examples that tests send.
pub(super) fn of_path(template: &str) -> impl Iterator<Item = ParameterBuilder> + use<'_> {
    let parts = template.split('/');
    let names = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(move |name| parameter(template, name))
}

fn parameter(template: &str, name: &str) -> ParameterBuilder {
    let (about, example) = match name {
        "name" if template.starts_with("/media/") => {
            ("The name of the medium.", "3EB0C767D097B7C7")
        }
        "name" => ("The name of the instance.", "b1"),
        "instance" => (
            "The id of the instance.",
            "7d0a4f6e-2c8b-4f5e-9a1d-0b3c5e7f9a1b",
        ),
        "id" if template.starts_with("/admin/connectors/") => (
            "The id of the connector.",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
        ),
        _ => ("The id of what is meant.", "1"),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1)),
        ))
        .example(Some(json!(example)))
}
