//! Instances that change shards.

use pombal_domain::{MoveId, OldOwner, Remains};

use super::projection::event;
use super::*;
use crate::registry::Handover;

/// Where it lives, and where it goes.
const FROM: ShardId = ShardId(1);
const TO: ShardId = ShardId(2);

/// A registry with one instance on a shard that has an owner.
struct House {
    registry: Registry,
    made: Instance,
    owner: ConnectorId,
    _keep: Box<dyn Any + Send + Sync>,
}

impl House {
    async fn build(factory: &impl Factory) -> Self {
        let Made { registry, keep } = factory.make().await;
        let made = instance("one", FROM.0);
        registry.create_instance(&made).await.unwrap();
        let house = Self {
            registry,
            made,
            owner: ConnectorId::random(),
            _keep: keep,
        };
        assert_eq!(house.take(FROM, house.owner).await, Epoch(1));
        house
    }

    async fn take(&self, shard: ShardId, owner: ConnectorId) -> Epoch {
        let seen = self.registry.shard(shard).await.unwrap();
        if let Some(before) = seen.owner {
            let released = self.registry.release_shard(shard, before, seen.epoch);
            released.await.unwrap();
        }
        let seen = self.registry.shard(shard).await.unwrap();
        let taken = self.registry.take_shard(&seen, owner, OldOwner::None);
        Box::pin(taken).await.unwrap()
    }

    async fn row(&self) -> Instance {
        let row = self.registry.instance(&self.made.name).await;
        row.unwrap().unwrap()
    }

    async fn ask(&self, to: ShardId) -> Result<Instance, Error> {
        let (name, id) = (&self.made.name, self.made.id);
        Box::pin(self.registry.ask_to_move(name, id, to)).await
    }

    /// Notes an attempt, and says whether it may begin.
    async fn begin(&self, attempt: MoveId) -> Result<Instance, Error> {
        let row = self.row().await;
        let to = row.transit.to.unwrap_or(TO);
        Box::pin(self.registry.begin_departure(&row, to, attempt)).await?;
        Ok(row)
    }

    async fn hand_over(&self, row: &Instance, attempt: MoveId, epoch: u64) -> Result<(), Error> {
        let handover = Handover {
            instance: row,
            attempt,
            to: row.transit.to.unwrap_or(TO),
            owner: self.owner,
            epoch: Epoch(epoch),
        };
        // A test has many of these, and all of them on its stack.
        Box::pin(self.registry.hand_over(handover)).await
    }

    /// All of it.
    async fn moves(&self, to: ShardId, epoch: u64) -> MoveId {
        let attempt = MoveId::random();
        self.ask(to).await.unwrap();
        let row = self.begin(attempt).await.unwrap();
        self.hand_over(&row, attempt, epoch).await.unwrap();
        attempt
    }
}

fn assert_conflict<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Conflict)), "{result:?}");
}

pub(super) async fn an_instance_is_asked_to_move(factory: &impl Factory) {
    let house = House::build(factory).await;
    let (registry, made) = (&house.registry, &house.made);
    assert_conflict(house.ask(FROM).await);
    for to in [TO, TO, ShardId(3)] {
        let row = house.ask(to).await.unwrap();
        assert_eq!((row.shard, row.transit.to), (FROM, Some(to)));
        assert_eq!(row, house.row().await);
    }
    let nobody = instance("nobody", 0);
    let missing = registry.ask_to_move(&nobody.name, nobody.id, TO).await;
    assert!(matches!(missing, Err(Error::NotFound)), "{missing:?}");
    let other = registry.ask_to_move(&made.name, nobody.id, TO).await;
    assert!(matches!(other, Err(Error::NotFound)), "{other:?}");
    registry.mark_moved(&house.row().await).await.unwrap();
    let gone = house.ask(TO).await;
    assert!(matches!(gone, Err(Error::Moved)), "{gone:?}");
}

pub(super) async fn an_instance_is_handed_over(factory: &impl Factory) {
    let house = House::build(factory).await;
    let (registry, made) = (&house.registry, &house.made);
    let attempt = house.moves(TO, 1).await;
    let row = house.row().await;
    assert_eq!(row.shard, TO);
    assert_eq!(
        (row.transit.to, row.transit.departing, row.transit.arriving),
        (None, None, Some(attempt))
    );
    let remains = Remains {
        id: made.id,
        name: made.name.clone(),
        shard: FROM,
        left_by: attempt,
    };
    assert_eq!(
        registry.remains(made.id, FROM).await.unwrap(),
        Some(remains.clone())
    );
    assert_eq!(registry.remains(made.id, TO).await.unwrap(), None);
    eventually(
        || registry.shard_content(FROM),
        |content| content.instances.is_empty() && content.remains == [remains.clone()],
    )
    .await;
    eventually(
        || registry.shard_content(TO),
        |content| content.instances == [row.clone()] && content.remains.is_empty(),
    )
    .await;
    // It has nothing to do with a deletion.
    assert_eq!(registry.tombstone(made.id).await.unwrap(), None);

    assert!(!registry.arrived(&row, MoveId::random()).await.unwrap());
    assert!(registry.arrived(&row, attempt).await.unwrap());
    assert!(!registry.arrived(&row, attempt).await.unwrap());
    assert_eq!(house.row().await.transit.arriving, None);

    let later = Remains {
        left_by: MoveId::random(),
        ..remains.clone()
    };
    registry.remove_remains(&later).await.unwrap();
    assert!(registry.remains(made.id, FROM).await.unwrap().is_some());
    for _ in 0..2 {
        registry.remove_remains(&remains).await.unwrap();
        assert_eq!(registry.remains(made.id, FROM).await.unwrap(), None);
    }
}

