//! What may be sent, and how: the limits of SQS, on every adapter.

use std::time::Duration;

use super::{Error, MAX_BATCH, MAX_BODY_BYTES, MAX_DELAY, MAX_ID_CHARS, MAX_VISIBILITY, Outgoing};

/// Checks a batch to send.
pub(super) fn batch(messages: &[Outgoing], fifo: bool) -> Result<(), Error> {
    if messages.len() > MAX_BATCH {
        return Err(Error::Invalid("more than 10 messages in a batch"));
    }
    messages.iter().try_for_each(|message| one(message, fifo))
}

/// Checks a visibility timeout.
pub(super) fn visibility(visibility: Duration) -> Result<(), Error> {
    if visibility > MAX_VISIBILITY {
        return Err(Error::Invalid("visibility timeout beyond 12 hours"));
    }
    Ok(())
}

fn one(message: &Outgoing, fifo: bool) -> Result<(), Error> {
    if message.body.is_empty() {
        return Err(Error::Invalid("empty body"));
    }
    if message.body.len() > MAX_BODY_BYTES {
        return Err(Error::Invalid("body beyond 1 MiB"));
    }
    match (fifo, &message.group, &message.dedup) {
        (true, Some(group), Some(dedup)) => {
            if !message.delay.is_zero() {
                return Err(Error::Invalid("delay on a FIFO queue"));
            }
            id(group)?;
            id(dedup)
        }
        (true, None, _) => Err(Error::Invalid("no group on a FIFO queue")),
        (true, _, None) => Err(Error::Invalid("no deduplication id on a FIFO queue")),
        (false, None, None) if message.delay > MAX_DELAY => {
            Err(Error::Invalid("delay beyond 15 minutes"))
        }
        (false, None, None) => Ok(()),
        (false, Some(_), _) => Err(Error::Invalid("group on a standard queue")),
        (false, _, Some(_)) => Err(Error::Invalid("deduplication id on a standard queue")),
    }
}

fn id(id: &str) -> Result<(), Error> {
    let printable = id.bytes().all(|byte| byte.is_ascii_graphic());
    if id.is_empty() || id.len() > MAX_ID_CHARS || !printable {
        return Err(Error::Invalid(
            "id is not 1 to 128 printable ASCII characters",
        ));
    }
    Ok(())
}
