//! Describing one route.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, RefOr, Required, Schema};

use super::document::KEY;
use super::{errors, parameters};

const JSON: &str = "application/json";

/// A named schema.
type Named = (String, RefOr<Schema>);

/// What a route takes and answers. Errors that come of the key, the instance and the body are
/// described by themselves.
pub(in crate::api) struct Operation {
    builder: OperationBuilder,
    schemas: Vec<Named>,
}

/// A route that wants no key.
pub(in crate::api) fn public(summary: &str) -> Operation {
    Operation::new(summary)
}

/// A route that wants the global key.
pub(in crate::api) fn global(summary: &str) -> Operation {
    Operation::new(summary).with_key()
}

/// A route about the instance in its path, which wants its token or the global key.
pub(in crate::api) fn instance(summary: &str) -> Operation {
    let operation = Operation::new(summary).with_key();
    operation.refuses(
        404,
        "No instance has this name.",
        json!(["The \"b1\" instance does not exist"]),
    )
}

impl Operation {
    fn new(summary: &str) -> Self {
        Self {
            builder: OperationBuilder::new().summary(Some(summary)),
            schemas: Vec::new(),
        }
        .refuses(
            500,
            "Something failed here. It was logged.",
            json!(["Internal server error"]),
        )
    }

    fn with_key(mut self) -> Self {
        let key = SecurityRequirement::new(KEY, [] as [&str; 0]);
        self.builder = self.builder.security(key);
        self.refuses(401, "The key opens nothing here.", json!("Unauthorized"))
            .refuses(
                429,
                "The key was used more often than the operator allows. `Retry-After` says when it \
                 may be used again.",
                json!(["More than 600 requests per minute with this key"]),
            )
    }

    /// Says more about the route.
    pub(in crate::api) fn about(mut self, text: &str) -> Self {
        self.builder = self.builder.description(Some(text));
        self
    }

    /// A parameter of the query, which may be left out. `example` has its type.
    pub(in crate::api) fn query(mut self, name: &str, about: &str, example: Value) -> Self {
        let kind = match example {
            Value::Number(_) => Type::Integer,
            _ => Type::String,
        };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(kind)))
            .example(Some(example));
        self.builder = self.builder.parameter(parameter);
        self
    }

    /// A body of the shape `T`. Each example is sent by a test and has to be taken.
    pub(in crate::api) fn body<T: ToSchema>(mut self, examples: &[(&str, Value)]) -> Self {
        let examples = examples.iter().map(|(name, value)| {
            let example = ExampleBuilder::new().value(Some(value.clone())).build();
            (*name, RefOr::T(example))
        });
        let content = ContentBuilder::new()
            .schema(Some(self.named::<T>()))
            .examples_from_iter(examples);
        let body = RequestBodyBuilder::new().content(JSON, content.build());
        self.builder = self.builder.request_body(Some(body.build()));
        let malformed = json!("expected value at line 1 column 1");
        self.refuses(400, "The request is not as it should be.", malformed)
            .refuses(
                413,
                "The body is too large.",
                json!(["request body is larger than 1114112 bytes"]),
            )
    }

    /// The answer of success.
    pub(in crate::api) fn answers<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let schema = self.named::<T>();
        self.answer(status, about, schema)
    }

    /// The answer of success: a `T`, or null.
    pub(in crate::api) fn answers_or_null<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let null = ObjectBuilder::new().schema_type(Type::Null);
        let schema = OneOfBuilder::new().item(null).item(self.named::<T>());
        self.answer(status, about, Schema::from(schema.build()).into())
    }

    /// The answer of success: a list of `T`.
    pub(in crate::api) fn answers_list<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let schema = ArrayBuilder::new().items(self.named::<T>());
        self.answer(status, about, Schema::from(schema.build()).into())
    }

    /// The answer of success, without a body.
    pub(in crate::api) fn answers_nothing(mut self, status: u16, about: &str) -> Self {
        let response = ResponseBuilder::new().description(about).build();
        self.builder = self.builder.response(status.to_string(), response);
        self
    }

    /// The answer of success: something of another type than JSON.
    pub(in crate::api) fn answers_raw(mut self, status: u16, kind: &str, about: &str) -> Self {
        let content = ContentBuilder::new().build();
        let response = ResponseBuilder::new()
            .description(about)
            .content(kind, content);
        self.builder = self.builder.response(status.to_string(), response.build());
        self
    }

    /// An error, with the message in its envelope as an example.
    pub(in crate::api) fn refuses(mut self, status: u16, about: &str, message: Value) -> Self {
        let schema = self.named::<errors::Error>();
        let content = Content::builder()
            .schema(Some(schema))
            .example(Some(errors::envelope(status, message)));
        let response = ResponseBuilder::new()
            .description(about)
            .content(JSON, content.build());
        self.builder = self.builder.response(status.to_string(), response.build());
        self
    }

    fn answer(mut self, status: u16, about: &str, schema: RefOr<Schema>) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(about)
            .content(JSON, content);
        self.builder = self.builder.response(status.to_string(), response.build());
        self
    }

    /// A reference to the schema of `T`, which is kept with all that it refers to.
    fn named<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        let reference = Ref::from_schema_name(&name);
        T::schemas(&mut self.schemas);
        self.schemas.push((name, T::schema()));
        RefOr::Ref(reference)
    }

    /// The operation at `template`, with the parameters of the path, and the schemas.
    pub(super) fn into_parts(self, template: &str) -> (OperationBuilder, Vec<Named>) {
        let parameters = parameters::of_path(template).map(Parameter::from);
        let builder = parameters.fold(self.builder, OperationBuilder::parameter);
        (builder, self.schemas)
    }
}