pub(super) async fn only_the_newest_attempt_of_the_owner_hands_over(factory: &impl Factory) {
    let house = House::build(factory).await;
    let registry = &house.registry;
    let [first, second, third] = [(); 3].map(|()| MoveId::random());
    // Nobody has asked for it.
    assert_conflict(house.begin(first).await);
    house.ask(TO).await.unwrap();
    let row = house.row().await;
    // It has not begun.
    assert_conflict(house.hand_over(&row, first, 1).await);
    house.begin(first).await.unwrap();
    house.begin(second).await.unwrap();
    assert_conflict(house.hand_over(&row, first, 1).await);
    assert!(!registry.abandon_departure(&row, first).await.unwrap());
    assert!(registry.abandon_departure(&row, second).await.unwrap());
    assert!(!registry.abandon_departure(&row, second).await.unwrap());
    assert_conflict(house.hand_over(&row, second, 1).await);
    house.begin(third).await.unwrap();
    // The operator has thought better of it.
    house.ask(ShardId(3)).await.unwrap();
    assert_conflict(house.hand_over(&row, third, 1).await);
    house.ask(TO).await.unwrap();
    // Somebody who was the owner once, or will be.
    for epoch in [0, 2] {
        assert_conflict(house.hand_over(&row, third, epoch).await);
    }
    let next = ConnectorId::random();
    assert_eq!(house.take(FROM, next).await, Epoch(2));
    for epoch in [1, 2] {
        assert_conflict(house.hand_over(&row, third, epoch).await);
    }
    assert_eq!(house.take(FROM, house.owner).await, Epoch(3));
    assert_eq!(house.row().await.shard, FROM);
    house.hand_over(&row, third, 3).await.unwrap();
    assert_eq!(house.row().await.shard, TO);
    // Done before.
    assert_conflict(house.hand_over(&row, third, 3).await);
    assert!(!registry.abandon_departure(&row, third).await.unwrap());
    assert_eq!(house.row().await.transit.arriving, Some(third));
}

pub(super) async fn nobody_comes_back_before_he_is_forgotten(factory: &impl Factory) {
    let house = House::build(factory).await;
    let registry = &house.registry;
    let there = house.moves(TO, 1).await;
    house.take(TO, house.owner).await;
    // It has not arrived yet.
    house.ask(FROM).await.unwrap();
    let back = MoveId::random();
    assert_conflict(house.begin(back).await);
    assert!(registry.arrived(&house.row().await, there).await.unwrap());
    let row = house.begin(back).await.unwrap();
    // What it left there is there still.
    assert_conflict(house.hand_over(&row, back, 1).await);
    let remains = registry.remains(house.made.id, FROM).await.unwrap();
    registry.remove_remains(&remains.unwrap()).await.unwrap();
    house.hand_over(&row, back, 1).await.unwrap();
    let remains = registry.remains(house.made.id, TO).await.unwrap();
    assert_eq!(remains.unwrap().left_by, back);
    assert_eq!(house.row().await.shard, FROM);
}

pub(super) async fn epochs_grow_from_shard_to_shard(factory: &impl Factory) {
    let house = House::build(factory).await;
    let registry = &house.registry;
    for _ in 0..6 {
        house.take(FROM, house.owner).await;
    }
    assert_eq!(house.row().await.transit.epoch(Epoch(7)), Epoch(7));
    assert!(registry.project(&event(&house.made, 7, 10)).await.unwrap());
    let there = house.moves(TO, 7).await;
    let row = house.row().await;
    assert_eq!(house.take(TO, house.owner).await, Epoch(1));
    let epoch = row.transit.epoch(Epoch(1));
    assert_eq!(epoch, Epoch(8));
    // What the former owner says late does not undo what the new one says.
    assert!(registry.project(&event(&house.made, 8, 12)).await.unwrap());
    assert!(!registry.project(&event(&house.made, 7, 11)).await.unwrap());

    assert!(registry.arrived(&row, there).await.unwrap());
    let remains = registry.remains(house.made.id, FROM).await.unwrap();
    registry.remove_remains(&remains.unwrap()).await.unwrap();
    house.moves(FROM, 1).await;
    let back = house.row().await.transit;
    assert!(back.epoch(Epoch(7)) > epoch, "{back:?}");
}

pub(super) async fn a_deletion_follows_the_instance(factory: &impl Factory) {
    let house = House::build(factory).await;
    let registry = &house.registry;
    house.moves(TO, 1).await;
    // As it was read before it was handed over.
    let shard = registry.delete_instance(&house.made).await.unwrap();
    assert_eq!(shard, TO);
    let tombstone = registry.tombstone(house.made.id).await.unwrap().unwrap();
    assert_eq!(tombstone.shard, TO);
    assert_eq!(registry.instance(&house.made.name).await.unwrap(), None);
    let again = registry.delete_instance(&house.made).await;
    assert!(matches!(again, Err(Error::NotFound)), "{again:?}");
    // What it left before is still to be wiped.
    let remains = registry.remains(house.made.id, FROM).await.unwrap();
    assert!(remains.is_some());
}
