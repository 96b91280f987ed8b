//! Requests to join, and what admins say to them.

use wacore_binary::Jid;
use wacore_binary::builder::NodeBuilder;

use super::access::{Denied, NOT_FOUND};
use super::membership::Outcome;
use super::{Group, JoinRequest};
use crate::world::World;

impl World {
    /// Keeps a request and tells the admins.
    pub(crate) fn ask_to_join(&mut self, mut group: Group, actor: &str, request: JoinRequest) {
        let requested = match self.group_names(group.addressing, actor) {
            Some((jid, other)) => NodeBuilder::new("requested_user").attr("jid", jid).attr(
                match group.addressing {
                    super::Addressing::Lid => "phone_number",
                    super::Addressing::Pn => "lid",
                },
                other,
            ),
            None => return,
        };
        let change = NodeBuilder::new("created_membership_requests")
            .attr("request_method", request.method.as_str())
            .children([requested.build()])
            .build();
        let admins: Vec<_> = group
            .members
            .iter()
            .filter(|(_, member)| member.role.is_admin())
            .map(|(phone, _)| phone.clone())
            .collect();
        group.requests.insert(actor.to_owned(), request);
        self.notify_accounts(&group, actor, &admins, &[change]);
        let id = group.id.clone();
        self.groups.insert(id.clone(), group);
        self.save_group(&id);
    }

    /// An admin lets people in, or not.
    pub(crate) fn answer_requests(
        &mut self,
        jid: &Jid,
        actor: &str,
        approve: bool,
        phones: Vec<String>,
    ) -> Result<Vec<Outcome>, Denied> {
        let mut group = self.group_as_admin(jid, actor)?.clone();
        let mut answered = Vec::new();
        let outcomes: Vec<_> = phones
            .into_iter()
            .map(|phone| {
                if group.requests.remove(&phone).is_none() {
                    let error = Some(NOT_FOUND.code);
                    return Outcome { phone, error };
                }
                let outcome = if approve {
                    self.enlist(&mut group, phone)
                } else {
                    Outcome { phone, error: None }
                };
                if outcome.error.is_none() {
                    answered.push(outcome.phone.clone());
                }
                outcome
            })
            .collect();
        if approve {
            self.announce_joined(group, actor, &answered, None);
        } else if !answered.is_empty() {
            self.revoke_requests(group, actor, &answered);
        }
        Ok(outcomes)
    }

    /// Someone does not want to join any more.
    pub(crate) fn cancel_request(&mut self, jid: &Jid, actor: &str) -> Result<(), Denied> {
        let mut group = self.group(jid).ok_or(NOT_FOUND)?.clone();
        if group.requests.remove(actor).is_none() {
            return Err(NOT_FOUND);
        }
        self.revoke_requests(group, actor, &[actor.to_owned()]);
        Ok(())
    }

    fn revoke_requests(&mut self, group: Group, actor: &str, phones: &[String]) {
        let participants: Vec<_> = phones
            .iter()
            .map(|phone| self.participant(group.addressing, phone).build())
            .collect();
        let change = NodeBuilder::new("revoked_membership_requests")
            .children(participants)
            .build();
        let mut told: Vec<_> = group
            .members
            .iter()
            .filter(|(_, member)| member.role.is_admin())
            .map(|(phone, _)| phone.clone())
            .collect();
        told.extend(phones.iter().cloned());
        self.notify_accounts(&group, actor, &told, &[change]);
        let id = group.id.clone();
        self.groups.insert(id.clone(), group);
        self.save_group(&id);
    }
}
