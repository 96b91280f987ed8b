//! A contact of Meta's as a vCard 3.0 (RFC 2426), as the contract shows contacts.

use serde_json::Value;

use super::{list, text};

/// What the contact is called.
pub(crate) fn display_name(contact: &Value) -> String {
    let name = contact.get("name").unwrap_or(&Value::Null);
    ["formatted_name", "first_name", "last_name"]
        .iter()
        .find_map(|part| text(name, part))
        .unwrap_or_default()
        .to_owned()
}

/// The card.
pub(crate) fn of(contact: &Value) -> String {
    let name = contact.get("name").unwrap_or(&Value::Null);
    let part = |part: &str| escaped(text(name, part).unwrap_or_default());
    let full = escaped(&display_name(contact));
    let mut lines = vec![
        "BEGIN:VCARD".to_owned(),
        "VERSION:3.0".to_owned(),
        format!(
            "N:{};{};{};{};{}",
            part("last_name"),
            part("first_name"),
            part("middle_name"),
            part("prefix"),
            part("suffix")
        ),
        format!("FN:{full}"),
    ];
    let org = contact.get("org").and_then(|org| text(org, "company"));
    lines.extend(org.map(|org| format!("ORG:{};", escaped(org))));
    for phone in list(contact, "phones") {
        let number = escaped(text(phone, "phone").unwrap_or_default());
        lines.push(match text(phone, "wa_id") {
            Some(id) => format!("item1.TEL;waid={}:{number}", escaped(id)),
            None => format!("TEL:{number}"),
        });
    }
    for (kind, property, field) in [("emails", "EMAIL", "email"), ("urls", "URL", "url")] {
        for item in list(contact, kind) {
            let value = escaped(text(item, field).unwrap_or_default());
            lines.push(format!("{property}:{value}"));
        }
    }
    lines.push("END:VCARD".to_owned());
    lines.join("\n")
}

/// RFC 2426 § 5: what would end a value, or a line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\r' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_contact_is_a_card_and_can_forge_no_line() {
        let contact = json!({
            "name": { "formatted_name": "Ana; Lima\nTEL:1", "first_name": "Ana" },
            "org": { "company": "Acme" },
            "phones": [{ "phone": "+55 11 99999-0001", "wa_id": "5511999990001" }],
            "emails": [{ "email": "ana@a.test" }],
        });
        assert_eq!(
            of(&contact).lines().collect::<Vec<_>>(),
            [
                "BEGIN:VCARD",
                "VERSION:3.0",
                "N:;Ana;;;",
                r"FN:Ana\; Lima\nTEL:1",
                "ORG:Acme;",
                "item1.TEL;waid=5511999990001:+55 11 99999-0001",
                "EMAIL:ana@a.test",
                "END:VCARD",
            ]
        );
    }
}
