//! How much of AWS's services operations use. Tests assert each of these.

/// What one operation uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Requests as service, operation and number, in the order of their names.
    pub requests: &'static [(&'static str, u64)],
    /// Capacity that `DynamoDB` bills for reads.
    pub read_units: f64,
    /// Capacity that `DynamoDB` bills for writes.
    pub write_units: f64,
}

impl Usage {
    /// Nothing.
    pub const NONE: Self = Self {
        requests: &[],
        read_units: 0.0,
        write_units: 0.0,
    };

    /// Requests whose names begin with `prefix`.
    #[must_use]
    pub fn of(&self, prefix: &str) -> u64 {
        let matching = self.requests.iter().filter(|(n, _)| n.starts_with(prefix));
        matching.map(|(_, count)| count).sum()
    }
}

/// `GET /instance/connectionState`, with the instance's token: its row.
pub const CONNECTION_STATE: Usage = Usage {
    requests: &[("dynamodb GetItem", 1)],
    read_units: 1.0,
    ..Usage::NONE
};

/// `POST /message/sendText` in the API: the row, and the reply that is there at the first look.
pub const SEND_TEXT: Usage = Usage {
    requests: &[("dynamodb GetItem", 2), ("sqs SendMessageBatch", 1)],
    read_units: 2.0,
    ..Usage::NONE
};

/// Instances that `GET /metrics` reads by one query.
pub const SCRAPED_AT_ONCE: usize = 500;

/// The reply to a command, written by the connector.
pub const REPLY: Usage = Usage {
    requests: &[("dynamodb PutItem", 1)],
    write_units: 1.0,
    ..Usage::NONE
};

/// A command that comes alone, taken off its queue and removed by the connector.
pub const COMMAND_TAKEN: Usage = Usage {
    requests: &[("sqs DeleteMessageBatch", 1), ("sqs ReceiveMessage", 1)],
    ..Usage::NONE
};

/// `POST /instance/create`: instance and token, twice the price in a transaction, and the three
/// indexes that the instance is in.
pub const CREATE: Usage = Usage {
    requests: &[
        ("dynamodb TransactWriteItems", 1),
        ("kms GenerateDataKey", 1),
    ],
    write_units: 7.0,
    ..Usage::NONE
};

/// Messages in one batch of the delivery, for [`EVENT_BATCH`].
pub const EVENTS_PER_BATCH: u64 = 4;

/// Events that come one by one and are delivered together: sent by the connector, received and
/// removed for the function.
pub const EVENT_BATCH: Usage = Usage {
    requests: &[
        ("sqs DeleteMessageBatch", 1),
        ("sqs ReceiveMessage", 1),
        ("sqs SendMessageBatch", EVENTS_PER_BATCH),
    ],
    ..Usage::NONE
};

/// Requests of SQS per event at most, over [`EVENTS_PER_BATCH`] of them.
pub const MAX_SQS_PER_EVENT: u64 = 2;

/// What the delivery asks of the registry for a message: the instance's row.
pub const DELIVERY: Usage = Usage {
    requests: &[("dynamodb GetItem", 1)],
    read_units: 1.0,
    ..Usage::NONE
};

/// A quiet connector, per shard and look at its wishes. An empty read is half a unit.
pub const RECONCILE: Usage = Usage {
    requests: &[("dynamodb Query", 1)],
    read_units: 0.5,
    ..Usage::NONE
};

/// A connector's renewal of its lease.
pub const RENEWAL: Usage = Usage {
    requests: &[("dynamodb UpdateItem", 1)],
    write_units: 1.0,
    ..Usage::NONE
};

/// A connector's look at the fleet, of up to 4 KB: 16 shards and a dozen connectors.
pub const FLEET: Usage = Usage {
    requests: &[("dynamodb Query", 1)],
    read_units: 1.0,
    ..Usage::NONE
};

/// Looks of a connector at the wishes of a shard, per hour.
pub const RECONCILES_PER_HOUR: u64 = 120;

/// Long polls of a shard's command queue, per hour.
pub const POLLS_PER_HOUR: u64 = 180;

/// Renewals of a lease per hour, and looks at the fleet.
pub const BEATS_PER_HOUR: u64 = 1_200;

/// Writes of a quiet connector to the registry, besides its renewals.
pub const IDLE_WRITES: u64 = 0;

/// Requests of a quiet shard's session database per hour, each at most. Deletions cost nothing.
pub const IDLE_SHARD_HOUR: Usage = Usage {
    requests: &[("s3 GET", 90), ("s3 LIST", 6), ("s3 PUT", 4)],
    ..Usage::NONE
};

/// A commit of a session database, however many writes are in it.
pub const COMMIT: Usage = Usage {
    requests: &[("s3 PUT", 1)],
    ..Usage::NONE
};
