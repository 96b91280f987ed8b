//! LIDs and phone numbers: a row per LID, and a row per number that names its latest LID.

use std::collections::HashMap;

use wacore::store::traits::LidPnMappingEntry;

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;

impl Session {
    fn lid_key(&self, lid: &str) -> RowKey {
        self.keys().of(Kind::LidMapping, &[lid.as_bytes()])
    }

    fn phone_key(&self, phone: &str) -> RowKey {
        self.keys().of(Kind::PnMapping, &[phone.as_bytes()])
    }

    pub(super) async fn mapping_of_lid(
        &self,
        lid: &str,
    ) -> Result<Option<LidPnMappingEntry>, Error> {
        let value = self.get(&self.lid_key(lid)).await?;
        value
            .map(|value| self.json_decode(Kind::LidMapping, &value))
            .transpose()
    }

    pub(super) async fn mapping_of_phone(
        &self,
        phone: &str,
    ) -> Result<Option<LidPnMappingEntry>, Error> {
        match self.lid_of_phone(phone).await? {
            Some(lid) => self.mapping_of_lid(&lid).await,
            None => Ok(None),
        }
    }

    pub(super) async fn put_mappings(&self, entries: &[LidPnMappingEntry]) -> Result<(), Error> {
        let mut write = self.write().await?;
        // What this batch has changed so far; its rows can't be read back yet.
        let mut phone_of: HashMap<&str, &str> = HashMap::new();
        let mut lid_of: HashMap<String, Option<&str>> = HashMap::new();
        for entry in entries {
            let old_phone = match phone_of.get(entry.lid.as_str()) {
                Some(phone) => Some((*phone).to_owned()),
                None => self
                    .mapping_of_lid(&entry.lid)
                    .await?
                    .map(|old| old.phone_number),
            };
            if let Some(old_phone) = old_phone.filter(|phone| *phone != entry.phone_number) {
                let points_here = match lid_of.get(&old_phone) {
                    Some(lid) => *lid == Some(entry.lid.as_str()),
                    None => self.lid_of_phone(&old_phone).await?.as_ref() == Some(&entry.lid),
                };
                // A number that has since moved on to another LID keeps that one.
                if points_here {
                    write.delete(&self.phone_key(&old_phone));
                    lid_of.insert(old_phone, None);
                }
            }
            let value = self.json_encode(Kind::LidMapping, entry)?;
            write.put(&self.lid_key(&entry.lid), &value)?;
            write.put(&self.phone_key(&entry.phone_number), entry.lid.as_bytes())?;
            phone_of.insert(&entry.lid, &entry.phone_number);
            lid_of.insert(entry.phone_number.clone(), Some(&entry.lid));
        }
        write.commit().await
    }

    pub(super) async fn all_mappings(&self) -> Result<Vec<LidPnMappingEntry>, Error> {
        let rows = self.scan(Kind::LidMapping).await?;
        rows.iter()
            .map(|row| self.json_decode(Kind::LidMapping, &row.value))
            .collect()
    }

    async fn lid_of_phone(&self, phone: &str) -> Result<Option<String>, Error> {
        let value = self.get(&self.phone_key(phone)).await?;
        value
            .map(|value| self.text(Kind::PnMapping, &value))
            .transpose()
    }
}
