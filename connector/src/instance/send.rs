//! Hands a text to WhatsApp.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pombal_domain::event::{EventBody, MessageData, pending_text};
use pombal_domain::time::UnixMs;
use pombal_domain::{EventId, InstanceId, PhoneNumber, Recipient, SendText};
use tokio::sync::oneshot;
use whatsapp_rust::prelude::{IqError, MessageBuilderExt, MessageField};
use whatsapp_rust::waproto::whatsapp as wa;
use whatsapp_rust::{ClientError, Jid, SendError, SendOptions};

use crate::convert::receipt;
use crate::instance::Link;
use crate::whatsapp::client::Acked;

/// Longest "composing" that a caller may ask for.
const MAX_DELAY: Duration = Duration::from_secs(20);
/// Numbers remembered per connection.
const KNOWN_NUMBERS: usize = 10_000;

/// A message that WhatsApp was given. Its ack is still to come; the receiver fails when the
/// connection ends first, and then the message must be handed over again.
pub(crate) struct Handed {
    pub(crate) message: Box<MessageData>,
    pub(crate) ack: oneshot::Receiver<Acked>,
}

/// The text was not handed over.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// The connection is not usable now; a later one may be.
    Disconnected,
    /// Nobody with this number is on WhatsApp.
    NotOnWhatsApp { jid: String },
    /// It will never work.
    Refused(String),
}

/// Gives `text` to WhatsApp under its own message id.
pub(crate) async fn hand_over(
    instance: InstanceId,
    link: &Link,
    text: &SendText,
) -> Result<Handed, SendFailure> {
    let to = resolve(link, &text.to).await?;
    if text.delay_ms > 0 {
        compose(link, &to, Duration::from_millis(text.delay_ms.into())).await;
    }
    // A client that has ended would still encrypt, and write into its successor's session.
    if !link.client.is_logged_in() {
        return Err(SendFailure::Disconnected);
    }
    let ack = link.acks.expect(&text.message_id);
    let options = SendOptions::default().with_message_id(text.message_id.as_str());
    link.client
        .send_message_with_options(to, message(text), options)
        .await
        .map_err(|error| failure(link, &error))?;
    Ok(Handed {
        message: Box::new(pending_text(instance, text, UnixMs::now())),
        ack,
    })
}

/// The event of a text that WhatsApp has.
pub(crate) fn sent_event(instance: InstanceId, message: &MessageData) -> (EventId, EventBody) {
    (
        EventId::derive(instance, &["send.message", message.key.id.as_str()]),
        EventBody::SendMessage(Box::new(message.clone())),
    )
}

/// The event of a text that will not be sent.
pub(crate) fn failed_update(
    instance: InstanceId,
    text: &SendText,
    error: &str,
) -> (EventId, EventBody) {
    receipt::failed(instance, &text.to.jid(), &text.message_id, error)
}

/// The JID to send to. Numbers are looked up once per connection.
async fn resolve(link: &Link, to: &Recipient) -> Result<Jid, SendFailure> {
    let number = match to {
        Recipient::Lid(user) => return Ok(Jid::lid(user.as_str())),
        Recipient::Group(user) => return Ok(Jid::group(user.as_str())),
        Recipient::Phone(number) => number,
    };
    if let Some(jid) = known(&link.known).get(number) {
        return Ok(jid.clone());
    }
    let asked = Jid::pn(number.as_str());
    let answers = link
        .client
        .contacts()
        .is_on_whatsapp(std::slice::from_ref(&asked))
        .await
        .map_err(|error| {
            tracing::warn!(%error, "number not looked up");
            SendFailure::Disconnected
        })?;
    let Some(answer) = answers.into_iter().find(|answer| answer.is_registered) else {
        return Err(SendFailure::NotOnWhatsApp { jid: to.jid() });
    };
    // WhatsApp may know the account under another number than the one dialled.
    let jid = match answer.pn_jid {
        Some(pn) => pn,
        None if answer.jid.is_pn() => answer.jid,
        None => asked,
    };
    let mut numbers = known(&link.known);
    if numbers.len() >= KNOWN_NUMBERS {
        numbers.clear();
    }
    numbers.insert(number.clone(), jid.clone());
    Ok(jid)
}

fn known(
    numbers: &Arc<Mutex<HashMap<PhoneNumber, Jid>>>,
) -> std::sync::MutexGuard<'_, HashMap<PhoneNumber, Jid>> {
    numbers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows "composing" for `delay`. The text is sent whether or not that worked.
async fn compose(link: &Link, to: &Jid, delay: Duration) {
    let _ = link.client.chatstate().send_composing(to).await;
    tokio::time::sleep(delay.min(MAX_DELAY)).await;
    let _ = link.client.chatstate().send_paused(to).await;
}

fn failure(link: &Link, error: &SendError) -> SendFailure {
    let iq = match error {
        SendError::Client(ClientError::Iq(error)) | SendError::Iq(error) => Some(error),
        _ => None,
    };
    match (iq, error) {
        // An answer of WhatsApp's, such as for a group that is not there. 429 and 5xx pass.
        (Some(IqError::ServerError { code, .. }), _) if *code != 429 && *code < 500 => {
            SendFailure::Refused(error.to_string())
        }
        (Some(_), _) | (_, SendError::NotLoggedIn | SendError::Client(_)) => {
            SendFailure::Disconnected
        }
        // Internal errors come from a dying connection as well.
        (_, SendError::Internal(_)) if !link.client.is_logged_in() => SendFailure::Disconnected,
        _ => SendFailure::Refused(error.to_string()),
    }
}

fn message(text: &SendText) -> wa::Message {
    let quoted = text.quoted.as_ref();
    if quoted.is_none() && text.mentioned.is_empty() {
        return wa::Message::text(text.text.as_str());
    }
    let context = wa::ContextInfo {
        stanza_id: quoted.map(|quoted| quoted.id.as_str().to_owned()),
        participant: quoted.and_then(|quoted| quoted.participant.clone()),
        quoted_message: quoted
            .map(|quoted| wa::Message::text(quoted.text.clone().unwrap_or_default()))
            .map_or_else(MessageField::none, MessageField::some),
        mentioned_jid: text.mentioned.clone(),
        ..Default::default()
    };
    wa::Message::text_with_context(text.text.as_str(), context)
}
