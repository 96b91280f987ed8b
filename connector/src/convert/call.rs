//! Calls as events.

use pombal_domain::event::{Call, EventBody};
use pombal_domain::time::UnixMs;
use pombal_domain::{EventId, InstanceId};
use whatsapp_rust::Jid;
use whatsapp_rust::types::call::{CallAction, IncomingCall, MissedCall, MissedReason};

/// The event that a call stanza is; `None` for those between the phones' call engines.
pub(crate) fn incoming(instance: InstanceId, call: &IncomingCall) -> Option<(EventId, EventBody)> {
    let (status, is_video, group) = match &call.action {
        CallAction::Offer {
            is_video,
            group_jid,
            ..
        } => ("offer", Some(*is_video), group_jid.as_ref()),
        CallAction::OfferNotice { is_video, .. } => ("offer", Some(*is_video), None),
        CallAction::Accept { .. } => ("accept", None, None),
        CallAction::Reject { .. } => ("reject", None, None),
        CallAction::Terminate { reason, .. } if reason.as_deref() == Some("timeout") => {
            ("timeout", None, None)
        }
        CallAction::Terminate { .. } => ("terminate", None, None),
        _ => return None,
    };
    let from = caller(call).to_non_ad_string();
    Some(event(
        instance,
        Call {
            chat_id: group.map_or_else(|| from.clone(), Jid::to_non_ad_string),
            from,
            id: call.action.call_id().to_owned(),
            date: date(call.timestamp.timestamp_millis()),
            offline: call.offline,
            status,
            is_video,
            is_group: is_group(call),
        },
    ))
}

/// The event of a call that rang while nobody was connected; `None` for one whose end was told
/// already.
pub(crate) fn missed(instance: InstanceId, call: &MissedCall) -> Option<(EventId, EventBody)> {
    if !matches!(call.reason, MissedReason::Offline) {
        return None;
    }
    let from = call.from.to_non_ad_string();
    Some(event(
        instance,
        Call {
            chat_id: from.clone(),
            from,
            id: call.call_id.clone(),
            date: date(call.timestamp.timestamp_millis()),
            offline: true,
            status: "offer",
            is_video: None,
            is_group: false,
        },
    ))
}

/// Who calls: by phone number, when the stanza names it.
pub(crate) fn caller(call: &IncomingCall) -> &Jid {
    match &call.action {
        CallAction::Offer {
            caller_pn: Some(phone),
            ..
        } => phone,
        _ => &call.from,
    }
}

/// Whether the call rings in a group.
pub(crate) fn is_group(call: &IncomingCall) -> bool {
    match &call.action {
        CallAction::Offer { group_jid, .. } => group_jid.is_some(),
        CallAction::OfferNotice { is_group, .. } => *is_group,
        _ => call.group.is_some(),
    }
}

fn event(instance: InstanceId, call: Call) -> (EventId, EventBody) {
    // The id is the caller's choice, so it names a call only together with the caller.
    let id = EventId::derive(instance, &["call", &call.from, &call.id, call.status]);
    (id, EventBody::Call(call))
}

fn date(ms: i64) -> String {
    UnixMs(u64::try_from(ms).unwrap_or_default()).iso8601()
}
