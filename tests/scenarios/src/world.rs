//! A whole world: fake WhatsApp, webhook endpoint, and a Pombal that can die and come back.
//!
//! Pombal is one process on embedded storage, or, where `POMBAL_SCENARIOS_ON` says `aws`, a
//! deployment of the template with a connector beside it. Scenarios don't know which.

use std::fs;
use std::path::{Path, PathBuf};

use fake_whatsapp::{Options, Watched};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::aws::Stack;
use crate::hooks::HookServer;
use crate::process::{Pombal, PombalOptions};
use crate::wait::{PATIENCE, eventually};

/// A fake WhatsApp, a webhook endpoint and a Pombal between them.
pub struct World {
    /// WhatsApp. At the end of the test nobody may have broken its rules.
    pub whatsapp: Watched,
    /// Where webhooks go.
    pub hooks: HookServer,
    /// The process; `None` while it is dead. On AWS it is the connector: functions live on.
    pub pombal: Option<Pombal>,
    /// How it is started.
    pub options: PombalOptions,
    stack: Option<Stack>,
    dir: TempDir,
}

/// A created instance.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its name, which is also its webhook path.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its token.
    pub token: String,
    /// Its account's phone number, once paired.
    pub phone: String,
}

impl World {
    /// Starts everything.
    pub async fn start() -> Self {
        Self::start_with(|options| options).await
    }

    /// Starts everything, with changed options for Pombal.
    ///
    /// # Panics
    /// When something does not start.
    pub async fn start_with(change: impl FnOnce(PombalOptions) -> PombalOptions) -> Self {
        match std::env::var("POMBAL_SCENARIOS_ON").as_deref() {
            Ok("aws") => Self::deployed(change).await,
            Ok(other) => panic!("POMBAL_SCENARIOS_ON: {other} is not known"),
            Err(_) => Self::of(None, change).await,
        }
    }

    /// Starts everything on embedded storage, whatever the other scenarios run on.
    pub async fn embedded(change: impl FnOnce(PombalOptions) -> PombalOptions) -> Self {
        Self::of(None, change).await
    }

    /// Starts everything on a stack of its own, with changed options for the connector.
    pub async fn deployed(change: impl FnOnce(PombalOptions) -> PombalOptions) -> Self {
        Self::of(Some(Stack::create("world", &[]).await), change).await
    }

    async fn of(stack: Option<Stack>, change: impl FnOnce(PombalOptions) -> PombalOptions) -> Self {
        let mut world = Self::unborn(stack, change).await;
        world.boot();
        world
    }

    /// Everything on this stack but a connector.
    pub(crate) async fn without_connector(
        stack: Stack,
        change: impl FnOnce(PombalOptions) -> PombalOptions,
    ) -> Self {
        Self::unborn(Some(stack), change).await
    }

    async fn unborn(
        stack: Option<Stack>,
        change: impl FnOnce(PombalOptions) -> PombalOptions,
    ) -> Self {
        let whatsapp = Watched::start(Options::default()).await.unwrap();
        let options = change(PombalOptions::demo(whatsapp.ws_url()));
        let dir = tempfile::tempdir().unwrap();
        Self {
            whatsapp,
            hooks: HookServer::start().await,
            pombal: None,
            options,
            stack,
            dir,
        }
    }

    /// Starts the process on the same data.
    pub fn boot(&mut self) {
        self.pombal = Some(match &self.stack {
            None => Pombal::start(&self.data(), &self.options),
            Some(stack) => Pombal::connector(stack, &self.path("connector.log"), &self.options),
        });
    }

    /// Starts one more connector of the deployment, which logs to `<name>.log`.
    ///
    /// # Panics
    /// On embedded storage.
    pub(crate) fn connector(&self, name: &str, options: &PombalOptions) -> Pombal {
        let stack = self.stack.as_ref().unwrap();
        Pombal::connector(stack, &self.path(&format!("{name}.log")), options)
    }

    /// The process's data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A path beside the data directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Kills the process with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(pombal) = self.pombal.take() {
            pombal.kill();
        }
    }

    /// A copy of the process's data, as a folder `data` in another place. The process must be
    /// dead, or the copy may be of two moments.
    ///
    /// # Panics
    /// When it lives, or the data can't be copied.
    #[must_use]
    pub fn copy_of_data(&self) -> TempDir {
        assert!(self.pombal.is_none(), "the process is alive");
        let copy = tempfile::tempdir().unwrap();
        copy_dir(&self.dir.path().join("data"), &copy.path().join("data"));
        copy
    }

    /// The process.
    ///
    /// # Panics
    /// While it is dead.
    #[must_use]
    pub fn pombal(&self) -> &Pombal {
        self.pombal.as_ref().unwrap()
    }

    /// The API with the global key.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(&self.url())
    }

    /// The API's address. On AWS there is one even while the connector is dead.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.stack {
            None => self.pombal().url.clone(),
            Some(stack) => stack.api_url(),
        }
    }

    /// Creates an instance whose webhook takes every event.
    pub async fn create(&self, name: &str) -> Instance {
        let body = self
            .api()
            .post(
                "/instance/create",
                json!({
                    "instanceName": name,
                    "integration": "WHATSAPP-BAILEYS",
                    "webhook": { "enabled": true, "url": self.hooks.url(name), "events": [] },
                }),
            )
            .await
            .ok();
        Instance {
            name: name.to_owned(),
            id: text(&body["instance"]["instanceId"]),
            token: text(&body["hash"]),
            phone: String::new(),
        }
    }

    /// Creates an instance and pairs it by QR code.
    pub async fn open(&self, name: &str, phone: &str) -> Instance {
        let mut instance = self.create(name).await;
        self.scan(name, phone).await;
        instance.phone = phone.to_owned();
        instance
    }

    /// Asks for a QR code, scans it as `phone`, and waits for the instance to be open.
    pub async fn scan(&self, name: &str, phone: &str) {
        let (api, path) = (self.api(), format!("/instance/connect/{name}"));
        // On a machine with much to do, the answer may come before there is a code.
        let code = eventually(&format!("{name} has a QR code"), PATIENCE, async || {
            let connect = api.get(&path).await.ok();
            connect["code"].as_str().map(str::to_owned)
        })
        .await;
        self.whatsapp
            .scan(&code, Some(phone), Some(&format!("Owner of {name}")))
            .await
            .unwrap();
        self.wait_for_state(name, "open").await;
    }

    /// The instance's state.
    pub async fn state(&self, name: &str) -> String {
        let body = self
            .api()
            .get(&format!("/instance/connectionState/{name}"))
            .await
            .ok();
        text(&body["instance"]["state"])
    }

    /// Waits until the instance is in `state`.
    pub async fn wait_for_state(&self, name: &str, state: &str) {
        let what = format!("{name} is {state}");
        eventually(&what, PATIENCE, async || {
            (self.state(name).await == state).then_some(())
        })
        .await;
    }

    /// The instance's row in `fetchInstances`.
    pub async fn row(&self, name: &str) -> Value {
        let rows = self
            .api()
            .get(&format!("/instance/fetchInstances?instanceName={name}"))
            .await;
        rows.ok()[0].clone()
    }

    /// Asserts that WhatsApp has nothing to complain about.
    ///
    /// # Panics
    /// When it has.
    pub async fn assert_no_violations(&self) {
        let violations = self.whatsapp.violations().await;
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}
