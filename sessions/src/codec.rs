//! How values look inside the seal: raw bytes on hot paths, JSON for records.

use std::sync::Arc;

use pombal_domain::time::UnixMs;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::kind::Kind;
use crate::session::{Row, Session};

/// Now, in Unix seconds: the unit of every timestamp in the storage traits.
pub(crate) fn now_secs() -> i64 {
    i64::try_from(UnixMs::now().seconds()).unwrap_or(i64::MAX)
}

/// A timestamp in Unix seconds, then the body.
pub(crate) fn stamped(secs: i64, body: &[u8]) -> Vec<u8> {
    [&secs.to_be_bytes()[..], body].concat()
}

impl Session {
    pub(crate) fn json_encode<T: Serialize>(
        &self,
        kind: Kind,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(value).map_err(|source| self.json_error(kind, source))
    }

    pub(crate) fn json_decode<T: DeserializeOwned>(
        &self,
        kind: Kind,
        value: &[u8],
    ) -> Result<T, Error> {
        serde_json::from_slice(value).map_err(|source| self.alarm(self.json_error(kind, source)))
    }

    /// The first `N` bytes of a value, and the rest.
    pub(crate) fn split<'a, const N: usize>(
        &self,
        kind: Kind,
        value: &'a [u8],
    ) -> Result<([u8; N], &'a [u8]), Error> {
        value
            .split_first_chunk::<N>()
            .map(|(head, rest)| (*head, rest))
            .ok_or_else(|| self.malformed(kind))
    }

    /// The timestamp of a [`stamped`] value, in Unix seconds, and the body.
    pub(crate) fn unstamp<'a>(
        &self,
        kind: Kind,
        value: &'a [u8],
    ) -> Result<(i64, &'a [u8]), Error> {
        let (secs, body) = self.split::<8>(kind, value)?;
        Ok((i64::from_be_bytes(secs), body))
    }

    /// Timestamp of a [`stamped`] row, for a sweep.
    pub(crate) fn stamp_of(&self, row: &Row) -> Result<Option<i64>, Error> {
        self.unstamp(row.key.kind, &row.value)
            .map(|(secs, _)| Some(secs))
    }

    pub(crate) fn text(&self, kind: Kind, bytes: &[u8]) -> Result<String, Error> {
        String::from_utf8(bytes.to_vec()).map_err(|_| self.malformed(kind))
    }

    pub(crate) fn malformed(&self, kind: Kind) -> Error {
        self.alarm(Error::Malformed {
            instance: self.instance(),
            kind,
        })
    }

    fn json_error(&self, kind: Kind, source: serde_json::Error) -> Error {
        Error::Json {
            instance: self.instance(),
            kind,
            source: Arc::new(source),
        }
    }
}
