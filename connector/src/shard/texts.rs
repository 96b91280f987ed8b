//! Sends the texts of one instance, in order and each once.
//!
//! A text is done when WhatsApp has acked it. If the connection ends before that, it is sent
//! again on the next one under the same message id, by which WhatsApp and the recipient tell
//! that it is the same.

use std::time::Duration;

use futures::future::join_all;
use pombal_domain::event::EventBody;
use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, Command, EventId, Instance, Op, Reply};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::instance::{
    Handed, InstanceHandle, Link, SendFailure, failed_update, hand_over, sent_event,
};
use crate::shard::Shard;
use crate::shard::commands::{Job, expired};
use crate::whatsapp::client::Acked;

/// Longest wait for WhatsApp's ack. After that the text is sent again.
const ACK_TIMEOUT: Duration = Duration::from_secs(20);
/// Pause before an instance's supervisor is looked for again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Pause before the row of an instance without supervisor is looked at again.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// The way to an instance.
enum Line {
    /// It is connected.
    Open(InstanceHandle, Link),
    /// It lives on another shard.
    Elsewhere(Box<Instance>),
}

impl Shard {
    /// Sends `jobs` in order. Returns when each is done or has
    /// followed its instance to another shard, or at `stop`.
    pub(super) async fn send_texts(&self, mut jobs: Vec<Job>, stop: &CancellationToken) {
        let mut backoff = Backoff::default();
        while !jobs.is_empty() {
            jobs = self.drop_expired(jobs).await;
            let Some(first) = jobs.first() else { return };
            let patience = first.command.not_after.until(UnixMs::now());
            let line = tokio::select! {
                () = stop.cancelled() => return,
                line = timeout(patience, self.line(&first.command)) => line,
            };
            let (handle, link) = match line {
                Ok(Line::Open(handle, link)) => (handle, link),
                Ok(Line::Elsewhere(row)) => return self.forward(&jobs, &row).await,
                Err(_) => continue,
            };
            let before = jobs.len();
            jobs = self.send_over(&handle, &link, jobs).await;
            if jobs.len() < before {
                backoff.reset();
                continue;
            }
            // No progress: the connection is dying, or WhatsApp is slow.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(backoff.next()) => {}
            }
        }
    }

    /// The open connection of the command's instance, as soon as there is one.
    async fn line(&self, command: &Command) -> Line {
        let id = command.instance;
        let mut look_at = Instant::now();
        loop {
            let Some(mut handle) = self.known(id).await else {
                self.transits.until_free(id).await;
                if Instant::now() >= look_at {
                    if let Some(row) = self.elsewhere(command).await {
                        return Line::Elsewhere(Box::new(row));
                    }
                    look_at = Instant::now() + LOOK_PAUSE;
                }
                // The supervisor is being started, or started again by the next reconcile.
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            };
            let link = handle
                .live
                .wait_for(Option::is_some)
                .await
                .map(|link| link.clone());
            if let Ok(Some(link)) = link {
                return Line::Open(handle, link);
            }
            // The supervisor has just ended.
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Hands texts over one after the other, then waits for their acks. Returns those that
    /// have to be sent again.
    async fn send_over(&self, handle: &InstanceHandle, link: &Link, jobs: Vec<Job>) -> Vec<Job> {
        let _sending = handle.sending.read().await;
        let mut handed: Vec<(Job, Handed)> = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter();
        let mut left = Vec::new();
        for job in jobs.by_ref() {
            let Op::SendText(text) = &job.command.op else {
                continue;
            };
            match hand_over(handle.id, link, text).await {
                Ok(message) => handed.push((job, message)),
                Err(SendFailure::Disconnected) => {
                    left.push(job);
                    break;
                }
                Err(SendFailure::NotOnWhatsApp { jid }) => {
                    let reply = Reply::NotOnWhatsApp { jid };
                    self.refuse(handle, job, "not on WhatsApp", reply).await;
                }
                Err(SendFailure::Refused(message)) => {
                    let reply = Reply::Failed {
                        message: message.clone(),
                    };
                    self.refuse(handle, job, &message, reply).await;
                }
            }
        }
        left.extend(jobs);
        let mut again = self.settle_acks(handle, handed).await;
        again.append(&mut left);
        again
    }

    /// Waits for the acks of what was handed over, and finishes what WhatsApp has taken or
    /// refused. Returns the rest.
    async fn settle_acks(&self, handle: &InstanceHandle, handed: Vec<(Job, Handed)>) -> Vec<Job> {
        let waiting = handed
            .into_iter()
            .map(|(job, Handed { message, ack })| async move {
                (job, message, timeout(ACK_TIMEOUT, ack).await)
            });
        let mut again = Vec::new();
        let mut facts = Vec::new();
        let mut done = Vec::new();
        for (job, message, ack) in join_all(waiting).await {
            match ack {
                Ok(Ok(Acked::Accepted)) => {
                    facts.push(sent_event(handle.id, &message));
                    done.push((job, Reply::Sent { message }));
                }
                Ok(Ok(Acked::Refused(code))) => {
                    let message = format!("WhatsApp refused the message ({code})");
                    if let Op::SendText(text) = &job.command.op {
                        facts.push(failed_update(handle.id, text, &message));
                    }
                    done.push((job, Reply::Failed { message }));
                }
                // The connection ended, or WhatsApp is silent.
                Ok(Err(_)) | Err(_) => again.push(job),
            }
        }
        // Callers wait for the reply: it need not wait for the event.
        let (published, ()) =
            tokio::join!(self.publish(handle, facts), self.reply_all(done.iter()));
        if published {
            let receipts: Vec<_> = done.into_iter().map(|(job, _)| job.receipt).collect();
            self.ack(&receipts).await;
        } else {
            // Not acked, so that the event is not lost: sent again, they keep their ids.
            again.extend(done.into_iter().map(|(job, _)| job));
        }
        again
    }

    /// Answers the caller, and tells whoever listens to events that it will not be sent. If
    /// that can't be told now, the command stays.
    async fn refuse(&self, handle: &InstanceHandle, job: Job, error: &str, reply: Reply) {
        if let Op::SendText(text) = &job.command.op {
            let update = failed_update(handle.id, text, error);
            if !self.publish(handle, vec![update]).await {
                return;
            }
        }
        self.finish(&job, &reply).await;
    }

    async fn drop_expired(&self, jobs: Vec<Job>) -> Vec<Job> {
        let mut left = Vec::with_capacity(jobs.len());
        for job in jobs {
            if !expired(&job.command) {
                left.push(job);
            } else if let Some(handle) = self.known(job.command.instance).await {
                self.refuse(&handle, job, "not sent in time", Reply::TimedOut)
                    .await;
            } else if let Some(row) = self.elsewhere(&job.command).await {
                // Its fate is told there.
                self.forward(std::slice::from_ref(&job), &row).await;
            } else {
                // Nobody can tell its fate yet: it comes back when its visibility ends.
                tracing::warn!(instance.id = %job.command.instance, "expired text put back");
            }
        }
        left
    }

    /// Whether the events are in the queue.
    async fn publish(&self, handle: &InstanceHandle, told: Vec<(EventId, EventBody)>) -> bool {
        match handle.publisher.tell(told).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(instance.id = %handle.id, error = %Chain(&error), "event not published");
                false
            }
        }
    }
}
