//! An element of `fetchInstances`.

use pombal_domain::event::disconnection_object;
use pombal_domain::{
    ConnectionState, Instance, InstanceId, InstanceName, Integration, Settings, SinkConfig,
    StatusReason,
};
use serde::Serialize;

use crate::api::proxy::ProxyRow;
use crate::api::root::CLIENT_NAME;
use crate::api::sink::SinkRow;
use crate::secret::Secret;

/// The original's row, and `instanceName` for clients of v1.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct FetchedInstance {
    id: InstanceId,
    name: InstanceName,
    instance_name: InstanceName,
    connection_status: ConnectionState,
    owner_jid: Option<String>,
    profile_name: Option<String>,
    profile_pic_url: Option<String>,
    integration: Integration,
    number: Option<String>,
    business_id: Option<String>,
    token: Option<String>,
    client_name: &'static str,
    disconnection_reason_code: Option<StatusReason>,
    disconnection_object: Option<String>,
    disconnection_at: Option<String>,
    created_at: String,
    updated_at: String,
    #[serde(flatten)]
    relations: Relations,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Relations {
    #[schema(value_type = Option<Object>)]
    chatwoot: Option<()>,
    proxy: Option<ProxyRow>,
    #[schema(value_type = Option<Object>)]
    rabbitmq: Option<()>,
    #[schema(value_type = Option<Object>)]
    nats: Option<()>,
    sqs: Option<SinkRow>,
    websocket: Option<SinkRow>,
    setting: SettingRow,
    #[serde(rename = "_count")]
    count: Counts,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct SettingRow {
    id: InstanceId,
    #[serde(flatten)]
    settings: Settings,
    created_at: String,
    updated_at: String,
    instance_id: InstanceId,
}

#[derive(Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "PascalCase")]
struct Counts {
    message: u64,
    contact: u64,
    chat: u64,
}

impl FetchedInstance {
    /// Shows `row`; `token` and the password in `proxy` only to those who may see them.
    pub(super) fn new(row: Instance, token: Option<&Secret>, proxy: Option<ProxyRow>) -> Self {
        let number = row.shown_number().map(str::to_owned);
        let account = row.business.and_then(|business| business.account);
        let business_id = account.map(String::from);
        let observed = row.observed;
        let (created_at, updated_at) = (row.created_at.iso8601(), row.updated_at.iso8601());
        let setting = SettingRow {
            id: row.id,
            settings: row.settings,
            created_at: created_at.clone(),
            updated_at: updated_at.clone(),
            instance_id: row.id,
        };
        let sink = |config: Option<SinkConfig>| config.map(|config| SinkRow::new(row.id, config));
        let closed = observed.disconnection.as_ref();
        Self {
            id: row.id,
            instance_name: row.name.clone(),
            name: row.name,
            connection_status: observed.state,
            disconnection_reason_code: closed.map(|d| d.reason),
            disconnection_object: closed.map(|d| disconnection_object(d.reason, &d.text)),
            disconnection_at: closed.map(|d| d.at.iso8601()),
            owner_jid: observed.owner_jid,
            profile_name: observed.profile_name,
            profile_pic_url: observed.profile_picture_url,
            integration: row.integration,
            number,
            business_id,
            token: token.map(|t| t.expose().to_owned()),
            client_name: CLIENT_NAME,
            created_at,
            updated_at,
            relations: Relations {
                chatwoot: None,
                proxy,
                rabbitmq: None,
                nats: None,
                sqs: sink(row.sqs),
                websocket: sink(row.websocket),
                setting,
                count: Counts::default(),
            },
        }
    }
}
