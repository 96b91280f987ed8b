//! Requests whose answer does not depend on the world.

use wacore_binary::NodeRef;
use wacore_binary::builder::NodeBuilder;

use crate::iq::Answer;
use crate::nodes::attr;

/// Answers by namespace.
pub(crate) fn answer(xmlns: &str, set: bool, node: &NodeRef<'_>) -> Answer {
    match xmlns {
        "w" if !set => props(),
        "urn:xmpp:whatsapp:account" | "w:stats" if set => Answer::empty(),
        "spam" if set => spam(node),
        // There are no channels.
        "newsletter" => Answer::Error(404, "item-not-found"),
        _ => Answer::Unknown,
    }
}

/// The old form of props, which Baileys asks for.
fn props() -> Answer {
    let props = NodeBuilder::new("props")
        .attr("version", "2")
        .attr("hash", "0");
    Answer::one(props.build())
}

/// A report gets a number (`wacore/src/iq/spam_report.rs`).
fn spam(node: &NodeRef<'_>) -> Answer {
    let reported = node
        .get_optional_child("spam_list")
        .and_then(|list| list.get_optional_child("message"))
        .and_then(|message| attr(message, "id"));
    match reported {
        Some(id) => Answer::one(
            NodeBuilder::new("report_id")
                .string_content(format!("report-{id}"))
                .build(),
        ),
        None => Answer::Error(400, "bad-request"),
    }
}
