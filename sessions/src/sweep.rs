//! Deleting expired rows without reading them every time.
//!
//! The client sweeps on each keepalive of each instance. A scan of a flushed kind costs
//! requests, so a session remembers a lower bound of what the kind holds and answers
//! "nothing expired" from memory until the cutoff passes it.

use crate::error::Error;
use crate::kind::Kind;
use crate::session::{Row, Session, State};

/// Lower bounds of the timestamps in the swept kinds, in Unix seconds. `None`: unknown.
#[derive(Default)]
pub(crate) struct Oldest {
    sent_message: Option<i64>,
    pending_inbound: Option<i64>,
    msg_secret: Option<i64>,
}

impl Oldest {
    fn of(&mut self, kind: Kind) -> Option<&mut Option<i64>> {
        match kind {
            Kind::SentMessage => Some(&mut self.sent_message),
            Kind::PendingInbound => Some(&mut self.pending_inbound),
            Kind::MsgSecret => Some(&mut self.msg_secret),
            _ => None,
        }
    }

    fn get(&mut self, kind: Kind) -> Option<i64> {
        self.of(kind).and_then(|bound| *bound)
    }
}

impl State {
    /// A row with this timestamp is about to be written.
    pub(crate) fn lower_bound(&mut self, kind: Kind, secs: i64) {
        if let Some(Some(bound)) = self.oldest.of(kind) {
            *bound = secs.min(*bound);
        }
    }
}

impl Session {
    /// Deletes the rows of the kind whose timestamp is before `cutoff_secs`, in one
    /// commit. `stamp` reads a row's timestamp; `None` means it never expires.
    pub(crate) async fn sweep(
        &self,
        kind: Kind,
        cutoff_secs: i64,
        stamp: impl Fn(&Self, &Row) -> Result<Option<i64>, Error>,
    ) -> Result<u32, Error> {
        let mut write = self.write().await?;
        if write
            .learn()
            .oldest
            .get(kind)
            .is_some_and(|oldest| oldest >= cutoff_secs)
        {
            return Ok(0);
        }
        let mut deleted = 0;
        let mut oldest = i64::MAX;
        for row in self.scan(kind).await? {
            match stamp(self, &row)? {
                Some(secs) if secs < cutoff_secs => {
                    write.delete(&row.key);
                    deleted += 1;
                }
                Some(secs) => oldest = oldest.min(secs),
                None => {}
            }
        }
        let state = if deleted == 0 {
            write.learn()
        } else {
            write.note()
        };
        if let Some(bound) = state.oldest.of(kind) {
            *bound = Some(oldest);
        }
        write.commit().await?;
        Ok(deleted)
    }
}
