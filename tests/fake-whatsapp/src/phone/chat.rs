//! How a chat is written: the phone number of a person, or the JID of a group.

use wacore_binary::{Jid, JidExt as _};

/// The group, if the text is the JID of one.
pub(crate) fn group_of(chat: &str) -> Option<Jid> {
    let jid: Jid = chat.parse().ok()?;
    (jid.is_group() && !jid.user.is_empty()).then_some(jid)
}

/// The JID of a chat.
pub(crate) fn chat_jid(chat: &str) -> Jid {
    group_of(chat).unwrap_or_else(|| Jid::pn(chat))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_told_from_people() {
        let group = group_of("120363000000000001@g.us").expect("a group");
        assert_eq!(group.to_string(), "120363000000000001@g.us");
        assert!(group_of("5511999990001").is_none());
        assert!(group_of("5511999990001@s.whatsapp.net").is_none());
        assert_eq!(chat_jid("5511").to_string(), "5511@s.whatsapp.net");
    }
}
