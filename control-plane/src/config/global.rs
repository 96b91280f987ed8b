//! The operator's webhook, in Evolution's variables. Its events are switched on one by one, as
//! there, or listed in one variable of ours, for environments that are small.

use pombal_domain::EventName;
use pombal_store::env::{self, BadVariable};

use crate::delivery::GlobalWebhook;

const ENABLED: &str = "WEBHOOK_GLOBAL_ENABLED";
const URL: &str = "WEBHOOK_GLOBAL_URL";
const BY_EVENTS: &str = "WEBHOOK_GLOBAL_WEBHOOK_BY_EVENTS";
const EVENTS: &str = "WEBHOOK_GLOBAL_EVENTS";
/// In the list: every event that can be global.
const ALL: &str = "*";

/// The switches of events (contract § 6). One event has two spellings in the original.
const SWITCHES: [(&str, EventName); 29] = [
    (
        "WEBHOOK_EVENTS_APPLICATION_STARTUP",
        EventName::ApplicationStartup,
    ),
    ("WEBHOOK_EVENTS_QRCODE_UPDATED", EventName::QrcodeUpdated),
    ("WEBHOOK_EVENTS_MESSAGES_SET", EventName::MessagesSet),
    ("WEBHOOK_EVENTS_MESSAGES_UPSERT", EventName::MessagesUpsert),
    ("WEBHOOK_EVENTS_MESSAGES_EDITED", EventName::MessagesEdited),
    ("WEBHOOK_EVENTS_MESSAGES_UPDATE", EventName::MessagesUpdate),
    ("WEBHOOK_EVENTS_MESSAGES_DELETE", EventName::MessagesDelete),
    ("WEBHOOK_EVENTS_SEND_MESSAGE", EventName::SendMessage),
    (
        "WEBHOOK_EVENTS_SEND_MESSAGE_UPDATE",
        EventName::SendMessageUpdate,
    ),
    ("WEBHOOK_EVENTS_CONTACTS_SET", EventName::ContactsSet),
    ("WEBHOOK_EVENTS_CONTACTS_UPSERT", EventName::ContactsUpsert),
    ("WEBHOOK_EVENTS_CONTACTS_UPDATE", EventName::ContactsUpdate),
    ("WEBHOOK_EVENTS_PRESENCE_UPDATE", EventName::PresenceUpdate),
    ("WEBHOOK_EVENTS_CHATS_SET", EventName::ChatsSet),
    ("WEBHOOK_EVENTS_CHATS_UPSERT", EventName::ChatsUpsert),
    ("WEBHOOK_EVENTS_CHATS_UPDATE", EventName::ChatsUpdate),
    ("WEBHOOK_EVENTS_CHATS_DELETE", EventName::ChatsDelete),
    ("WEBHOOK_EVENTS_GROUPS_UPSERT", EventName::GroupsUpsert),
    ("WEBHOOK_EVENTS_GROUPS_UPDATE", EventName::GroupUpdate),
    ("WEBHOOK_EVENTS_GROUP_UPDATE", EventName::GroupUpdate),
    (
        "WEBHOOK_EVENTS_GROUP_PARTICIPANTS_UPDATE",
        EventName::GroupParticipantsUpdate,
    ),
    (
        "WEBHOOK_EVENTS_CONNECTION_UPDATE",
        EventName::ConnectionUpdate,
    ),
    ("WEBHOOK_EVENTS_LABELS_EDIT", EventName::LabelsEdit),
    (
        "WEBHOOK_EVENTS_LABELS_ASSOCIATION",
        EventName::LabelsAssociation,
    ),
    ("WEBHOOK_EVENTS_CALL", EventName::Call),
    ("WEBHOOK_EVENTS_TYPEBOT_START", EventName::TypebotStart),
    (
        "WEBHOOK_EVENTS_TYPEBOT_CHANGE_STATUS",
        EventName::TypebotChangeStatus,
    ),
    ("WEBHOOK_EVENTS_INSTANCE_CREATE", EventName::InstanceCreate),
    ("WEBHOOK_EVENTS_INSTANCE_DELETE", EventName::InstanceDelete),
];

/// A switch that the environment has.
#[derive(Debug, Clone, Copy)]
struct Switch {
    variable: &'static str,
    event: EventName,
    on: bool,
}

/// What the environment says.
#[derive(Debug, Default)]
struct Said {
    enabled: bool,
    url: Option<String>,
    by_events: bool,
    list: Option<String>,
    switches: Vec<Switch>,
}

/// The operator's webhook, if it is on.
///
/// # Errors
/// [`BadVariable`], also when the variables contradict each other.
pub(super) fn from_env() -> Result<Option<GlobalWebhook>, BadVariable> {
    let mut said = Said {
        enabled: env::flag(ENABLED, false)?,
        by_events: env::flag(BY_EVENTS, false)?,
        list: env::text(EVENTS)?,
        ..Said::default()
    };
    if said.enabled {
        // Who has switched it off may have left any text here, as in the original.
        said.url = env::address(URL)?;
    }
    for (variable, event) in SWITCHES {
        let on = env::flag(variable, false)?;
        if env::text(variable)?.is_some() {
            said.switches.push(Switch {
                variable,
                event,
                on,
            });
        }
    }
    said.webhook()
}

