//! Requests whose answer does not depend on the world.

use wacore_binary::builder::NodeBuilder;

use crate::iq::Answer;

/// What a new account has (`wacore/src/iq/privacy.rs`).
const PRIVACY: &[(&str, &str)] = &[
    ("readreceipts", "all"),
    ("profile", "all"),
    ("status", "contacts"),
    ("online", "all"),
    ("last", "all"),
    ("groupadd", "all"),
    ("calladd", "all"),
];

/// Answers by namespace.
pub(crate) fn answer(xmlns: &str, set: bool) -> Answer {
    match xmlns {
        "abt" | "w" => props(xmlns),
        "blocklist" => Answer::one(NodeBuilder::new("list").attr("dhash", "0").build()),
        "privacy" if set => Answer::empty(),
        "privacy" => privacy(),
        "urn:xmpp:whatsapp:dirty"
        | "disappearing_mode"
        | "urn:xmpp:whatsapp:account"
        | "w:stats"
            if set =>
        {
            Answer::empty()
        }
        _ => Answer::Unknown,
    }
}

fn props(xmlns: &str) -> Answer {
    let node = NodeBuilder::new("props");
    Answer::one(match xmlns {
        "abt" => node
            .attr("protocol", "1")
            .attr("hash", "0")
            .attr("refresh", "86400")
            .build(),
        _ => node.attr("version", "2").attr("hash", "0").build(),
    })
}

fn privacy() -> Answer {
    let categories = PRIVACY.iter().map(|(name, value)| {
        NodeBuilder::new("category")
            .attr("name", *name)
            .attr("value", *value)
            .build()
    });
    Answer::one(NodeBuilder::new("privacy").children(categories).build())
}
