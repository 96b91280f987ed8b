//! The suite for [`Registry`]: one adapter, but two databases below it.
//!
//! Indexes may lag, so what is read through one is waited for.

mod cloud;
mod deletion;
mod due;
mod handover;
mod instances;
mod leases;
mod listing;
mod moves;
mod ownership;
mod phases;
mod projection;
mod rates;
mod replies;
mod shards;
mod takeover;
mod tokens;
mod transit;
mod turns;
mod wishes;

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pombal_domain::connection::{ConnectionState, StatusReason};
use pombal_domain::instance::{Desired, Integration, Observed, Pairing, QrCode, Settings};
use pombal_domain::time::UnixMs;
use pombal_domain::{
    ConnectorId, Epoch, Instance, InstanceId, InstanceName, PhoneNumber, Rvn, Seq, ShardId,
};

pub use projection::event;

use crate::registry::{ConnectorBeat, Error, Registry};

/// Makes registries.
#[async_trait]
pub trait Factory: Sync {
    /// An empty registry.
    async fn make(&self) -> Made;
}

/// An empty registry.
pub struct Made {
    /// The registry.
    pub registry: Registry,
    /// What has to live as long as it.
    pub keep: Box<dyn Any + Send + Sync>,
}

super::suite! {
    Factory, super::tests::Embedded;
    instances: a_new_instance_is_found_in_every_way what_does_not_exist_is_not_found
        names_and_tokens_are_unique of_many_that_want_a_name_one_gets_it
        of_many_that_want_a_token_one_gets_it names_may_be_anything_that_is_valid;
    rates: each_use_is_counted_once;
    tokens: a_new_token_opens_and_the_old_one_does_not a_token_that_is_taken_replaces_none
        of_many_that_replace_a_token_one_does a_deletion_takes_the_newest_token_along;
    listing: all_instances_are_listed_in_name_order large_rows_come_in_several_pages;
    wishes: a_wish_counts_a_generation_up a_wish_is_for_one_instance_only
        a_webhook_is_set_and_changed writers_do_not_undo_one_another;
    projection: a_projection_goes_forward_only a_projection_is_for_one_instance_only
        the_newest_of_many_projections_stays what_is_shown_outside_the_stream_keeps_its_place;
    deletion: a_tombstone_tells_since_when_it_stands a_deleted_instance_leaves_a_tombstone_only a_deletion_is_for_one_instance_only
        of_many_that_delete_one_succeeds whoever_has_changed_is_not_deleted_as_untouched
        whoever_has_not_changed_is_deleted_once;
    moves: a_moved_instance_takes_no_wish_but_its_deletion
        an_instance_that_arrives_takes_the_place_of_its_tombstone
        an_arrival_that_is_refused_changes_nothing;
    transit: an_instance_is_asked_to_move an_instance_is_handed_over
        only_the_newest_attempt_of_the_owner_hands_over nobody_comes_back_before_he_is_forgotten
        epochs_grow_from_shard_to_shard a_deletion_follows_the_instance;
    shards: a_shard_has_its_own_instances_only;
    ownership: a_shard_is_taken_epoch_by_epoch of_many_that_want_a_shard_one_gets_it
        taking_twice_in_the_same_way_is_taking_once a_shard_is_released_by_its_owner_only
        a_released_shard_is_taken_by_who_saw_it_released;
    handover: a_shard_is_asked_for_and_refused a_wish_counts_for_the_owner_that_it_was_for
        of_many_that_ask_for_a_shard_one_is_waited_for nobody_is_asked_for_a_shard_without_owner;
    takeover: a_shard_is_taken_from_who_has_not_renewed who_has_renewed_keeps_its_shards
        a_shard_is_taken_from_who_has_no_row a_row_that_has_come_back_keeps_its_shards
        a_row_that_has_gone_is_not_the_row_that_was_seen of_many_that_take_over_one_does;
    leases: the_fleet_shows_every_change_at_once a_renewal_leaves_what_operators_asked
        a_renewal_that_comes_late_changes_nothing
        who_is_not_there_is_not_asked_to_drain a_connector_is_removed_and_may_come_back;
    replies: a_reply_is_there_until_its_time_is_over;
    due: what_was_put_away_is_found_in_its_minute a_minute_that_was_left_is_not_read_again
        nothing_is_due_before_anything_was_put a_body_too_large_for_a_row_is_refused;
    phases: a_phase_tells_since_when_it_lasts;
    cloud: an_instance_of_the_cloud_api_is_on_no_shard a_number_of_the_cloud_api_is_unique
        events_are_numbered_once_and_in_order of_many_that_append_each_gets_its_own_numbers
        what_is_sent_is_pending_no_more templates_are_their_instances_own
        a_deleted_instance_of_the_cloud_api_leaves_nothing;
    turns: of_many_that_want_a_turn_one_takes_it;
}

