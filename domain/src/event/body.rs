//! The contract's `data` of each event that we emit (§ 3.3).

use serde::Serialize;
use serde_json::{Value, json};

use crate::connection::StatusReason;
use crate::event::{Contact, EventName, MessageData, MessageKey, MessageUpdate, OldChat};
use crate::ids::InstanceId;
use crate::instance::{Instance, QrCode};
use crate::name::InstanceName;

/// An event's kind together with its `data`.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody {
    /// A new QR code, or pairing code.
    QrcodeUpdated(QrcodeUpdated),
    /// The codes ran out.
    QrcodeLimit,
    /// The connection's state changed.
    ConnectionUpdate(ConnectionUpdate),
    /// The connection is closed for good.
    StatusInstance(StatusInstance),
    /// A message came in.
    MessagesUpsert(Box<MessageData>),
    /// A message went out through the API.
    SendMessage(Box<MessageData>),
    /// A message got further.
    MessagesUpdate(MessageUpdate),
    /// A message was revoked by its author.
    MessagesDelete(MessageKey),
    /// A message was edited by its author: the protocol message.
    MessagesEdited(Value),
    /// The account's own profile changed.
    ContactsUpdate(OwnProfile),
    /// Messages from before the instance was paired.
    MessagesSet(Vec<MessageData>),
    /// Chats that the phone has.
    ChatsSet(Vec<OldChat>),
    /// People whom the phone knows.
    ContactsUpsert(Vec<Contact>),
    /// A call came in, or ended.
    Call(Call),
    /// The account was unlinked.
    LogoutInstance,
    /// A connector has started, and takes care of the instance.
    ApplicationStartup(Itself),
    /// The instance was made.
    InstanceCreate(Itself),
    /// The instance was deleted.
    InstanceDelete(Itself),
    /// Nothing is left of it.
    RemoveInstance,
}

/// `data` of what is about the instance as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Itself {
    /// Its name.
    pub instance_name: InstanceName,
    /// Its id.
    pub instance_id: InstanceId,
}

impl From<&Instance> for Itself {
    fn from(row: &Instance) -> Self {
        Self {
            instance_name: row.name.clone(),
            instance_id: row.id,
        }
    }
}

/// `data` of `call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The chat that it rings in.
    pub chat_id: String,
    /// Who calls.
    pub from: String,
    /// The call's id, chosen by the caller.
    pub id: String,
    /// When, RFC 3339.
    pub date: String,
    /// It rang while nobody was connected.
    pub offline: bool,
    /// `offer`, `accept`, `reject`, `timeout` or `terminate`.
    pub status: &'static str,
    /// With a picture; known of offers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_video: Option<bool>,
    /// In a group.
    pub is_group: bool,
}

/// `data` of `qrcode.updated`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrcodeUpdated {
    /// The instance.
    pub instance: InstanceName,
    /// The code to scan or to type.
    pub qr: QrCode,
}

/// `data` of `connection.update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionUpdate {
    /// The instance.
    pub instance: InstanceName,
    /// `connecting`, `open`, `close`, or `refused` when the codes ran out.
    pub state: &'static str,
    /// Why.
    pub reason: StatusReason,
    /// Own JID and profile, when the state is `open`.
    pub profile: Option<OwnProfile>,
}

/// Who the instance is on WhatsApp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnProfile {
    /// Own JID, without device.
    pub wuid: String,
    /// Own push name.
    pub name: Option<String>,
    /// Own picture.
    pub picture_url: Option<String>,
}

/// `data` of `status.instance`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusInstance {
    /// The instance.
    pub instance: InstanceName,
    /// When it closed, RFC 3339.
    pub at: String,
    /// Why.
    pub reason: StatusReason,
    /// The reason for people.
    pub text: &'static str,
}

