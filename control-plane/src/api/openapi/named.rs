//! What stands in the document once, under a name that routes refer to.

use std::collections::BTreeMap;

use utoipa::openapi::path::Parameter;
use utoipa::openapi::response::Response;
use utoipa::openapi::{ComponentsBuilder, RefOr, Schema};

/// What one route refers to.
#[derive(Default)]
pub(super) struct Named {
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
    pub(super) responses: Vec<(String, Response)>,
    pub(super) parameters: Vec<(String, Parameter)>,
}

/// What all routes refer to.
#[derive(Default)]
pub(super) struct Components {
    schemas: BTreeMap<String, RefOr<Schema>>,
    responses: BTreeMap<String, Response>,
    parameters: BTreeMap<String, Parameter>,
}

impl Components {
    /// Adds what a route refers to.
    ///
    /// # Panics
    /// When two things have one name: a slip that tests see.
    pub(super) fn add(&mut self, named: Named) {
        for (name, schema) in named.schemas {
            add(&mut self.schemas, name, schema);
        }
        for (name, response) in named.responses {
            add(&mut self.responses, name, response);
        }
        for (name, parameter) in named.parameters {
            add(&mut self.parameters, name, parameter);
        }
    }

    pub(super) fn into_builder(self) -> ComponentsBuilder {
        let parameters = self.parameters.into_iter();
        let builder = ComponentsBuilder::new()
            .schemas_from_iter(self.schemas)
            .responses_from_iter(self.responses);
        parameters.fold(builder, |builder, (name, parameter)| {
            builder.parameter(name, parameter)
        })
    }
}

fn add<T: PartialEq>(all: &mut BTreeMap<String, T>, name: String, thing: T) {
    if let Some(known) = all.get(&name) {
        assert!(
            *known == thing,
            "two things are called {name}: name one of them otherwise, a type with #[schema(as = …)]"
        );
        return;
    }
    all.insert(name, thing);
}
