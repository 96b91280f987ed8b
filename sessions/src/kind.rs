//! The kinds of rows that an instance has.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $tag:literal,)*) => {
        /// Kind of a row. The tag is the byte after the instance id in the row's key.
        /// Tags are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name = $tag,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The kind with this tag.
            #[must_use]
            pub const fn from_tag(tag: u8) -> Option<Self> {
                match tag {
                    $($tag => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Proves that the data key is the right one. See `Session::ready`.
    KeyCheck = b'!',
    /// The device: noise key, identity key, JIDs.
    Device = b'D',
    /// Identity key of a remote Signal address.
    Identity = b'i',
    /// Signal session with a remote address.
    SignalSession = b's',
    /// One-time prekey.
    PreKey = b'p',
    /// Signed prekey.
    SignedPreKey = b'P',
    /// Sender key of a group.
    SenderKey = b'k',
    /// App state sync key.
    SyncKey = b'y',
    /// Id of the app state sync key that was stored last.
    LatestSyncKey = b'Y',
    /// Version and hash of an app state collection.
    SyncVersion = b'v',
    /// Value MAC of one app state mutation.
    MutationMac = b'm',
    /// Whether a device of a group has our sender key.
    SenderKeyDevice = b'd',
    /// LID to phone number.
    LidMapping = b'l',
    /// Phone number to LID.
    PnMapping = b'L',
    /// Base key of a Signal session, for collision detection on retries.
    BaseKey = b'b',
    /// Device list of a user.
    DeviceList = b'u',
    /// Cached metadata of a group.
    GroupMetadata = b'g',
    /// Trusted contact token.
    TcToken = b't',
    /// Sent message, kept for retry receipts.
    SentMessage = b'o',
    /// Decrypted inbound message that is not yet handed over.
    PendingInbound = b'n',
    /// Secret of a message, for add-ons such as poll votes and reactions.
    MsgSecret = b'x',
    /// Event id to sequence number.
    JournalId = b'j',
    /// Payload of an event that is not yet sent.
    JournalPayload = b'J',
    /// Sequence number that was given out last.
    JournalSeq = b'q',
    /// Small state of the connector.
    Meta = b'M',
}

impl Kind {
    /// Whether the row belongs to the `WhatsApp` session, so that a logout wipes it.
    #[must_use]
    pub const fn is_session(self) -> bool {
        !matches!(
            self,
            Self::KeyCheck | Self::JournalId | Self::JournalPayload | Self::JournalSeq | Self::Meta
        )
    }

    /// The byte in the row's key.
    #[must_use]
    pub const fn tag(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tags_are_unique() {
        let tags: HashSet<u8> = Kind::ALL.iter().map(|kind| kind.tag()).collect();
        assert_eq!(tags.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(Kind::from_tag(kind.tag()), Some(*kind));
        }
        assert_eq!(Kind::from_tag(0), None);
    }
}
