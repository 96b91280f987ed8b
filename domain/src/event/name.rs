//! The names of events, in the three spellings of the contract.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// No event has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown event {0:?}")]
pub struct UnknownEvent(pub String);

macro_rules! events {
    ($($variant:ident $config:literal $dotted:literal,)*) => {
        /// An event of the contract (§ 2.3, § 3.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventName {
            $(
                #[doc = concat!("`", $dotted, "`")]
                $variant,
            )*
        }

        impl EventName {
            /// All events, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// What a subscriber who asked for `asked` gets: all of them if none were named,
            /// none if it is off (contract § 2.3).
            #[must_use]
            pub fn subscription(enabled: bool, asked: Vec<Self>) -> Vec<Self> {
                match (enabled, asked) {
                    (false, _) => Vec::new(),
                    (true, asked) if asked.is_empty() => Self::ALL.to_vec(),
                    (true, asked) => asked,
                }
            }

            /// The name in configurations: `MESSAGES_UPSERT`.
            #[must_use]
            pub const fn config(self) -> &'static str {
                match self { $(Self::$variant => $config,)* }
            }

            /// The name in bodies: `messages.upsert`.
            #[must_use]
            pub const fn dotted(self) -> &'static str {
                match self { $(Self::$variant => $dotted,)* }
            }
        }

        impl FromStr for EventName {
            type Err = UnknownEvent;

            /// Takes a configuration name. `GROUPS_UPDATE` is taken for `GROUP_UPDATE`:
            /// the original knows both spellings, each in another place.
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s {
                    $($config => Ok(Self::$variant),)*
                    "GROUPS_UPDATE" => Ok(Self::GroupUpdate),
                    _ => Err(UnknownEvent(s.to_owned())),
                }
            }
        }
    };
}

events! {
    ApplicationStartup "APPLICATION_STARTUP" "application.startup",
    QrcodeUpdated "QRCODE_UPDATED" "qrcode.updated",
    MessagesSet "MESSAGES_SET" "messages.set",
    MessagesUpsert "MESSAGES_UPSERT" "messages.upsert",
    MessagesEdited "MESSAGES_EDITED" "messages.edited",
    MessagesUpdate "MESSAGES_UPDATE" "messages.update",
    MessagesDelete "MESSAGES_DELETE" "messages.delete",
    SendMessage "SEND_MESSAGE" "send.message",
    SendMessageUpdate "SEND_MESSAGE_UPDATE" "send.message.update",
    ContactsSet "CONTACTS_SET" "contacts.set",
    ContactsUpsert "CONTACTS_UPSERT" "contacts.upsert",
    ContactsUpdate "CONTACTS_UPDATE" "contacts.update",
    PresenceUpdate "PRESENCE_UPDATE" "presence.update",
    ChatsSet "CHATS_SET" "chats.set",
    ChatsUpsert "CHATS_UPSERT" "chats.upsert",
    ChatsUpdate "CHATS_UPDATE" "chats.update",
    ChatsDelete "CHATS_DELETE" "chats.delete",
    GroupsUpsert "GROUPS_UPSERT" "groups.upsert",
    GroupUpdate "GROUP_UPDATE" "groups.update",
    GroupParticipantsUpdate "GROUP_PARTICIPANTS_UPDATE" "group-participants.update",
    ConnectionUpdate "CONNECTION_UPDATE" "connection.update",
    LabelsEdit "LABELS_EDIT" "labels.edit",
    LabelsAssociation "LABELS_ASSOCIATION" "labels.association",
    Call "CALL" "call",
    TypebotStart "TYPEBOT_START" "typebot.start",
    TypebotChangeStatus "TYPEBOT_CHANGE_STATUS" "typebot.change-status",
    RemoveInstance "REMOVE_INSTANCE" "remove.instance",
    LogoutInstance "LOGOUT_INSTANCE" "logout.instance",
    InstanceCreate "INSTANCE_CREATE" "instance.create",
    InstanceDelete "INSTANCE_DELETE" "instance.delete",
    StatusInstance "STATUS_INSTANCE" "status.instance",
}

impl EventName {
    /// Events that no operator's sink gets, as in the original: they are for who looks after the
    /// instance (contract § 3.2).
    pub const NEVER_GLOBAL: [Self; 3] = [
        Self::RemoveInstance,
        Self::LogoutInstance,
        Self::StatusInstance,
    ];

    /// The name in paths of `byEvents` webhooks: `messages-upsert`.
    #[must_use]
    pub fn dashed(self) -> String {
        self.dotted().replace('.', "-")
    }

    /// The path of the event below `url`: `<url>/messages-upsert`.
    #[must_use]
    pub fn below(self, url: &str) -> String {
        format!("{}/{}", url.trim_end_matches('/'), self.dashed())
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.dotted())
    }
}

impl Serialize for EventName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.config())
    }
}

impl<'de> Deserialize<'de> for EventName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_agree() {
        assert_eq!(EventName::ALL.len(), 31);
        for &event in EventName::ALL {
            assert_eq!(event.config().parse(), Ok(event));
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<EventName>(&json).unwrap(), event);
        }
        assert_eq!("GROUPS_UPDATE".parse(), Ok(EventName::GroupUpdate));
        assert_eq!(
            EventName::GroupParticipantsUpdate.dashed(),
            "group-participants-update"
        );
        assert_eq!(
            EventName::TypebotChangeStatus.dashed(),
            "typebot-change-status"
        );
        assert!("messages.upsert".parse::<EventName>().is_err());
    }
}
