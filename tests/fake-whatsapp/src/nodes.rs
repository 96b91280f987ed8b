//! Helpers for stanzas.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef, SERVER_JID};

use crate::time::now_secs;

/// An attribute as text.
pub(crate) fn attr(node: &NodeRef<'_>, name: &str) -> Option<String> {
    node.get_attr(name).map(|value| value.as_str().into_owned())
}

/// An attribute as a JID.
pub(crate) fn jid_attr(node: &NodeRef<'_>, name: &str) -> Option<Jid> {
    node.get_attr(name)
        .and_then(wacore_binary::node::ValueRef::to_jid)
}

/// The content of a child, as bytes. Text counts as bytes.
pub(crate) fn child_bytes<'n>(node: &'n NodeRef<'_>, tag: &str) -> Option<&'n [u8]> {
    let child = node.get_optional_child(tag)?;
    child
        .content_bytes()
        .or_else(|| child.content_str().map(str::as_bytes))
}

/// Children of a node; none if it has other content.
pub(crate) fn children<'n, 'a>(node: &'n NodeRef<'a>) -> &'n [NodeRef<'a>] {
    node.children().unwrap_or_default()
}

/// An answer to a client's request.
pub(crate) fn iq_result(id: &str, content: impl IntoIterator<Item = Node>) -> Node {
    let builder = NodeBuilder::new("iq")
        .attr("from", SERVER_JID)
        .attr("type", "result")
        .attr("id", id);
    let mut content = content.into_iter().peekable();
    if content.peek().is_none() {
        builder.build()
    } else {
        builder.children(content).build()
    }
}

/// The answer to a keep-alive. Clients read the server's clock from it
/// (`wacore/src/unified_session.rs`).
pub(crate) fn pong(id: &str) -> Node {
    NodeBuilder::new("iq")
        .attr("from", SERVER_JID)
        .attr("type", "result")
        .attr("id", id)
        .attr("t", now_secs().to_string())
        .build()
}

/// A refusal of a client's request.
pub(crate) fn iq_error(id: &str, code: u16, text: &str) -> Node {
    NodeBuilder::new("iq")
        .attr("from", SERVER_JID)
        .attr("type", "error")
        .attr("id", id)
        .children([NodeBuilder::new("error")
            .attr("code", code.to_string())
            .attr("text", text)
            .build()])
        .build()
}

/// A request of the server.
pub(crate) fn iq_set(id: &str, xmlns: &str, content: Node) -> Node {
    NodeBuilder::new("iq")
        .attr("from", SERVER_JID)
        .attr("type", "set")
        .attr("id", id)
        .attr("xmlns", xmlns)
        .children([content])
        .build()
}

/// A notification of the server, without its content.
pub(crate) fn notification(from: &Jid, kind: &'static str, id: &str) -> NodeBuilder {
    NodeBuilder::new("notification")
        .attr("from", from)
        .attr("type", kind)
        .attr("id", id)
        .attr("t", now_secs().to_string())
}

/// A notification that is not about an account.
pub(crate) fn server_notification(kind: &'static str, id: &str) -> NodeBuilder {
    NodeBuilder::new("notification")
        .attr("from", SERVER_JID)
        .attr("type", kind)
        .attr("id", id)
        .attr("t", now_secs().to_string())
}

/// The server, as the sender of a stanza.
pub(crate) fn server_jid() -> Jid {
    Jid::new("", wacore_binary::Server::Pn)
}

/// A stream error with a code.
pub(crate) fn stream_error(code: u16) -> Node {
    NodeBuilder::new("stream:error")
        .attr("code", code.to_string())
        .build()
}

/// A stream error that says who took the place.
pub(crate) fn stream_conflict(kind: &str, code: Option<u16>) -> Node {
    let conflict = NodeBuilder::new("conflict").attr("type", kind).build();
    let mut builder = NodeBuilder::new("stream:error");
    if let Some(code) = code {
        builder = builder.attr("code", code.to_string());
    }
    builder.children([conflict]).build()
}

/// A new id for a stanza of the server.
pub(crate) fn server_id() -> String {
    format!("{}-{}", rand::random::<u32>(), rand::random::<u16>())
}

/// A new token for the description of a group.
pub(crate) fn description_id() -> String {
    format!("{:08X}", rand::random::<u32>())
}

/// A new message id, in the form that phones use.
pub(crate) fn message_id() -> String {
    format!(
        "3A{:016X}{:08X}",
        rand::random::<u64>(),
        rand::random::<u32>()
    )
}

/// A new id of a call, in the form that phones use.
pub(crate) fn call_id() -> String {
    format!(
        "{:016X}{:016X}",
        rand::random::<u64>(),
        rand::random::<u64>()
    )
}
