//! The body of a webhook: the contract's envelope (§ 3.1).

use bytes::Bytes;
use pombal_domain::{Epoch, Event, EventId, EventName, InstanceName, Seq};
use serde::Serialize;
use serde_json::Value;

use super::error::Error;
use crate::secret::Secret;

/// The contract's keys in the contract's order, then ours.
#[derive(Serialize)]
struct Envelope<'a> {
    event: &'static str,
    instance: &'a InstanceName,
    data: &'a Value,
    destination: &'a str,
    date_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    server_url: &'a str,
    apikey: Option<&'a str>,
    id: EventId,
    seq: Seq,
    epoch: Epoch,
    #[serde(flatten)]
    mirror: Option<Mirror<'a>>,
}

/// `connection.update` as the documents show it: the state beside the event's name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Mirror<'a> {
    state: &'a Value,
    status_reason: &'a Value,
}

impl<'a> Mirror<'a> {
    fn of(event: &'a Event) -> Option<Self> {
        (event.event == EventName::ConnectionUpdate).then(|| Self {
            state: &event.data["state"],
            status_reason: &event.data["statusReason"],
        })
    }
}

/// Writes the body: the envelope, or for an event that is for one address only, what is in it.
/// `destination` is the webhook's URL without an event's suffix.
pub(super) fn body(
    event: &Event,
    destination: &str,
    server_url: &str,
    apikey: Option<&Secret>,
) -> Result<Bytes, Error> {
    if event.only_to.is_some() {
        return encode(&event.data);
    }
    let envelope = Envelope {
        event: event.event.dotted(),
        instance: &event.name,
        data: &event.data,
        destination,
        date_time: event.at.iso8601(),
        sender: event.sender.as_deref(),
        server_url,
        apikey: apikey.map(Secret::expose),
        id: event.id,
        seq: event.seq,
        epoch: event.epoch,
        mirror: Mirror::of(event),
    };
    encode(&envelope)
}

fn encode(body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(Error::Encode)
}

#[cfg(test)]
mod tests {
    use pombal_domain::time::UnixMs;
    use pombal_domain::{EventName, InstanceId};

    use super::*;

    #[test]
    fn keys_stand_in_the_contracts_order() {
        let mut event = Event {
            id: "6f1c2f58-3b5b-4a6e-9d0a-0a3b8f6d2a11".parse().unwrap(),
            instance: InstanceId::random(),
            name: InstanceName::parse("b1").unwrap(),
            seq: Seq(7),
            epoch: Epoch(3),
            at: UnixMs(0),
            event: EventName::GroupParticipantsUpdate,
            data: Value::Null,
            sender: None,
            farewell: None,
            only_to: None,
            projection: None,
        };
        let text = |event: &Event, key: Option<&Secret>| {
            let body = body(event, "http://x/y", "http://s", key).unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        };
        assert_eq!(
            text(&event, None),
            r#"{"event":"group-participants.update","instance":"b1","data":null,"destination":"http://x/y","date_time":"1970-01-01T00:00:00.000Z","server_url":"http://s","apikey":null,"id":"6f1c2f58-3b5b-4a6e-9d0a-0a3b8f6d2a11","seq":7,"epoch":3}"#
        );
        event.only_to = Some("http://x/template".into());
        assert_eq!(text(&event, None), "null");
        event.only_to = None;
        event.sender = Some("1@s.whatsapp.net".into());
        let shown = text(&event, Some(&Secret::new("T")));
        assert!(
            shown.contains(r#""sender":"1@s.whatsapp.net","server_url":"http://s","apikey":"T""#)
        );
        event.event = EventName::ConnectionUpdate;
        event.data = serde_json::json!({ "state": "open", "statusReason": 200, "wuid": "1" });
        let shown = text(&event, None);
        assert!(
            shown.ends_with(r#""epoch":3,"state":"open","statusReason":200}"#),
            "{shown}"
        );
    }
}
