//! Sends the texts of one instance, in order and each once.
//!
//! A text is done when WhatsApp has acked it. If the connection ends before that, it is sent
//! again on the next one under the same message id, by which WhatsApp and the recipient tell
//! that it is the same.

use std::sync::PoisonError;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Op, Reply};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::instance::{
    Handed, InstanceHandle, Link, SendFailure, failed_update, hand_over, sent_event,
};
use crate::publish::Fact;
use crate::shard::Shard;
use crate::shard::commands::{Job, expired, instance_of};
use crate::whatsapp::client::Acked;

/// Longest wait for WhatsApp's ack. After that the text is sent again.
const ACK_TIMEOUT: Duration = Duration::from_secs(20);
/// Pause before a text is tried again on the same connection.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

impl Shard {
    /// Sends `jobs` in order. Returns when each is done, or was given back because of `stop`.
    pub(super) async fn send_texts(&self, mut jobs: Vec<Job>, stop: &CancellationToken) {
        let Some(id) = instance_of(&jobs) else { return };
        while !jobs.is_empty() {
            jobs = self.drop_expired(jobs).await;
            let Some(first) = jobs.first() else { return };
            let patience = first.command.not_after.until(UnixMs::now());
            let line = tokio::select! {
                () = stop.cancelled() => return self.give_back(&jobs).await,
                line = timeout(patience, self.line(id)) => line,
            };
            let Ok(Some((handle, link))) = line else {
                continue;
            };
            let before = jobs.len();
            jobs = self.send_over(&handle, &link, jobs).await;
            if jobs.len() == before {
                // No progress: the connection is dying, or WhatsApp is slow.
                tokio::select! {
                    () = stop.cancelled() => return self.give_back(&jobs).await,
                    () = tokio::time::sleep(RETRY_PAUSE) => {}
                }
            }
        }
    }

    /// The instance's open connection, as soon as there is one.
    async fn line(&self, id: pombal_domain::InstanceId) -> Option<(InstanceHandle, Link)> {
        loop {
            let Some(mut handle) = self.known(id).await else {
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
                return Some((handle, link));
            }
        }
    }

    /// Hands texts over one after the other, then waits for their acks. Returns those that
    /// have to be sent again.
    async fn send_over(&self, handle: &InstanceHandle, link: &Link, jobs: Vec<Job>) -> Vec<Job> {
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
        let mut again = Vec::new();
        for (job, Handed { message, ack }) in handed {
            match timeout(ACK_TIMEOUT, ack).await {
                Ok(Ok(Acked::Accepted)) => {
                    let fact = sent_event(handle.id, &message, owner(handle));
                    self.publish(handle, fact).await;
                    self.finish(&job, &Reply::Sent { message }).await;
                }
                Ok(Ok(Acked::Refused(code))) => {
                    let message = format!("WhatsApp refused the message ({code})");
                    self.finish(&job, &Reply::Failed { message }).await;
                }
                // The connection ended, or WhatsApp is silent.
                Ok(Err(_)) | Err(_) => again.push(job),
            }
        }
        again.append(&mut left);
        again
    }

    /// Answers the caller, and tells whoever listens to events that it will not be sent.
    async fn refuse(&self, handle: &InstanceHandle, job: Job, error: &str, reply: Reply) {
        if let Op::SendText(text) = &job.command.op {
            self.publish(handle, failed_update(handle.id, text, error, owner(handle)))
                .await;
        }
        self.finish(&job, &reply).await;
    }

    async fn drop_expired(&self, jobs: Vec<Job>) -> Vec<Job> {
        let mut left = Vec::with_capacity(jobs.len());
        for job in jobs {
            if !expired(&job.command) {
                left.push(job);
                continue;
            }
            if let Some(handle) = self.known(job.command.instance).await {
                self.refuse(&handle, job, "not sent in time", Reply::TimedOut)
                    .await;
            } else {
                self.finish(&job, &Reply::TimedOut).await;
            }
        }
        left
    }

    async fn publish(&self, handle: &InstanceHandle, fact: Fact) {
        if let Err(error) = handle.publisher.publish(vec![fact]).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(instance.id = %handle.id, error, "event not published");
        }
    }

    /// Lets the next owner have the commands at once.
    async fn give_back(&self, jobs: &[Job]) {
        for job in jobs {
            // Otherwise they come back when their visibility timeout ends.
            let _ = self.queue.release(&job.receipt, Duration::ZERO).await;
        }
    }
}

fn owner(handle: &InstanceHandle) -> Option<String> {
    handle
        .owner
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
