//! What a phone knows from before, as the contract shows it (§ 3.3).

use serde::Serialize;

use crate::ids::InstanceId;

/// An element of `chats.set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OldChat {
    /// The chat.
    pub remote_jid: String,
    /// The instance.
    pub instance_id: InstanceId,
    /// Its name on the phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many messages nobody has read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread_messages: Option<u32>,
}

/// An element of `contacts.upsert`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Who.
    pub remote_jid: String,
    /// The name on the phone, or the contact's own.
    pub push_name: Option<String>,
    /// The picture.
    pub profile_pic_url: Option<String>,
    /// The instance.
    pub instance_id: InstanceId,
}
