//! Telling members of a change (`wacore/src/stanza/groups.rs`).

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Addressing, Group};
use crate::nodes::server_id;
use crate::time::now_secs;
use crate::world::World;

impl World {
    /// Queues `<notification type="w:gp2">` for all companions of these accounts. `actor` is
    /// the phone number of who did it.
    pub(crate) fn notify_accounts(
        &mut self,
        group: &Group,
        actor: &str,
        phones: &[String],
        changes: &[Node],
    ) {
        let Some((participant, other)) = self.group_names(group.addressing, actor) else {
            return;
        };
        let from = group.jid();
        let id = server_id();
        let name = self
            .accounts
            .get(actor)
            .map_or("", |account| account.row.name.as_str());
        let mut notification = NodeBuilder::new("notification")
            .attr("from", &from)
            .attr("type", "w:gp2")
            .attr("id", id.as_str())
            .attr("t", now_secs().to_string())
            .attr("participant", participant)
            .attr("notify", name)
            .attr("addressing_mode", group.addressing.wire());
        if group.addressing == Addressing::Lid {
            notification = notification.attr("participant_pn", other);
        }
        let notification = notification.children(changes.to_vec()).build();
        let receivers: Vec<_> = phones
            .iter()
            .filter_map(|phone| self.accounts.get(phone))
            .flat_map(|account| account.addrs())
            .filter(|addr| addr.device != 0)
            .collect();
        for receiver in receivers {
            self.deliver_to(&receiver, "notification", &id, &from, &notification);
        }
    }

    /// The same for all members.
    pub(crate) fn notify_members(&mut self, group: &Group, actor: &str, changes: &[Node]) {
        let phones: Vec<_> = group.members.keys().cloned().collect();
        self.notify_accounts(group, actor, &phones, changes);
    }

    /// Saves a changed group and tells its members.
    pub(crate) fn group_changed(&mut self, group: Group, actor: &str, change: Node) {
        self.notify_members(&group, actor, &[change]);
        let id = group.id.clone();
        self.groups.insert(id.clone(), group);
        self.save_group(&id);
    }
}
