//! Describing one route.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, RefOr, Required, Schema};

use super::document::{KEY, LOGIN};
use super::errors;
use super::named::Named;
use super::parameters::{self, Whose};

const JSON: &str = "application/json";

/// What a route takes and answers. Errors that come of the key, the instance and the body are
/// described by themselves.
pub(in crate::api) struct Operation {
    builder: OperationBuilder,
    whose: Whose,
    named: Named,
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
    Operation::new(summary).with_key().with_instance()
}

/// As [`instance`], for one of Meta's Cloud API. The examples name another one.
pub(in crate::api) fn business(summary: &str) -> Operation {
    let mut operation = instance(summary);
    operation.whose = Whose::Business;
    operation
}

impl Operation {
    fn new(summary: &str) -> Self {
        Self {
            builder: OperationBuilder::new().summary(Some(summary)),
            whose: Whose::Device,
            named: Named::default(),
        }
        .refuses_as(
            "Failed",
            500,
            "Something failed here. It was logged.",
            json!(["Internal server error"]),
        )
    }

    fn with_key(mut self) -> Self {
        let key = SecurityRequirement::new(KEY, [] as [&str; 0]);
        self.builder = self.builder.security(key);
        self.refuses_as(
            "Unauthorized",
            401,
            "The key opens nothing here.",
            json!("Unauthorized"),
        )
        .refuses_as(
            "TooManyRequests",
            429,
            "The key was used more often than the operator allows. `Retry-After` says when it may \
             be used again.",
            json!(["More than 600 requests per minute with this key"]),
        )
    }

    /// For a route with the name of an instance in its path.
    pub(in crate::api) fn with_instance(self) -> Self {
        self.refuses_as(
            "NoInstance",
            404,
            "No instance has this name.",
            json!(["The \"b1\" instance does not exist"]),
        )
    }

    /// For a route that may get a body, and does not look into it.
    pub(in crate::api) fn with_unread_body(self) -> Self {
        let cut = json!("EOF while parsing a value at line 1 column 1");
        self.refuses_as("Unreadable", 400, "The body can't be read.", cut)
            .refuses_as(
                "TooLarge",
                413,
                "The body is too large.",
                json!(["request body is larger than 1114112 bytes"]),
            )
    }

    /// It may be opened by a user and a password, too.
    pub(super) fn or_login(mut self) -> Self {
        let login = SecurityRequirement::new(LOGIN, [] as [&str; 0]);
        self.builder = self.builder.security(login);
        self
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

    /// A header, which may be left out.
    pub(in crate::api) fn header(mut self, name: &str, about: &str) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
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
        self.with_unread_body().refuses_as(
            "BadRequest",
            400,
            "The request is not as it should be.",
            json!("expected value at line 1 column 1"),
        )
    }

    /// The answer of success.
    pub(in crate::api) fn answers<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let schema = self.named::<T>();
        self.answer(status, about, schema)
    }

    /// The answer of success: a `T` whose field `field` has one of the texts `of`.
    pub(in crate::api) fn answers_with_one_of<T: ToSchema>(
        mut self,
        status: u16,
        about: &str,
        field: &str,
        of: &[&str],
    ) -> Self {
        let one = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(of.iter().copied()));
        let narrower = ObjectBuilder::new().property(field, one).required(field);
        let schema = AllOfBuilder::new().item(self.named::<T>()).item(narrower);
        self.answer(status, about, Schema::from(schema.build()).into())
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
        let response = self.refusal(status, about, message);
        self.builder = self.builder.response(status.to_string(), response);
        self
    }

    /// As [`Self::refuses`], for an error that other routes have, too: it stands in the document
    /// once, under this name.
    pub(in crate::api) fn refuses_as(
        mut self,
        name: &str,
        status: u16,
        about: &str,
        message: Value,
    ) -> Self {
        let response = self.refusal(status, about, message);
        self.named.responses.push((name.to_owned(), response));
        let reference = Ref::from_response_name(name);
        self.builder = self.builder.response(status.to_string(), reference);
        self
    }

    /// As [`Self::refuses_as`], for an error that may have the shape `T` instead of the usual one.
    /// `other` is an example of that.
    pub(in crate::api) fn refuses_or<T: ToSchema>(
        mut self,
        name: &str,
        status: u16,
        about: &str,
        message: Value,
        other: Value,
    ) -> Self {
        let either = OneOfBuilder::new()
            .item(self.named::<errors::Error>())
            .item(self.named::<T>());
        let example = |value| RefOr::T(ExampleBuilder::new().value(Some(value)).build());
        let content = Content::builder()
            .schema(Some(Schema::from(either.build())))
            .examples_from_iter([
                ("usual", example(errors::envelope(status, message))),
                ("of its own", example(other)),
            ]);
        let response = ResponseBuilder::new().description(about);
        let response = response.content(JSON, content.build()).build();
        self.named.responses.push((name.to_owned(), response));
        let reference = Ref::from_response_name(name);
        self.builder = self.builder.response(status.to_string(), reference);
        self
    }

    /// For a route that asks Meta's Graph API.
    pub(in crate::api) fn through_cloud(self) -> Self {
        let unreachable = json!(["The Graph API can't be reached"]);
        let silent = "The Graph API did not answer: it may have done what was asked";
        self.refuses_as("NoGraph", 502, "Meta can't be reached.", unreachable)
            .refuses_as("SilentGraph", 504, "Meta did not answer.", json!([silent]))
    }

    fn refusal(&mut self, status: u16, about: &str, message: Value) -> Response {
        let content = Content::builder()
            .schema(Some(self.named::<errors::Error>()))
            .example(Some(errors::envelope(status, message)));
        ResponseBuilder::new()
            .description(about)
            .content(JSON, content.build())
            .build()
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
        T::schemas(&mut self.named.schemas);
        self.named.schemas.push((name, T::schema()));
        RefOr::Ref(reference)
    }

    /// The operation at `template`, with the parameters of the path, and what it refers to.
    pub(super) fn into_parts(self, template: &str) -> (OperationBuilder, Named) {
        let (mut builder, mut named) = (self.builder, self.named);
        for parameter in parameters::of_path(template, self.whose) {
            builder = match parameter {
                parameters::InPath::Own(parameter) => builder.parameter(parameter),
                parameters::InPath::Shared(name, parameter) => {
                    named.parameters.push((name.to_owned(), parameter));
                    builder.parameter_ref(Ref::new(format!("#/components/parameters/{name}")))
                }
            };
        }
        (builder, named)
    }
}
