//! How connections end, or go wrong, on an order.

use serde::{Deserialize, Serialize};
use serde_json::json;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::{stream_conflict, stream_error};
use crate::world::World;
use crate::world::conns::{ConnId, Garbage, Outgoing, Role};

/// What the server does to a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum Ending {
    /// `<failure>`, the answer to a login (`wacore/src/stanza/connect_failure.rs`).
    Failure {
        /// The `reason`: 400 to 599.
        reason: u16,
        /// With 402, why the account is banned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
        /// With 402, seconds until the ban ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expire: Option<u64>,
    },
    /// `<stream:error code>`, then a close frame.
    StreamError {
        /// The code.
        code: u16,
    },
    /// `<stream:error>` with `<conflict>`, then a close frame.
    Conflict {
        /// `replaced` or `device_removed`.
        kind: String,
        /// The code of the stream error, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
    },
    /// `<stream:error>` with `<xml-not-well-formed>`, then a close frame.
    XmlNotWellFormed,
    /// `<xmlstreamend>`, then a close frame.
    StreamEnd,
    /// A websocket close frame.
    Close,
    /// TCP ends without a close frame.
    Eof,
    /// TCP is reset.
    Reset,
    /// The server says nothing any more. TCP stays open.
    Silence,
    /// The login is never answered, though keep-alives are.
    Limbo,
    /// The server hello is noise.
    GarbledHello,
    /// The server's certificate is for another key.
    BadCertificate,
    /// A frame that does not decrypt. Its counter is used up at the client, so nothing after it
    /// decrypts either.
    GarbageFrame,
    /// A frame that decrypts to something that is no stanza. The stream stays usable.
    GarbageStanza,
    /// The head of the largest frame there is, whose rest never comes: it swallows what follows.
    OversizedFrame,
}

/// When trouble comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// TCP is accepted; the websocket upgrade is not answered.
    Accepted,
    /// The upgrade is answered; the client hello is not.
    Upgraded,
    /// The client hello is answered; the handshake is not finished.
    Hello,
    /// The handshake is finished; the login is not answered.
    Login,
    /// Right after `<success>`.
    Open,
}

/// A rule for connections to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Only this account, or everyone. The server knows who it is from [`Stage::Login`] on.
    #[serde(default)]
    pub phone: Option<String>,
    /// When.
    pub stage: Stage,
    /// What.
    #[serde(flatten)]
    pub ending: Ending,
    /// How many connections it still meets; without end when absent.
    #[serde(default)]
    pub times: Option<u64>,
}

impl Trouble {
    /// Refuses what can't happen at this stage.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let stage = self.stage;
        let possible = match &self.ending {
            Ending::Silence | Ending::Eof | Ending::Reset => true,
            Ending::Close => stage != Stage::Accepted,
            Ending::GarbledHello | Ending::BadCertificate => stage == Stage::Hello,
            Ending::Failure { .. } | Ending::Limbo => stage == Stage::Login,
            Ending::StreamError { .. }
            | Ending::Conflict { .. }
            | Ending::XmlNotWellFormed
            | Ending::StreamEnd => matches!(stage, Stage::Login | Stage::Open),
            Ending::GarbageFrame | Ending::GarbageStanza | Ending::OversizedFrame => {
                stage == Stage::Open
            }
        };
        if !possible {
            return Err(Error::BadRequest(format!(
                "{:?} can't happen at {stage:?}",
                self.ending
            )));
        }
        if self.phone.is_some() && !matches!(stage, Stage::Login | Stage::Open) {
            return Err(Error::BadRequest(format!(
                "at {stage:?} the server does not know the account"
            )));
        }
        Ok(())
    }
}

