//! AB props: switches that the server sets for an account.
//!
//! Shapes: `wacore/src/iq/props.rs`; codes: `wacore/src/iq/abprops.rs`.

use std::collections::BTreeMap;

use wacore::iq::abprops::web;
use wacore_binary::NodeRef;
use wacore_binary::builder::NodeBuilder;

use crate::addr::Addr;
use crate::iq::Answer;
use crate::nodes::attr;
use crate::world::World;
use crate::world::privacy::list_hash;

/// How long a client may keep the props, in seconds.
const REFRESH_SECS: u32 = 86_400;

impl World {
    pub(crate) fn iq_props(&self, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let props = self.props_of(addr);
        let lines: Vec<_> = props
            .iter()
            .map(|(code, value)| format!("{code}={value}"))
            .collect();
        let hash = list_hash(lines.iter());
        let known = node
            .get_optional_child("props")
            .and_then(|props| attr(props, "hash"));
        let unchanged = known.as_ref() == Some(&hash);
        let sent = props.iter().filter(|_| !unchanged).map(|(code, value)| {
            NodeBuilder::new("prop")
                .attr("config_code", code.to_string())
                .attr("config_value", value.as_str())
                .build()
        });
        Answer::one(
            NodeBuilder::new("props")
                .attr("protocol", "1")
                .attr("ab_key", format!("loopback,{hash}"))
                .attr("hash", hash.as_str())
                .attr("refresh", REFRESH_SECS.to_string())
                .attr("delta_update", if unchanged { "true" } else { "false" })
                .children(sent.collect::<Vec<_>>())
                .build(),
        )
    }

    fn props_of(&self, addr: &Addr) -> BTreeMap<u32, String> {
        // Real accounts have had these on for long: tokens travel with first messages.
        let mut props = BTreeMap::from([
            (
                web::PRIVACY_TOKEN_SENDING_ON_ALL_1_ON_1_MESSAGES.code,
                "true".to_owned(),
            ),
            (
                web::PROFILE_SCRAPING_PRIVACY_TOKEN_IN_ABOUT_USYNC.code,
                "true".to_owned(),
            ),
            (web::LID_TRUSTED_TOKEN_ISSUE_TO_LID.code, "true".to_owned()),
        ]);
        if self.lid_migrated(&addr.phone) {
            props.insert(
                web::LID_ONE_ON_ONE_MIGRATION_ENABLED.code,
                "true".to_owned(),
            );
        }
        props.extend(
            self.config
                .props
                .iter()
                .map(|(code, value)| (*code, value.clone())),
        );
        props
    }
}
