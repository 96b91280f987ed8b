//! The table's shape. `template.yaml` makes it so too; a test compares the two.

/// Attributes of keys, with their types as `DynamoDB` writes them.
pub const ATTRIBUTES: [(&str, &str); 7] = [
    ("pk", "S"),
    ("sk", "S"),
    ("shard", "N"),
    ("shard_sort", "S"),
    ("id", "S"),
    ("listed", "S"),
    ("name", "S"),
];

/// The partition key and the sort key.
pub const KEY: (&str, Option<&str>) = ("pk", Some("sk"));

/// Indexes by name, each with its keys. They hold whole rows.
pub const INDEXES: [(&str, (&str, Option<&str>)); 3] = [
    ("by_shard", ("shard", Some("shard_sort"))),
    ("by_id", ("id", None)),
    ("by_name", ("listed", Some("name"))),
];

/// The attribute that holds a row's last second.
pub const TTL: &str = "expires_at";
