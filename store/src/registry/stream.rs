//! The stream of events of an instance that no connector looks after.
//!
//! A connector numbers the events of an instance in the instance's journal. An instance of the
//! Cloud API has none: its events come by requests that any process may get, several at once.
//! So they are numbered here. One transaction counts the head up, notes each event's id and
//! puts the event down as pending; its condition is the head as it was read. What is pending is
//! sent to the queue in the order of its numbers, by whoever comes first, and then removed. A
//! process that is killed in between leaves it to the next one; the queue knows what it has had
//! by the events' ids.

use std::time::Duration;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use pombal_domain::time::UnixMs;
use pombal_domain::{Event, EventId, InstanceId, Seq};

use super::business::partition_of;
use super::row::{Item, Row, json, key, names, number, text};
use super::shape::TTL;
use super::transact::Cancelled;
use super::{Error, Registry};

/// Most events that are appended at once: each is two of the 100 items of a transaction.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
pub const MAX_EVENTS: usize = 10;
/// The longest event in bytes of JSON: an item has 400 KB at most, a transaction 4 MB.
pub const MAX_EVENT_BYTES: usize = 350 * 1024;
/// How long an event's id is known. Meta repeats a webhook for 7 days:
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks>
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often the head may have moved between its reading and the transaction. With other
/// processes only: within one, appends of an instance wait for one another.
const TRIES: u32 = 12;
/// Pause after the first such collision; it doubles, and what is slept is a random part of it.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// What came of appending an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It has this number now.
    New(Seq),
    /// It has had a number before.
    Known,
}

/// Events that may not be in the queue yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// Some of them, from the first on.
    pub events: Vec<Event>,
    /// Whether there are no others.
    pub is_all: bool,
}