impl EventBody {
    /// The event's name.
    #[must_use]
    pub const fn name(&self) -> EventName {
        match self {
            Self::QrcodeUpdated(_) | Self::QrcodeLimit => EventName::QrcodeUpdated,
            Self::ConnectionUpdate(_) => EventName::ConnectionUpdate,
            Self::StatusInstance(_) => EventName::StatusInstance,
            Self::MessagesUpsert(_) => EventName::MessagesUpsert,
            Self::SendMessage(_) => EventName::SendMessage,
            Self::MessagesUpdate(_) => EventName::MessagesUpdate,
            Self::MessagesDelete(_) => EventName::MessagesDelete,
            Self::MessagesEdited(_) => EventName::MessagesEdited,
            Self::ContactsUpdate(_) => EventName::ContactsUpdate,
            Self::MessagesSet(_) => EventName::MessagesSet,
            Self::ChatsSet(_) => EventName::ChatsSet,
            Self::ContactsUpsert(_) => EventName::ContactsUpsert,
            Self::Call(_) => EventName::Call,
            Self::LogoutInstance => EventName::LogoutInstance,
            Self::ApplicationStartup(_) => EventName::ApplicationStartup,
            Self::InstanceCreate(_) => EventName::InstanceCreate,
            Self::InstanceDelete(_) => EventName::InstanceDelete,
            Self::RemoveInstance => EventName::RemoveInstance,
        }
    }

    /// The contract's `data`.
    #[must_use]
    pub fn data(&self) -> Value {
        match self {
            Self::QrcodeUpdated(updated) => json!({ "qrcode": {
                "instance": updated.instance,
                "pairingCode": updated.qr.pairing_code,
                "code": updated.qr.code,
                "base64": updated.qr.base64,
            }}),
            Self::QrcodeLimit => json!({
                "message": "QR code limit reached, please login again",
                "statusCode": 500,
            }),
            Self::ConnectionUpdate(update) => update.data(),
            Self::StatusInstance(status) => json!({
                "instance": status.instance,
                "status": "closed",
                "disconnectionAt": status.at,
                "disconnectionReasonCode": status.reason,
                "disconnectionObject": disconnection_object(status.reason, status.text),
            }),
            Self::MessagesUpsert(message) | Self::SendMessage(message) => to_value(message),
            Self::MessagesUpdate(update) => to_value(update),
            Self::MessagesDelete(key) => to_value(key),
            Self::MessagesEdited(protocol) => protocol.clone(),
            Self::ContactsUpdate(profile) => json!({
                "remoteJid": profile.wuid,
                "pushName": profile.name,
                "profilePicUrl": profile.picture_url,
            }),
            Self::MessagesSet(messages) => to_value(messages),
            Self::ChatsSet(chats) => to_value(chats),
            Self::ContactsUpsert(contacts) => to_value(contacts),
            Self::Call(call) => to_value(call),
            Self::ApplicationStartup(it) | Self::InstanceCreate(it) | Self::InstanceDelete(it) => {
                to_value(it)
            }
            Self::LogoutInstance | Self::RemoveInstance => Value::Null,
        }
    }
}

impl ConnectionUpdate {
    fn data(&self) -> Value {
        let mut data = json!({
            "instance": self.instance,
            "state": self.state,
            "statusReason": self.reason,
        });
        if let (Some(profile), Value::Object(data)) = (&self.profile, &mut data) {
            data.insert("wuid".into(), json!(profile.wuid));
            data.insert("profileName".into(), json!(profile.name));
            data.insert("profilePictureUrl".into(), json!(profile.picture_url));
        }
        data
    }
}

/// The JSON text that the contract calls `disconnectionObject`.
#[must_use]
pub fn disconnection_object(reason: StatusReason, text: &str) -> String {
    json!({ "error": { "output": { "statusCode": reason, "payload": {
        "statusCode": reason, "message": text,
    }}}})
    .to_string()
}

/// Our own data types always have string keys, so this can't fail.
fn to_value(data: &impl Serialize) -> Value {
    data.serialize(serde_json::value::Serializer)
        .unwrap_or(Value::Null)
}