impl World {
    /// What happens to a connection at a stage, if anything was ordered.
    pub(crate) fn trouble_at(&mut self, stage: Stage, who: Option<&Addr>) -> Option<Ending> {
        let meets = |rule: &Trouble| {
            rule.stage == stage
                && rule
                    .phone
                    .as_ref()
                    .is_none_or(|phone| who.is_some_and(|who| *phone == who.phone))
        };
        let index = self.troubles.iter().position(meets)?;
        let rule = self.troubles.get_mut(index)?;
        let ending = rule.ending.clone();
        if let Some(times) = &mut rule.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.troubles.remove(index);
            }
            self.save_troubles();
        }
        self.note_ending(who, Some(stage), &ending);
        Some(ending)
    }

    /// Ends the live connections of an account, or of everyone, those that wait to be linked
    /// included. Returns how many.
    pub(crate) fn end(&mut self, phone: Option<&str>, ending: &Ending) -> Result<usize, Error> {
        if matches!(
            ending,
            Ending::Failure { .. } | Ending::Limbo | Ending::GarbledHello | Ending::BadCertificate
        ) {
            return Err(Error::BadRequest(format!(
                "{ending:?} can't happen to a live connection"
            )));
        }
        let conns: Vec<ConnId> = match phone {
            Some(phone) => {
                let addrs = self.account(phone)?.addrs();
                addrs.iter().filter_map(|addr| self.conn_of(addr)).collect()
            }
            None => self
                .conns
                .iter()
                .filter(|(_, conn)| !matches!(conn.role, Role::Leaving))
                .map(|(id, _)| *id)
                .collect(),
        };
        for conn in &conns {
            let who = self.addr_of(*conn);
            self.note_ending(who.as_ref(), None, ending);
            self.end_conn(*conn, ending);
        }
        Ok(conns.len())
    }

    /// Does it to one connection after the handshake.
    pub(crate) fn end_conn(&mut self, conn: ConnId, ending: &Ending) {
        match ending {
            Ending::Failure {
                reason,
                code,
                expire,
            } => self.dismiss(conn, &failure(*reason, *code, *expire)),
            Ending::StreamError { code } => self.dismiss(conn, &stream_error(*code)),
            Ending::Conflict { kind, code } => self.dismiss(conn, &stream_conflict(kind, *code)),
            Ending::XmlNotWellFormed => self.dismiss(conn, &not_well_formed()),
            Ending::StreamEnd => self.dismiss(conn, &NodeBuilder::new("xmlstreamend").build()),
            Ending::Close => self.let_go(conn, Outgoing::Close),
            Ending::Eof => self.let_go(conn, Outgoing::Drop),
            Ending::Reset => self.let_go(conn, Outgoing::Reset),
            Ending::Silence => self.tell(conn, Outgoing::Silence(true)),
            Ending::GarbageFrame => self.tell(conn, Outgoing::Garbage(Garbage::Frame)),
            Ending::GarbageStanza => self.tell(conn, Outgoing::Garbage(Garbage::Stanza)),
            Ending::OversizedFrame => self.tell(conn, Outgoing::Garbage(Garbage::Oversized)),
            // The first is to do nothing; the others come before there is a login.
            Ending::Limbo | Ending::GarbledHello | Ending::BadCertificate => {}
        }
    }

    fn let_go(&mut self, conn: ConnId, how: Outgoing) {
        self.tell(conn, how);
        self.forget_role(conn);
    }

    fn note_ending(&mut self, who: Option<&Addr>, stage: Option<Stage>, ending: &Ending) {
        let details = json!({"stage": stage, "ending": ending});
        self.seen.add("ending", who, details);
    }
}

fn failure(reason: u16, code: Option<u16>, expire: Option<u64>) -> Node {
    let mut failure = NodeBuilder::new("failure")
        .attr("reason", reason.to_string())
        .attr("location", "loopback");
    if let Some(code) = code {
        failure = failure.attr("code", code.to_string());
    }
    if let Some(expire) = expire {
        failure = failure.attr("expire", expire.to_string());
    }
    failure.build()
}

fn not_well_formed() -> Node {
    NodeBuilder::new("stream:error")
        .children([NodeBuilder::new("xml-not-well-formed").build()])
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(stage: Stage, ending: Ending) -> Trouble {
        Trouble {
            phone: None,
            stage,
            ending,
            times: None,
        }
    }

    #[test]
    fn what_can_not_happen_is_refused() {
        assert!(trouble(Stage::Accepted, Ending::Reset).check().is_ok());
        assert!(trouble(Stage::Accepted, Ending::Close).check().is_err());
        assert!(trouble(Stage::Login, Ending::GarbledHello).check().is_err());
        assert!(trouble(Stage::Open, Ending::Limbo).check().is_err());
        let mut early = trouble(Stage::Upgraded, Ending::Silence);
        early.phone = Some("5511999990001".to_owned());
        assert!(early.check().is_err(), "nobody is known before the login");
    }

    #[test]
    fn rules_are_flat_json() {
        let text = r#"{"stage":"login","how":"failure","reason":402,"code":101,"expire":60}"#;
        let rule: Trouble = serde_json::from_str(text).expect("rule");
        let ending = Ending::Failure {
            reason: 402,
            code: Some(101),
            expire: Some(60),
        };
        assert_eq!(rule, trouble(Stage::Login, ending));
    }
}
