//! The time in which an instance wants a socket: connect, stay, connect again.

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use pombal_domain::{Cause, Chain, ConnectionState, Desired, Reconnect, StatusReason};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::instance::run::{ClientTask, Connection, Run};
use crate::instance::supervisor::{Error, Step, Supervisor, answer};
use crate::instance::{Mail, patience};

/// Pause before the one retry after another connection took this one's place.
const REPLACED_PAUSE: Duration = Duration::from_secs(5);

impl Supervisor {
    /// Keeps a socket open until the wish changes or a cause ends it for good. However it
    /// ends, the client is stopped and has lost its way into the session.
    pub(super) async fn stay_connected(
        &mut self,
        mailbox: &mut mpsc::Receiver<Mail>,
    ) -> Result<Step, Error> {
        let mut run = self.build().await?;
        let result = self.connect_again_and_again(&mut run, mailbox).await;
        self.stop_client(&run).await;
        result
    }

    async fn connect_again_and_again(
        &mut self,
        run: &mut Run,
        mailbox: &mut mpsc::Receiver<Mail>,
    ) -> Result<Step, Error> {
        loop {
            let (reason, generation) = match self.state.observed.state {
                // A reconnect keeps its reason until it has succeeded.
                ConnectionState::Connecting => (self.state.observed.reason, self.row.generation),
                _ => (StatusReason(200), self.row.generation),
            };
            if let Some(fact) = self.state.connecting(reason, generation) {
                self.publish(vec![fact]).await?;
            }
            let pacing = self.context.pacing.clone();
            let slot = pacing.slot(self.publisher.last_event_at());
            if let ControlFlow::Break(step) = self.pause(run, mailbox, slot).await? {
                return Ok(step);
            }
            run.now = Connection::begin();
            run.built.heard.note();
            let cause = match self.connection(run, mailbox).await? {
                ControlFlow::Continue(cause) => cause,
                ControlFlow::Break(step) => return Ok(step),
            };
            if let ControlFlow::Break(step) = self.after(cause, run, mailbox).await? {
                return Ok(step);
            }
            if run.spent() {
                return Ok(Step::Again);
            }
        }
    }

    /// One connection, from dial to end. `Continue` names the cause of its end.
    async fn connection(
        &mut self,
        run: &mut Run,
        mailbox: &mut mpsc::Receiver<Mail>,
    ) -> Result<ControlFlow<Step, Cause>, Error> {
        let client = Arc::clone(&run.built.client);
        let mut task = ClientTask::new(tokio::spawn(async move { client.run().await }));
        let result = self.until_it_ends(run, &mut task, mailbox).await;
        if result.is_err() {
            self.hang_up(run, &mut task, false).await;
        }
        result
    }

    async fn until_it_ends(
        &mut self,
        run: &mut Run,
        task: &mut ClientTask,
        mailbox: &mut mpsc::Receiver<Mail>,
    ) -> Result<ControlFlow<Step, Cause>, Error> {
        let session = self.session.clone();
        let mut damaged = pin!(session.damaged());
        loop {
            let (until, cause) = patience::until(run);
            tokio::select! {
                biased;
                Some(event) = run.built.signals.recv() => {
                    if let Some(cause) = self.on_event(run, &event).await? {
                        self.hang_up(run, task, false).await;
                        return Ok(ControlFlow::Continue(cause));
                    }
                }
                mail = mailbox.recv() => {
                    if let ControlFlow::Break(step) = self.on_mail(run, task, mail).await? {
                        return Ok(ControlFlow::Break(step));
                    }
                }
                () = tokio::time::sleep_until(until) => {
                    // Something may have come in the meantime.
                    if patience::until(run).0 <= Instant::now() {
                        self.hang_up(run, task, false).await;
                        return Ok(ControlFlow::Continue(cause));
                    }
                }
                damage = &mut damaged => return Err(damage.into()),
                ended = &mut *task => {
                    if let Err(error) = ended {
                        tracing::error!(instance.id = %self.row.id, error = %Chain(&error), "client failed");
                    }
                    break;
                }
            }
        }
        while let Ok(event) = run.built.signals.try_recv() {
            if let Some(cause) = self.on_event(run, &event).await? {
                run.now.cause = Some(cause);
            }
        }
        self.line_down(run);
        Ok(ControlFlow::Continue(self.cause_of_end(run)))
    }

