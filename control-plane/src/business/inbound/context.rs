//! What a received message refers to.

use serde_json::{Map, Value, json};

use super::{jid, text};

/// `contextInfo`: the message that is answered, forwarding, and the advertisement that a chat
/// began with.
pub(super) fn of(message: &Value) -> Option<Value> {
    let mut info = Map::new();
    if let Some(context) = message.get("context") {
        let flag = |name: &str| context.get(name).and_then(Value::as_bool).unwrap_or(false);
        if let Some(id) = text(context, "id") {
            info.insert("stanzaId".to_owned(), json!(id));
        }
        if let Some(author) = text(context, "from") {
            info.insert("participant".to_owned(), json!(jid(author)));
        }
        if flag("forwarded") || flag("frequently_forwarded") {
            info.insert("isForwarded".to_owned(), json!(true));
        }
        if let Some(product) = context.get("referred_product") {
            info.insert("referredProduct".to_owned(), product.clone());
        }
    }
    if let Some(referral) = message.get("referral") {
        info.insert("externalAdReply".to_owned(), advertisement(referral));
    }
    (!info.is_empty()).then_some(Value::Object(info))
}

fn advertisement(referral: &Value) -> Value {
    let mut ad = referral.as_object().cloned().unwrap_or_default();
    for (theirs, ours) in [
        ("source_url", "sourceUrl"),
        ("source_id", "sourceId"),
        ("source_type", "sourceType"),
        ("headline", "title"),
        ("ctwa_clid", "ctwaClid"),
    ] {
        if let Some(value) = ad.get(theirs).cloned() {
            ad.insert(ours.to_owned(), value);
        }
    }
    Value::Object(ad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_what_it_answers() {
        let message = json!({ "context": { "from": "5511", "id": "wamid.1", "forwarded": true } });
        assert_eq!(
            of(&message),
            Some(json!({
                "stanzaId": "wamid.1",
                "participant": "5511@s.whatsapp.net",
                "isForwarded": true,
            }))
        );
        assert_eq!(of(&json!({ "context": {} })), None);
        let ad = of(&json!({ "referral": { "headline": "Sale" } })).unwrap();
        assert_eq!(ad["externalAdReply"]["title"], "Sale");
    }
}