impl Said {
    fn webhook(self) -> Result<Option<GlobalWebhook>, BadVariable> {
        let events = match &self.list {
            Some(list) => listed(list)?,
            None => self.switched_on(),
        };
        // Of one event, both spellings; and what is switched, also in the list.
        for switch in &self.switches {
            if switch.on != events.contains(&switch.event) {
                let other = if self.list.is_some() {
                    EVENTS
                } else {
                    "the other spelling of the event"
                };
                let problem = format!("contradicts {other}");
                return Err(BadVariable::new(switch.variable, problem));
            }
        }
        if !self.enabled {
            return Ok(None);
        }
        let problem = if self.url.is_none() {
            BadVariable::new(URL, format!("is not set, and {ENABLED} is true"))
        } else if events.is_empty() {
            let problem = format!(
                "is true, and no event is switched on: {EVENTS} lists them, or \
                 WEBHOOK_EVENTS_MESSAGES_UPSERT=true and the like"
            );
            BadVariable::new(ENABLED, problem)
        } else {
            return Ok(self.url.map(|url| GlobalWebhook {
                url,
                by_events: self.by_events,
                events,
            }));
        };
        Err(problem)
    }

    fn switched_on(&self) -> Vec<EventName> {
        let on = self.switches.iter().filter(|switch| switch.on);
        on.map(|switch| switch.event).collect()
    }
}

fn listed(list: &str) -> Result<Vec<EventName>, BadVariable> {
    if list == ALL {
        let all = EventName::ALL.iter().copied();
        return Ok(all
            .filter(|event| !EventName::NEVER_GLOBAL.contains(event))
            .collect());
    }
    let names = list.split(',').map(str::trim);
    let events: Vec<_> = names
        .filter(|name| !name.is_empty())
        .map(event)
        .collect::<Result<_, _>>()?;
    if events.is_empty() {
        return Err(BadVariable::new(EVENTS, "names no event"));
    }
    Ok(events)
}

fn event(name: &str) -> Result<EventName, BadVariable> {
    let event: EventName = name
        .parse()
        .map_err(|_| BadVariable::new(EVENTS, format!("{name:?} is no event")))?;
    if EventName::NEVER_GLOBAL.contains(&event) {
        let problem = format!("{name} is told to the instance's own webhook only");
        return Err(BadVariable::new(EVENTS, problem));
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn on() -> Said {
        Said {
            enabled: true,
            url: Some("http://x/y".into()),
            ..Said::default()
        }
    }

    /// With these switches; what begins with `!` is off.
    fn switched(said: Said, names: &[&str]) -> Said {
        let switches = names.iter().map(|name| {
            let (name, on) = match name.strip_prefix('!') {
                Some(name) => (name, false),
                None => (*name, true),
            };
            let variable = format!("WEBHOOK_EVENTS_{name}");
            let found = SWITCHES.into_iter().find(|(known, _)| *known == variable);
            let (variable, event) = found.unwrap();
            Switch {
                variable,
                event,
                on,
            }
        });
        Said {
            switches: switches.collect(),
            ..said
        }
    }

    fn list(said: Said, list: &str) -> Said {
        Said {
            list: Some(list.to_owned()),
            ..said
        }
    }

    #[test]
    fn every_event_has_a_switch_of_its_name_but_those_that_are_never_global() {
        let named: BTreeSet<_> = SWITCHES
            .iter()
            .map(|(variable, event)| {
                let name = variable.strip_prefix("WEBHOOK_EVENTS_").unwrap();
                assert_eq!(name.parse(), Ok(*event), "{variable}");
                *event
            })
            .collect();
        let all = EventName::ALL.iter().copied();
        let able: BTreeSet<_> = all
            .filter(|event| !EventName::NEVER_GLOBAL.contains(event))
            .collect();
        assert_eq!(named, able);
        assert_eq!(listed("*").unwrap().len(), able.len());
    }

    #[test]
    fn switches_and_lists_say_what_is_wanted() {
        let webhook = |said: Said| said.webhook().unwrap();
        let off = Said {
            enabled: false,
            ..switched(on(), &["CALL"])
        };
        assert_eq!(webhook(off), None);
        assert_eq!(webhook(Said::default()), None);
        let wanted = webhook(switched(on(), &["CALL", "!CHATS_SET", "GROUP_UPDATE"])).unwrap();
        assert_eq!(wanted.events, [EventName::Call, EventName::GroupUpdate]);
        assert_eq!((&*wanted.url, wanted.by_events), ("http://x/y", false));
        let both = ["GROUP_UPDATE", "GROUPS_UPDATE"];
        assert!(webhook(switched(on(), &both)).is_some());
        let by_list = list(switched(on(), &["CALL"]), "CALL, GROUPS_UPDATE,");
        let wanted = webhook(by_list).unwrap();
        assert_eq!(wanted.events, [EventName::Call, EventName::GroupUpdate]);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let no_url = Said { url: None, ..on() };
        for (said, variable) in [
            (switched(no_url, &["CALL"]), URL),
            (on(), ENABLED),
            (switched(on(), &["!CALL"]), ENABLED),
            (
                switched(on(), &["GROUP_UPDATE", "!GROUPS_UPDATE"]),
                "WEBHOOK_EVENTS_GROUPS_UPDATE",
            ),
            (
                list(switched(on(), &["CHATS_SET"]), "CALL"),
                "WEBHOOK_EVENTS_CHATS_SET",
            ),
            (
                list(switched(Said::default(), &["!CALL"]), "*"),
                "WEBHOOK_EVENTS_CALL",
            ),
            (list(on(), ","), EVENTS),
            (list(on(), "CALL,NOPE"), EVENTS),
            (list(on(), "CALL,*"), EVENTS),
            (list(on(), "LOGOUT_INSTANCE"), EVENTS),
        ] {
            let shown = format!("{said:?}");
            let refused = said.webhook().unwrap_err();
            assert_eq!(refused.variable(), variable, "{shown}");
        }
    }
}
