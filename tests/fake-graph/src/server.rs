//! The server, and what tests do with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fault::Faults;
use crate::media::Medium;
use crate::{Fault, GraphError, Route, media, messages, templates};

/// Largest request: Meta takes documents of 100 MB.
const MAX_BODY_BYTES: usize = 110 * 1024 * 1024;

/// A business phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its `phone_number_id`.
    pub id: String,
    /// The account that it belongs to.
    pub account: String,
    /// The token that may use both.
    pub token: String,
}

/// The fake Graph API. Stops when dropped.
pub struct FakeGraph {
    /// Its address, without a version.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) faults: Faults,
    pub(crate) url: String,
    ids: AtomicU64,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) numbers: Vec<Number>,
    /// What was sent, by the id of the number.
    pub(crate) sent: HashMap<String, Vec<Value>>,
    pub(crate) media: BTreeMap<String, Medium>,
    /// Templates by account, the oldest first.
    pub(crate) templates: HashMap<String, Vec<Value>>,
}

impl FakeGraph {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            url: url.clone(),
            ..Shared::default()
        });
        let router = Router::new()
            .route("/{version}/{id}/messages", post(messages::send))
            .route("/{version}/{id}/media", post(media::upload))
            .route(
                "/{version}/{id}/message_templates",
                get(templates::list)
                    .post(templates::create)
                    .delete(templates::delete),
            )
            .route("/{version}/{id}", get(media::show).post(templates::edit))
            .route("/download/{id}", get(media::download))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    /// Gives out a number.
    pub fn add_number(&self, number: Number) {
        self.world().numbers.push(number);
    }

    /// The next request of `route` that has no fault yet gets this one.
    pub fn fail(&self, route: Route, fault: Fault) {
        self.shared.faults.add(route, fault);
    }

    /// The bodies of the messages that a number has sent, in order.
    #[must_use]
    pub fn sent(&self, number: &str) -> Vec<Value> {
        self.world().sent.get(number).cloned().unwrap_or_default()
    }

    /// Keeps a medium as if somebody had sent it to `number`; its id.
    #[must_use]
    pub fn keep(&self, number: &str, mime_type: &str, bytes: impl Into<Bytes>) -> String {
        let id = self.shared.new_id();
        let medium = Medium {
            number: number.to_owned(),
            name: None,
            mime_type: mime_type.to_owned(),
            bytes: bytes.into(),
        };
        self.world().media.insert(id.clone(), medium);
        id
    }

    /// A medium that is kept.
    #[must_use]
    pub fn medium(&self, id: &str) -> Option<Medium> {
        self.world().media.get(id).cloned()
    }

    /// Gives an account these templates, as Meta shows them, and no other.
    pub fn set_templates(&self, account: &str, templates: Vec<Value>) {
        let mut world = self.world();
        world.templates.insert(account.to_owned(), templates);
    }

    /// The templates of an account.
    #[must_use]
    pub fn templates(&self, account: &str) -> Vec<Value> {
        let world = self.world();
        world.templates.get(account).cloned().unwrap_or_default()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }
}

impl Drop for FakeGraph {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// An id that nothing has had, in the shape of Meta's.
    pub(crate) fn new_id(&self) -> String {
        let n = self.ids.fetch_add(1, Ordering::Relaxed);
        (1_000_000_000_000_000 + n).to_string()
    }

    /// The number that the request's token opens, if it is `id`, or of the account `id`.
    pub(crate) fn authorised(&self, headers: &HeaderMap, id: &str) -> Result<Number, GraphError> {
        let world = self.world.lock().unwrap();
        let token = token(headers).ok_or_else(GraphError::token)?;
        let mut own = world.numbers.iter().filter(|number| number.token == token);
        let known = own.clone().next().is_some();
        let found = own.find(|number| number.id == id || number.account == id);
        match found {
            Some(number) => Ok(number.clone()),
            None if known => Err(GraphError::object(id)),
            None => Err(GraphError::token()),
        }
    }

    /// The numbers that the request's token opens.
    pub(crate) fn numbers_of(&self, headers: &HeaderMap) -> Result<Vec<Number>, GraphError> {
        let world = self.world.lock().unwrap();
        let token = token(headers).ok_or_else(GraphError::token)?;
        let own = world.numbers.iter().filter(|number| number.token == token);
        let own: Vec<Number> = own.cloned().collect();
        if own.is_empty() {
            return Err(GraphError::token());
        }
        Ok(own)
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("authorization")?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}
