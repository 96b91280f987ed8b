//! The instance controller, described.

use pombal_domain::command::OwnPresence;
use serde_json::json;
use utoipa::openapi::schema::{AllOfBuilder, AnyOfBuilder, ObjectBuilder};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::connection_state::StateReply;
use super::create_reply::CreateReply;
use super::fetch_row::FetchedInstance;
use super::pairing::{CodeReply, ConnectReply};
use super::presence::PresenceReply;
use super::rotate::Rotated;
use super::{NameAndState, Outcome};
use crate::api::openapi::{Delete, Document, Get, Operation, Post, Put, global, instance};
use crate::api::proxy::ProxyFields;
use crate::api::settings::SettingsFields;
use crate::api::sink::SinkBody;
use crate::api::webhook::WebhookBody;

/// A new instance. Settings, webhook and sinks may come along, as the routes that set them take
/// them.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct CreateBody {
    instance_name: String,
    /// `WHATSAPP-BAILEYS` for a linked device. `WHATSAPP-BUSINESS` for Meta's Cloud API: `token` is
    /// Meta's then, and `number` the id that Meta has for the number. Who leaves it out gets the
    /// answer of Evolution API 1.x, in which `hash` is an object.
    integration: Option<String>,
    /// The token of the instance; a random one by default. It has to fit into a header.
    token: Option<String>,
    /// The account's number. With `qrcode` it asks for a pairing code.
    number: Option<String>,
    /// Meta's id of the account, which templates belong to. Only of `WHATSAPP-BUSINESS`.
    business_id: Option<String>,
    /// Connect at once, and answer with the first code.
    qrcode: Option<bool>,
    #[schema(inline)]
    #[serde(flatten)]
    settings: SettingsFields,
    #[schema(inline)]
    #[serde(flatten)]
    proxy: ProxyFields,
    webhook: Option<WebhookBody>,
    websocket: Option<SinkBody>,
    sqs: Option<SinkBody>,
}

/// How to pair.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ConnectBody {
    /// The account's number, for a pairing code.
    number: Option<String>,
}

/// How to appear.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct PresenceBody {
    presence: OwnPresence,
}

/// A new token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct RotateBody {
    /// The token; a random one by default.
    token: Option<String>,
}

// Its forms are told apart by what they have, so that one form's object is another one's, too.
impl PartialSchema for ConnectReply {
    fn schema() -> RefOr<Schema> {
        let open = || {
            ObjectBuilder::new()
                .property("instance", NameAndState::schema())
                .required("instance")
        };
        let nothing = AllOfBuilder::new().item(CodeReply::schema()).item(open());
        let forms = AnyOfBuilder::new()
            .description(Some(
                "The state, once it is open; a code to pair with; or, when there is nothing yet, \
                 both without a code: ask again.",
            ))
            .item(open())
            .item(CodeReply::schema())
            .item(nothing);
        Schema::from(forms.build()).into()
    }
}

impl ToSchema for ConnectReply {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        NameAndState::schemas(schemas);
        CodeReply::schemas(schemas);
    }
}

pub(in crate::api) fn describe(document: &mut Document) {
    document.chapter(
        "Instances",
        "A connection to WhatsApp each, with a token of its own.",
    );
    document.at([Post], "/instance/create", create());
    document.at([Get], "/instance/fetchInstances", fetch());
    document.at(
        [Get],
        "/instance/connect/{name}",
        connecting("Connect, or say how to pair"),
    );
    document.at(
        [Get],
        "/instance/qrcode/{name}",
        connecting("As connect, under its older name"),
    );
    document.at(
        [Post],
        "/instance/connect/{name}",
        connecting("Connect, or say how to pair").body::<ConnectBody>(&[
            ("by QR code", json!({})),
            ("by pairing code", json!({ "number": "5511999990001" })),
        ]),
    );
    document.at(
        [Post, Put],
        "/instance/restart/{name}",
        refusable(instance("Connect anew"))
            .about("Who is not connected is connected.")
            .answers::<ConnectReply>(200, "As for connect."),
    );
    document.at(
        [Get],
        "/instance/connectionState/{name}",
        instance("How it is connected")
            .answers::<StateReply>(200, "As far as is known here: it costs one read."),
    );
    document.at(
        [Post],
        "/instance/rotateToken/{name}",
        instance("Replace the token")
            .about("The old one opens nothing any more once this is answered.")
            .body::<RotateBody>(&[
                ("a random one", json!({})),
                (
                    "a chosen one",
                    json!({ "token": "9F1C6C0E-6E5B-4C0B-8E65-3B1F1D2A7C55" }),
                ),
            ])
            .refuses(
                403,
                "Somebody has this token.",
                json!(["This token is already in use."]),
            )
            .refuses(
                409,
                "Somebody was faster.",
                json!(["The token was changed meanwhile"]),
            )
            .answers::<Rotated>(200, "The new token."),
    );
    document.at(
        [Post],
        "/instance/setPresence/{name}",
        instance("Appear online, or not")
            .body::<PresenceBody>(&[("online", json!({ "presence": "available" }))])
            .answers::<PresenceReply>(201, "What was asked for."),
    );
    document.at(
        [Delete],
        "/instance/logout/{name}",
        refusable(instance("Unlink the device from the account"))
            .answers::<Outcome>(200, "It is done, or it is pending."),
    );
    document.at(
        [Delete],
        "/instance/delete/{name}",
        refusable(instance("Delete it, with the key of its session"))
            .answers::<Outcome>(200, "It is gone. Its rows elsewhere are, or will be."),
    );
}

