//! Who a message goes to, and the id it carries.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A phone number in international form, digits only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// The text is not a phone number: E.164 allows up to 15 digits, 5 is the shortest in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number in international form")]
pub struct BadNumber;

impl PhoneNumber {
    /// Parses digits, with `+`, spaces, dots, hyphens and parentheses allowed between them.
    ///
    /// # Errors
    /// [`BadNumber`].
    pub fn parse(text: &str) -> Result<Self, BadNumber> {
        let mut digits = String::with_capacity(15);
        for c in text.chars() {
            match c {
                '0'..='9' if digits.len() < 15 => digits.push(c),
                '+' | ' ' | '(' | ')' | '-' | '.' => {}
                _ => return Err(BadNumber),
            }
        }
        if digits.len() < 5 {
            Err(BadNumber)
        } else {
            Ok(Self(digits))
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    /// Shows the last two digits only: logs must not hold numbers in full.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber(..{})", &self.0[self.0.len() - 2..])
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = BadNumber;

    fn try_from(s: String) -> Result<Self, Self::Error> {
        Self::parse(&s)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

/// The chat that a message is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Recipient {
    /// A person, by phone number. Still to be looked up.
    Phone(PhoneNumber),
    /// A person, by LID (the user part).
    Lid(String),
    /// A group (the user part).
    Group(String),
}

impl Recipient {
    /// Reads a `number` field: digits, a phone number as people write it, or a JID.
    /// Normalises as contract § 2.5 describes.
    ///
    /// # Errors
    /// [`BadNumber`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self, BadNumber> {
        let text = text.trim();
        if let Some((user, server)) = text.split_once('@') {
            let user = user.split(':').next().unwrap_or(user);
            return match server {
                "s.whatsapp.net" | "c.us" => Ok(Self::Phone(PhoneNumber::parse(user)?)),
                "lid" if is_digits(user) => Ok(Self::Lid(user.to_owned())),
                "g.us" if is_group(user) => Ok(Self::Group(user.to_owned())),
                _ => Err(BadNumber),
            };
        }
        let looks_like_group =
            (text.contains('-') && text.len() >= 24) || (is_digits(text) && text.len() >= 18);
        if looks_like_group && is_group(text) {
            return Ok(Self::Group(text.to_owned()));
        }
        Ok(Self::Phone(PhoneNumber(local_form(
            PhoneNumber::parse(text)?.0,
        ))))
    }

    /// The JID, as events show it.
    #[must_use]
    pub fn jid(&self) -> String {
        match self {
            Self::Phone(number) => format!("{number}@s.whatsapp.net"),
            Self::Lid(user) => format!("{user}@lid"),
            Self::Group(user) => format!("{user}@g.us"),
        }
    }
}

fn is_digits(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit())
}

fn is_group(s: &str) -> bool {
    s.split('-').all(is_digits)
}

/// WhatsApp knows some Mexican, Argentinian and Brazilian mobiles without the digit that
/// callers dial (contract § 2.5).
fn local_form(digits: String) -> String {
    let bytes = digits.as_bytes();
    if bytes.len() != 13 {
        return digits;
    }
    let without = |at: usize| format!("{}{}", &digits[..at], &digits[at + 1..]);
    if digits.starts_with("52") || digits.starts_with("54") {
        return without(2);
    }
    if digits.starts_with("55") {
        let area: u32 = digits[2..4].parse().unwrap_or(0);
        if area >= 31 && bytes[4] == b'9' && bytes[5] >= b'7' {
            return without(4);
        }
    }
    digits
}

/// The id of a WhatsApp message, chosen by its sender.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// A fresh id in the shape of WhatsApp Web's: `3EB0` and 18 hexadecimal digits.
    #[must_use]
    pub fn random() -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        // A UUID v4 has fixed bits in digits 12 and 16: leave both out.
        Self(format!(
            "3EB0{}{}{}",
            &random[..12],
            &random[13..16],
            &random[17..20]
        ))
    }

    /// Wraps an id that WhatsApp gave.
    #[must_use]
    pub fn from_wire(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind of client that chose the id, from its shape (contract § 2.5).
    #[must_use]
    pub fn source(&self) -> &'static str {
        match (self.0.get(..2), self.0.len()) {
            (Some("3A"), 20) => "ios",
            (Some("3E"), 22) => "web",
            (Some("3F"), 20) => "desktop",
            (_, 21 | 32) => "android",
            _ => "unknown",
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_normalised() {
        for (text, jid) in [
            ("5511999990001", "5511999990001@s.whatsapp.net"),
            ("+55 (11) 99999-0001", "5511999990001@s.whatsapp.net"),
            ("5531988887777", "553188887777@s.whatsapp.net"),
            ("5531968887777", "5531968887777@s.whatsapp.net"),
            ("5215512345678", "525512345678@s.whatsapp.net"),
            ("5491112345678", "541112345678@s.whatsapp.net"),
            (
                "5511999990001:12@s.whatsapp.net",
                "5511999990001@s.whatsapp.net",
            ),
            (
                "5531988887777@s.whatsapp.net",
                "5531988887777@s.whatsapp.net",
            ),
            ("100000012345678@lid", "100000012345678@lid"),
            ("120363021033254949", "120363021033254949@g.us"),
            ("5511999990001-1612345678", "5511999990001-1612345678@g.us"),
            ("120363021033254949@g.us", "120363021033254949@g.us"),
        ] {
            assert_eq!(
                Recipient::parse(text).map(|r| r.jid()).as_deref(),
                Ok(jid),
                "{text}"
            );
        }
        for bad in [
            "",
            "abc",
            "12",
            "1@example.com",
            "x@g.us",
            "@lid",
            "99999999999999999999999@lid.x",
        ] {
            assert_eq!(Recipient::parse(bad), Err(BadNumber), "{bad}");
        }
    }

    #[test]
    fn message_ids_look_like_whatsapp_webs() {
        let id = MessageId::random();
        assert_eq!((id.as_str().len(), id.source()), (22, "web"));
        assert_ne!(id, MessageId::random());
    }

    #[test]
    fn a_phone_number_does_not_print_itself() {
        let number = PhoneNumber::parse("5511999990001").unwrap();
        assert_eq!(format!("{number:?}"), "PhoneNumber(..01)");
    }
}