/// Long enough for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

fn name(name: &str) -> InstanceName {
    name.parse().unwrap()
}

/// A fresh token's hash: the shape counts, not the token.
fn token_hash() -> String {
    let half = || uuid::Uuid::new_v4().simple().to_string();
    half() + &half()
}

/// An instance with something in every field.
///
/// # Panics
/// When `called` is no name.
#[must_use]
pub fn instance(called: &str, shard: u16) -> Instance {
    Instance {
        number: Some(PhoneNumber::parse("5511999990001").unwrap()),
        token_hash: token_hash(),
        token_sealed: vec![0, 1, 2, 255],
        data_key: vec![9; 61],
        desired: Desired::Connected,
        pairing: Pairing::Code {
            phone: PhoneNumber::parse("5511999990002").unwrap(),
        },
        generation: 1,
        settings: Settings {
            msg_call: "não".to_owned(),
            always_online: true,
            ..Settings::default()
        },
        ..Instance::untouched(
            InstanceId::random(),
            name(called),
            ShardId(shard),
            UnixMs(1_795_182_896_007),
        )
    }
}

fn observed(generation: u64, code: &str) -> Observed {
    Observed {
        state: ConnectionState::Connecting,
        reason: StatusReason(200),
        generation,
        qr: Some(QrCode {
            code: Some(code.to_owned()),
            base64: None,
            pairing_code: Some("ABCD1234".to_owned()),
            count: 1,
            expires_at: UnixMs(1_795_182_916_007),
        }),
        owner_jid: Some("5511999990001@s.whatsapp.net".to_owned()),
        ..Observed::never()
    }
}

/// The renewals of all tests, counted.
static BEATS: AtomicU64 = AtomicU64::new(0);

/// What a connector says that has just started. Each call says it with an `rvn` of its own.
#[must_use]
pub fn beat(id: ConnectorId) -> ConnectorBeat {
    ConnectorBeat {
        id,
        rvn: Rvn::random(),
        beat: BEATS.fetch_add(1, Ordering::Relaxed),
        accepting: true,
        instances: 0,
        open: 0,
        started_at: UnixMs(1_795_182_896_007),
        renewed_at: UnixMs(1_795_182_916_007),
    }
}

/// Calls `read` until `done` holds of what it gives, and returns that.
async fn eventually<T: std::fmt::Debug, F: Future<Output = Result<T, Error>>>(
    read: impl Fn() -> F,
    done: impl Fn(&T) -> bool,
) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        let value = read().await.unwrap();
        if done(&value) {
            return value;
        }
        assert!(Instant::now() < end, "never came true; last: {value:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) struct Embedded;

    #[async_trait]
    impl Factory for Embedded {
        async fn make(&self) -> Made {
            let dir = tempfile::tempdir().unwrap();
            let registry = crate::registry::embedded::open(dir.path().join("registry.db"));
            Made {
                registry: registry.await.unwrap(),
                keep: Box::new(dir),
            }
        }
    }
}