    /// Deals with mail while a client runs. `Break` when the client was stopped for it.
    async fn on_mail(
        &mut self,
        run: &mut Run,
        task: &mut ClientTask,
        mail: Option<Mail>,
    ) -> Result<ControlFlow<Step>, Error> {
        let Some(mail) = mail else {
            self.hang_up(run, task, false).await;
            return Ok(ControlFlow::Break(Step::Stop));
        };
        match mail {
            Mail::Reconcile { row, done } => {
                let generation = self.row.generation;
                let reroute = self.would_reroute(&row);
                self.adopt(*row);
                if self.wants_socket() && reroute {
                    self.hang_up(run, task, false).await;
                    answer(done);
                    return Ok(ControlFlow::Break(Step::Again));
                }
                if self.wants_socket() {
                    if self.row.generation != generation {
                        self.new_wish(run).await?;
                    }
                    answer(done);
                    return Ok(ControlFlow::Continue(()));
                }
                let unlink = self.row.desired == Desired::LoggedOut;
                self.hang_up(run, task, unlink).await;
                let cause = if unlink {
                    Cause::LoggedOut
                } else {
                    Cause::Requested
                };
                self.settle(cause).await?;
                answer(done);
                Ok(ControlFlow::Break(Step::Again))
            }
            Mail::Restart { row, done } => {
                self.adopt(*row);
                self.hang_up(run, task, false).await;
                answer(done);
                Ok(ControlFlow::Break(Step::Again))
            }
            Mail::Delete { done } => {
                self.hang_up(run, task, true).await;
                self.session.wipe_all().await?;
                answer(done);
                Ok(ControlFlow::Break(Step::Stop))
            }
            Mail::Drain { done } => {
                self.hang_up(run, task, false).await;
                answer(done);
                Ok(ControlFlow::Break(Step::Stop))
            }
        }
    }

    /// What follows from the end of a connection. `Break` leaves the phase.
    async fn after(
        &mut self,
        cause: Cause,
        run: &mut Run,
        mailbox: &mut mpsc::Receiver<Mail>,
    ) -> Result<ControlFlow<Step>, Error> {
        let outcome = cause.outcome();
        if run
            .now
            .opened_at
            .is_some_and(|opened| opened.elapsed() >= Backoff::STABLE)
        {
            self.backoff.reset();
            self.replaced_before = false;
            run.restarts = 0;
        }
        let pause = match outcome.reconnect {
            Reconnect::AtOnce => return Ok(ControlFlow::Continue(())),
            Reconnect::OnceIfOwner if !self.replaced_before && self.context.still_ours().await => {
                self.replaced_before = true;
                REPLACED_PAUSE
            }
            Reconnect::Never | Reconnect::OnceIfOwner => {
                self.stop_client(run).await;
                self.settle(cause).await?;
                return Ok(ControlFlow::Break(Step::Again));
            }
            Reconnect::Backoff => self.backoff.next(),
        };
        if let Some(fact) = self.state.connecting(outcome.reason, self.row.generation) {
            self.publish(vec![fact]).await?;
        }
        self.pause(run, mailbox, tokio::time::sleep(pause)).await
    }

    /// Waits for `over` while no connection is open. A restart cuts it short: who asks for one
    /// doesn't want to wait. `Break` when the wish has changed.
    async fn pause(
        &mut self,
        run: &Run,
        mailbox: &mut mpsc::Receiver<Mail>,
        over: impl Future<Output = ()>,
    ) -> Result<ControlFlow<Step>, Error> {
        let mut over = pin!(over);
        loop {
            let mail = tokio::select! {
                () = &mut over => return Ok(ControlFlow::Continue(())),
                mail = mailbox.recv() => mail,
            };
            match mail {
                Some(Mail::Reconcile { row, done }) if self.would_go_on(&row) => {
                    self.adopt(*row);
                    answer(done);
                }
                Some(Mail::Restart { row, done }) if self.would_go_on(&row) => {
                    self.adopt(*row);
                    answer(done);
                    return Ok(ControlFlow::Continue(()));
                }
                other => {
                    // The client must not write behind the back of what follows.
                    self.stop_client(run).await;
                    return match other {
                        Some(mail) => Ok(ControlFlow::Break(self.take(mail).await?)),
                        None => Ok(ControlFlow::Break(Step::Stop)),
                    };
                }
            }
        }
    }
}
