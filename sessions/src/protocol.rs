//! Protocol state. The trait's methods, each in the file of what it stores.

mod base_key;
mod device_list;
mod group_metadata;
mod lid;
mod pending_inbound;
mod sender_key_device;
mod sent_message;
mod tc_token;

use async_trait::async_trait;
use wacore::store::error::Result as StoreResult;
use wacore::store::traits::{
    DeviceListRecord, LidPnMappingEntry, PendingInboundKey, PendingInboundRow, ProtocolStore,
    TcTokenEntry,
};

use crate::session::Session;

#[async_trait]
impl ProtocolStore for Session {
    async fn get_sender_key_devices(&self, group_jid: &str) -> StoreResult<Vec<(String, bool)>> {
        Ok(self.sender_key_devices(group_jid).await?)
    }

    async fn set_sender_key_status(
        &self,
        group_jid: &str,
        entries: &[(&str, bool)],
    ) -> StoreResult<()> {
        Ok(self.put_sender_key_devices(group_jid, entries).await?)
    }

    async fn clear_sender_key_devices(&self, group_jid: &str) -> StoreResult<()> {
        Ok(self.delete_sender_key_devices_of(group_jid).await?)
    }

    async fn delete_sender_key_device_rows(&self, device_jids: &[&str]) -> StoreResult<()> {
        Ok(self.delete_sender_key_devices(device_jids).await?)
    }

    async fn clear_all_sender_key_devices(&self) -> StoreResult<()> {
        Ok(self.delete_all_sender_key_devices().await?)
    }

    async fn get_lid_mapping(&self, lid: &str) -> StoreResult<Option<LidPnMappingEntry>> {
        Ok(self.mapping_of_lid(lid).await?)
    }

    async fn get_pn_mapping(&self, phone: &str) -> StoreResult<Option<LidPnMappingEntry>> {
        Ok(self.mapping_of_phone(phone).await?)
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> StoreResult<()> {
        Ok(self.put_mappings(std::slice::from_ref(entry)).await?)
    }

    async fn put_lid_mappings(&self, entries: &[LidPnMappingEntry]) -> StoreResult<()> {
        Ok(self.put_mappings(entries).await?)
    }

    async fn get_all_lid_mappings(&self) -> StoreResult<Vec<LidPnMappingEntry>> {
        Ok(self.all_mappings().await?)
    }

    async fn save_base_key(
        &self,
        address: &str,
        message_id: &str,
        base_key: &[u8],
    ) -> StoreResult<()> {
        Ok(self.put_base_key(address, message_id, base_key).await?)
    }

    async fn has_same_base_key(
        &self,
        address: &str,
        message_id: &str,
        current_base_key: &[u8],
    ) -> StoreResult<bool> {
        let stored = self.base_key(address, message_id).await?;
        Ok(stored.as_deref() == Some(current_base_key))
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> StoreResult<()> {
        Ok(self.drop_base_key(address, message_id).await?)
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> StoreResult<()> {
        Ok(self.put_device_lists(&[record]).await?)
    }

    async fn update_device_lists(&self, records: Vec<DeviceListRecord>) -> StoreResult<()> {
        Ok(self.put_device_lists(&records).await?)
    }

    async fn get_devices(&self, user: &str) -> StoreResult<Option<DeviceListRecord>> {
        Ok(self.device_list(user).await?)
    }

    async fn delete_devices(&self, user: &str) -> StoreResult<()> {
        Ok(self.delete_device_list(user).await?)
    }

    async fn get_group_metadata(&self, group_jid: &str) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.group_blob(group_jid).await?)
    }

    async fn put_group_metadata(&self, group_jid: &str, blob: &[u8]) -> StoreResult<()> {
        Ok(self.put_group_blob(group_jid, blob).await?)
    }

    async fn delete_group_metadata(&self, group_jid: &str) -> StoreResult<()> {
        Ok(self.delete_group_blob(group_jid).await?)
    }

    async fn get_tc_token(&self, jid: &str) -> StoreResult<Option<TcTokenEntry>> {
        Ok(self.tc_token(jid).await?)
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> StoreResult<()> {
        Ok(self.replace_tc_token(jid, entry).await?)
    }

    async fn delete_tc_token(&self, jid: &str) -> StoreResult<()> {
        Ok(self.drop_tc_token(jid).await?)
    }

    async fn get_all_tc_token_jids(&self) -> StoreResult<Vec<String>> {
        Ok(self.tc_token_jids().await?)
    }

    async fn delete_expired_tc_tokens(
        &self,
        token_cutoff: i64,
        sender_cutoff: i64,
    ) -> StoreResult<u32> {
        Ok(self.sweep_tc_tokens(token_cutoff, sender_cutoff).await?)
    }

    async fn touch_tc_token_sender_timestamp(
        &self,
        jid: &str,
        sender_timestamp: i64,
    ) -> StoreResult<()> {
        Ok(self.touch_tc_token(jid, sender_timestamp).await?)
    }

    async fn store_received_tc_token(
        &self,
        jid: &str,
        token: &[u8],
        token_timestamp: i64,
    ) -> StoreResult<()> {
        Ok(self.receive_tc_token(jid, token, token_timestamp).await?)
    }

    async fn store_sent_message(
        &self,
        chat_jid: &str,
        message_id: &str,
        payload: &[u8],
    ) -> StoreResult<()> {
        Ok(self.put_sent_message(chat_jid, message_id, payload).await?)
    }

    async fn take_sent_message(
        &self,
        chat_jid: &str,
        message_id: &str,
    ) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.remove_sent_message(chat_jid, message_id).await?)
    }

    async fn delete_expired_sent_messages(&self, cutoff_timestamp: i64) -> StoreResult<u32> {
        Ok(self.sweep_sent_messages(cutoff_timestamp).await?)
    }

    async fn store_pending_inbound(
        &self,
        chat: &str,
        sender: &str,
        id: &str,
        message: &[u8],
    ) -> StoreResult<()> {
        let row = PendingInboundRow {
            chat,
            sender,
            id,
            message,
        };
        Ok(self.put_pending_inbound(&[row]).await?)
    }

    async fn get_pending_inbound(
        &self,
        chat: &str,
        sender: &str,
        id: &str,
    ) -> StoreResult<Option<Vec<u8>>> {
        Ok(self
            .pending_inbound(PendingInboundKey { chat, sender, id })
            .await?)
    }

    async fn delete_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> StoreResult<()> {
        Ok(self
            .drop_pending_inbound(&[PendingInboundKey { chat, sender, id }])
            .await?)
    }

    async fn delete_expired_pending_inbound(&self, cutoff_timestamp: i64) -> StoreResult<u32> {
        Ok(self.sweep_pending_inbound(cutoff_timestamp).await?)
    }

    async fn store_pending_inbound_batch(&self, rows: &[PendingInboundRow<'_>]) -> StoreResult<()> {
        Ok(self.put_pending_inbound(rows).await?)
    }

    async fn delete_pending_inbound_batch(
        &self,
        keys: &[PendingInboundKey<'_>],
    ) -> StoreResult<()> {
        Ok(self.drop_pending_inbound(keys).await?)
    }
}