impl Registry {
    /// Gives `events` of `instance` the next numbers, in order, and makes them pending, all in
    /// one step. Those that have a number keep it. Their own `seq` does not count.
    ///
    /// # Errors
    /// [`Error::Conflict`] when others append all the time; [`Error::Storage`], also for more
    /// than [`MAX_EVENTS`] or an event beyond [`MAX_EVENT_BYTES`]. Appending again is safe.
    pub async fn append_events(
        &self,
        instance: InstanceId,
        events: &[Event],
    ) -> Result<Vec<Appended>, Error> {
        if events.len() > MAX_EVENTS {
            return Err(Error::storage("too many events at once"));
        }
        let mut appended = vec![None; events.len()];
        let mut pause = FIRST_PAUSE;
        for _ in 0..TRIES {
            let new: Vec<usize> = (0..events.len())
                .filter(|at| appended[*at].is_none())
                .collect();
            if new.is_empty() {
                break;
            }
            let head = self.head(instance).await?;
            let numbered: Vec<(usize, Seq)> = new.iter().copied().zip(after(head)).collect();
            let writes = self.appending(instance, head, &numbered, events)?;
            match self.transact(writes).await {
                Ok(()) => {
                    for (at, seq) in numbered {
                        appended[at] = Some(Appended::New(seq));
                    }
                }
                Err(Cancelled::Conditions(failed)) => {
                    // The head comes first, then the ids, then the events themselves.
                    let ids = &failed[1.min(failed.len())..];
                    let known = numbered.iter().zip(ids).filter(|(_, known)| **known);
                    for ((at, _), _) in known {
                        appended[*at] = Some(Appended::Known);
                    }
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.0..1.0))).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(Cancelled::Other(error)) => return Err(error),
            }
        }
        appended
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or(Error::Conflict)
    }

    /// Whether an event has a number.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn knows_event(&self, instance: InstanceId, id: EventId) -> Result<bool, Error> {
        Ok(self.item(id_key(instance, id)).await?.is_some())
    }

    /// The events that may not be in the queue yet, in the order of their numbers: the first of
    /// them, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn pending_events(
        &self,
        instance: InstanceId,
        limit: usize,
    ) -> Result<Pending, Error> {
        let found = self
            .partition(&partition_of(instance), Some("PENDING#"))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(Error::storage)?;
        let event = |item: &Item| Ok(Row(item).json("event")?);
        Ok(Pending {
            events: found
                .items()
                .iter()
                .map(event)
                .collect::<Result<_, Error>>()?,
            // A page may end before its limit: it has 1 MB at most.
            is_all: found.last_evaluated_key.is_none(),
        })
    }

    /// Notes that the queue has an event.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn event_sent(&self, instance: InstanceId, seq: Seq) -> Result<(), Error> {
        self.remove(pending_key(instance, seq)).await
    }

    /// Remembers who wants to hear of a message, for 30 days.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn put_hook(
        &self,
        instance: InstanceId,
        message: &str,
        url: &str,
    ) -> Result<(), Error> {
        self.client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(hook_key(instance, message)))
            .item("url", text(url))
            .item(TTL, forgotten_at())
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    /// Who wants to hear of a message.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn hook(&self, instance: InstanceId, message: &str) -> Result<Option<String>, Error> {
        let item = self.item(hook_key(instance, message)).await?;
        let url = item.map(|item| Row(&item).text("url").map(str::to_owned));
        Ok(url.transpose()?)
    }

    /// The number of the last event.
    async fn head(&self, instance: InstanceId) -> Result<Option<Seq>, Error> {
        let item = self.item(head_key(instance)).await?;
        let seq = item.map(|item| Row(&item).number("seq").map(Seq));
        Ok(seq.transpose()?)
    }

    /// The transaction: the head, the ids, the events.
    fn appending(
        &self,
        instance: InstanceId,
        head: Option<Seq>,
        numbered: &[(usize, Seq)],
        events: &[Event],
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let last = numbered.last().map_or_else(Seq::default, |(_, seq)| *seq);
        let mut writes = vec![self.moving_head(instance, head, last)?];
        for (at, seq) in numbered {
            let mut item = id_key(instance, events[*at].id);
            item.insert("seq".to_owned(), number(seq.0));
            item.insert(TTL.to_owned(), forgotten_at());
            writes.push(self.put_new(item)?);
        }
        for (at, seq) in numbered {
            let event = Event {
                seq: *seq,
                ..events[*at].clone()
            };
            let event = json(&event)?;
            if event.as_s().is_ok_and(|text| text.len() > MAX_EVENT_BYTES) {
                return Err(Error::storage("event too large for a row"));
            }
            let mut item = pending_key(instance, *seq);
            item.insert("event".to_owned(), event);
            let put = Put::builder()
                .table_name(&*self.table)
                .set_item(Some(item))
                .build()
                .map_err(Error::storage)?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        Ok(writes)
    }

    fn moving_head(
        &self,
        instance: InstanceId,
        seen: Option<Seq>,
        last: Seq,
    ) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(head_key(instance)))
            .update_expression("SET #seq = :last")
            .set_expression_attribute_names(Some(names(&["seq"])))
            .expression_attribute_values(":last", number(last.0));
        let update = match seen {
            None => update.condition_expression("attribute_not_exists(#seq)"),
            Some(seen) => update
                .condition_expression("#seq = :seen")
                .expression_attribute_values(":seen", number(seen.0)),
        };
        let update = update.build().map_err(Error::storage)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

/// The numbers after the head's.
fn after(head: Option<Seq>) -> impl Iterator<Item = Seq> {
    std::iter::successors(Some(head.unwrap_or_default().next()), |seq| {
        Some(seq.next())
    })
}

fn forgotten_at() -> aws_sdk_dynamodb::types::AttributeValue {
    number(UnixMs::now().plus(REMEMBERED).seconds())
}

fn head_key(instance: InstanceId) -> Item {
    key(partition_of(instance), "HEAD")
}

fn id_key(instance: InstanceId, id: EventId) -> Item {
    key(partition_of(instance), &format!("EVENT#{id}"))
}

fn pending_key(instance: InstanceId, seq: Seq) -> Item {
    key(partition_of(instance), &format!("PENDING#{:020}", seq.0))
}

fn hook_key(instance: InstanceId, message: &str) -> Item {
    key(partition_of(instance), &format!("HOOK#{message}"))
}