fn create() -> Operation {
    let full = json!({
        "instanceName": "support",
        "integration": "WHATSAPP-BAILEYS",
        "token": "3F9E2B7A-51C4-4E0D-9C68-1A7B5D2E8F40",
        "number": "5511999990002",
        "qrcode": true,
        "rejectCall": true,
        "msgCall": "Please write.",
        "groupsIgnore": true,
        "alwaysOnline": false,
        "readMessages": false,
        "readStatus": false,
        "syncFullHistory": false,
        "wavoipToken": "",
        "proxyHost": "",
        "proxyPort": "",
        "proxyProtocol": "",
        "proxyUsername": "",
        "proxyPassword": "",
        "webhook": {
            "enabled": true,
            "url": "https://hooks.example.com/support",
            "headers": { "authorization": "Bearer 1" },
            "byEvents": false,
            "base64": false,
            "events": ["MESSAGES_UPSERT", "CONNECTION_UPDATE"],
        },
        "websocket": { "enabled": true, "events": ["MESSAGES_UPSERT"] },
        "sqs": { "enabled": false, "events": [] },
    });
    let plain = json!({ "instanceName": "sales", "integration": "WHATSAPP-BAILEYS" });
    let business = json!({
        "instanceName": "kiosk",
        "integration": "WHATSAPP-BUSINESS",
        "token": "EAAGm0PX4ZCpsBAKZCexampleToken",
        "number": "106540352242923",
        "businessId": "102290129340398",
    });
    global("Create an instance")
        .body::<CreateBody>(&[
            ("plain", plain),
            ("with everything", full),
            ("of the Cloud API", business),
            (
                "as version 1 of the contract",
                json!({ "instanceName": "archive" }),
            ),
        ])
        .refuses(
            403,
            "The name or the token is taken.",
            json!(["This name \"b1\" is already in use."]),
        )
        .answers::<CreateReply>(201, "It exists. `hash` is its token.")
}

fn fetch() -> Operation {
    global("List instances")
        .about(
            "With a token: the one instance that it opens. Where the answer has a header \
             `x-next-cursor`, there are more: send its value as `cursor`.",
        )
        .query(
            "instanceName",
            "Only this one. May come several times.",
            json!("b1"),
        )
        .query("instanceId", "Only the one with this id.", json!(""))
        .query("number", "Only those with this number.", json!(""))
        .query("limit", "How many at most, 1 to 1000.", json!(10))
        .query("cursor", "Where the page begins.", json!(""))
        .refuses(400, "A parameter can't be used.", json!(["Invalid cursor"]))
        .refuses(
            404,
            "There is none of these.",
            json!(["Instance \"ghost\" not found"]),
        )
        .answers_list::<FetchedInstance>(200, "By name. Tokens only for who may see them.")
}

fn connecting(summary: &str) -> Operation {
    refusable(instance(summary))
        .about("It waits some seconds for a code or a connection.")
        .query(
            "number",
            "The account's number, for a pairing code.",
            json!("5511999990001"),
        )
        .answers::<ConnectReply>(200, "What there is by now.")
}

fn refusable(operation: Operation) -> Operation {
    operation.refuses_as(
        "NotNow",
        400,
        "It can't be done in this state, or the request is not as it should be.",
        json!(["The \"b1\" instance is not connected"]),
    )
}
