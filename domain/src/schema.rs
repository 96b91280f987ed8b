//! Schemas of the types whose JSON is not what their fields say, for the API's description.

use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::connection::StatusReason;
use crate::event::EventName;
use crate::ids::{ConnectorId, Epoch, InstanceId, ShardId};
use crate::jid::{MessageId, PhoneNumber};
use crate::name::{InstanceName, MAX_NAME_CHARS};

macro_rules! schema {
    ($name:ident, $schema:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    };
}

schema!(
    InstanceName,
    text("The name of an instance: case-sensitive, without slashes or control characters.")
        .min_length(Some(1))
        .max_length(Some(MAX_NAME_CHARS))
);
schema!(
    InstanceId,
    uuid("Identity of an instance. Never reused, unlike its name.")
);
schema!(
    ConnectorId,
    uuid("Identity of one run of a connector process.")
);
schema!(
    PhoneNumber,
    text("A phone number in international form, digits only.").pattern(Some("^[0-9]+$"))
);
schema!(MessageId, text("The id of a message."));
schema!(
    StatusReason,
    number("Why the connection is as it is: an HTTP-like code, mostly WhatsApp's own.")
);
schema!(ShardId, number("A shard: the unit of ownership."));
schema!(Epoch, number("How often a shard has changed owners."));
schema!(
    EventName,
    text("An event, as configurations name it.").enum_values(Some(
        EventName::ALL.iter().map(|event| json!(event.config()))
    ))
);

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
}

fn uuid(description: &str) -> ObjectBuilder {
    text(description).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

fn number(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .description(Some(description))
}
