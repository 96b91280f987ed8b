//! The running server, and its orders as Rust methods.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::addr::Addr;
use crate::app_state::change::Change;
use crate::config::Config;
use crate::control;
use crate::error::Error;
use crate::groups::info::GroupInfo;
use crate::groups::order::{GroupOrder, GroupPlan, GroupReply};
use crate::media;
use crate::media::tls::MediaListener;
use crate::options::Options;
use crate::pairing::Pairing;
use crate::pairing::code::{PrimaryHello, normalise};
use crate::pairing::link::{LinkWaiter, Linked};
use crate::phone::draft::Draft;
use crate::phone::files::PhoneFile;
use crate::phone::held::InboxItem;
use crate::phone::media::Media;
use crate::seen::{SeenPage, Violation};
use crate::store::Store;
use crate::wire::handshake::PATH;
use crate::wire::listener::listen;
use crate::world::api::{ContactInfo, DeviceInfo, DropHow};
use crate::world::ending::{Ending, Trouble};
use crate::world::hub::Hub;
use crate::world::load::load;
use crate::world::login::Refusal;

/// A client answers `pair-success` at once, or never.
const PAIRING_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server. Clones share it.
#[derive(Clone)]
pub struct FakeWhatsApp {
    pub(crate) hub: Arc<Hub>,
    ws: SocketAddr,
    control: SocketAddr,
    media: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl FakeWhatsApp {
    /// Starts the listeners. Only loopback addresses are accepted.
    pub async fn start(options: Options) -> Result<Self, Error> {
        for addr in [options.ws, options.control, options.media] {
            if !addr.ip().is_loopback() {
                return Err(Error::NotLoopback(addr));
            }
        }
        let ws = TcpListener::bind(options.ws).await?;
        let control = TcpListener::bind(options.control).await?;
        let media = TcpListener::bind(options.media).await?;
        let (mut world, identity) = load(Store::open(options.state_dir.as_deref())?)?;
        world.config = options.config;
        world.media.bound(media.local_addr()?);
        let server = Self {
            ws: ws.local_addr()?,
            control: control.local_addr()?,
            media: media.local_addr()?,
            hub: Arc::new(Hub::new(world, identity)),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let media = MediaListener::start(media, server.stop.clone())?;
        let serving = media::http::serve(media, Arc::clone(&server.hub), server.stop.clone());
        server.tasks.spawn(serving);
        let (hub, tasks, stop) = (
            Arc::clone(&server.hub),
            server.tasks.clone(),
            server.stop.clone(),
        );
        server.tasks.spawn(listen(ws, hub, tasks, stop));
        server
            .tasks
            .spawn(control::serve(control, server.clone(), server.stop.clone()));
        Ok(server)
    }

    /// Where clients connect.
    pub fn ws_url(&self) -> String {
        format!("ws://{}{PATH}", self.ws)
    }

    /// Where orders are taken.
    #[must_use]
    pub fn control_addr(&self) -> SocketAddr {
        self.control
    }

    /// Where the control API is.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// Where files are uploaded and downloaded: plain HTTP, and HTTPS with a certificate that
    /// nobody signed.
    #[must_use]
    pub fn media_addr(&self) -> SocketAddr {
        self.media
    }

    /// The media host as people reach it.
    pub fn media_url(&self) -> String {
        format!("http://{}", self.media)
    }

    /// Makes all tokens for the media host invalid, before their time.
    pub async fn expire_media_auth(&self) {
        self.hub.with(|world| world.expire_media_auth());
    }

    /// Removes a file from the media host, as WhatsApp does after some weeks.
    pub async fn forget_media(&self, direct_path: &str) -> Result<(), Error> {
        self.hub.with(|world| world.media.forget(direct_path))
    }

    /// The public key that the server's Noise certificates are rooted in. A client that takes
    /// it instead of WhatsApp's checks this server as it checks the real one. It is a new one
    /// each time the server starts.
    #[must_use]
    pub fn noise_root(&self) -> [u8; 32] {
        self.hub.identity.root().0
    }

    /// Ends all sockets and waits for their tasks.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Sockets that wait to be linked.
    pub async fn pairings(&self) -> Vec<Pairing> {
        self.hub.with(|world| world.pairings())
    }

    /// Tells the server what a waiting client shows as its QR code, so that its page can draw
    /// it: the server itself knows only a part. Of each socket it remembers the newest.
    /// The page shows `label` beside it.
    pub async fn announce(&self, qr: &str, label: Option<&str>) -> Result<(), Error> {
        self.hub.with(|world| world.announce(qr, label))
    }

    /// A phone scans a QR code. Returns once the client accepted.
    pub async fn scan(
        &self,
        qr: &str,
        phone: Option<&str>,
        name: Option<&str>,
    ) -> Result<Linked, Error> {
        let waiter = self.hub.with(|world| world.scan(qr, phone, name))?;
        linked(waiter).await
    }

    /// A person types a pairing code into a phone. Returns once the client accepted.
    pub async fn enter_code(
        &self,
        phone: &str,
        code: &str,
        name: Option<&str>,
    ) -> Result<Linked, Error> {
        let code = normalise(code)?;
        let typed = self.hub.with(|world| world.typed_code(phone))?;
        let wrapped = typed.wrapped_companion_key.clone();
        let hello = tokio::task::spawn_blocking(move || PrimaryHello::derive(&wrapped, &code))
            .await
            .map_err(|error| Error::Pairing(error.to_string()))??;
        let waiter = self
            .hub
            .with(|world| world.primary_hello(&typed, phone, name, hello))?;
        linked(waiter).await
    }

    /// All linked devices.
    pub async fn devices(&self) -> Vec<DeviceInfo> {
        self.hub.with(|world| world.devices())
    }

    /// All simulated phones.
    pub async fn contacts(&self) -> Vec<ContactInfo> {
        self.hub.with(|world| world.contacts())
    }

    /// Makes a simulated contact. With `echo` it answers each text with the same text, but not
    /// in groups.
    pub async fn add_contact(&self, phone: &str, name: &str, echo: bool) -> Result<(), Error> {
        self.hub.with(|world| world.add_contact(phone, name, echo))
    }

    /// A person types a text on a simulated phone, to a phone number or to the JID of a group.
    /// Returns the message id.
    pub async fn send_from_phone(
        &self,
        phone: &str,
        to: &str,
        text: &str,
        id: Option<&str>,
    ) -> Result<String, Error> {
        self.hub.with(|world| world.phone_says(phone, to, text, id))
    }

    /// A person sends a file from a simulated phone: it is encrypted and uploaded first.
    /// Returns the message id.
    pub async fn send_media_from_phone(
        &self,
        phone: &str,
        to: &str,
        media: &Media,
        id: Option<&str>,
    ) -> Result<String, Error> {
        self.hub
            .with(|world| world.phone_sends_media(phone, to, media, id))
    }

    /// The file of a message that a simulated phone sent or got, and its plain bytes.
    pub async fn file(&self, phone: &str, id: &str) -> Result<(PhoneFile, Vec<u8>), Error> {
        self.hub.with(|world| world.phone_file(phone, id))
    }

    /// A person sends a message of any kind with a simulated phone, to a phone number or to the
    /// JID of a group. Returns the message id.
    pub async fn send_draft(
        &self,
        phone: &str,
        to: &str,
        draft: &Draft,
        id: Option<&str>,
    ) -> Result<String, Error> {
        self.hub
            .with(|world| world.phone_drafts(phone, to, draft, id))
    }

    /// All groups.
    pub async fn groups(&self) -> Vec<GroupInfo> {
        self.hub.with(|world| world.group_infos())
    }

    /// A person makes a group with a simulated phone.
    pub async fn create_group(&self, plan: GroupPlan) -> Result<GroupReply, Error> {
        self.hub.with(|world| world.phone_creates_group(plan))
    }

    /// A person does something to a group with a simulated phone. `group` is its JID.
    pub async fn change_group(
        &self,
        actor: &str,
        group: &str,
        order: GroupOrder,
    ) -> Result<GroupReply, Error> {
        self.hub
            .with(|world| world.phone_orders(actor, group, order))
    }

    /// What a simulated phone decrypted, oldest first.
    pub async fn inbox(&self, phone: &str) -> Result<Vec<InboxItem>, Error> {
        self.hub
            .with(|world| Ok(world.account(phone)?.inbox.clone()))
    }

    /// A person changes a setting on a simulated phone. Returns the new version of the
    /// collection it is in.
    pub async fn change_on_phone(&self, phone: &str, change: &Change) -> Result<u64, Error> {
        self.hub.with(|world| world.phone_changes(phone, change))
    }

    /// What all devices of an account agree on: per collection its `version`, and its `values`
    /// by index.
    pub async fn app_state(&self, phone: &str) -> Result<Value, Error> {
        self.hub.with(|world| world.app_state_view(phone))
    }

    /// A simulated phone makes a new app state key. Without `share` its companions must ask
    /// for it.
    pub async fn rotate_app_state_key(&self, phone: &str, share: bool) -> Result<(), Error> {
        self.hub.with(|world| world.rotate_sync_key(phone, share))
    }

    /// Gives a phone chats from before, each with so many old messages. Companions that are
    /// linked later get them as history.
    pub async fn seed_history(
        &self,
        phone: &str,
        chats: usize,
        messages: usize,
    ) -> Result<(), Error> {
        self.hub
            .with(|world| world.seed_history(phone, chats, messages))
    }

    /// A person sets or removes the picture of a simulated phone. Returns its id.
    pub async fn set_picture(
        &self,
        phone: &str,
        image: Option<&[u8]>,
    ) -> Result<Option<String>, Error> {
        let by = Addr::phone(phone);
        self.hub.with(|world| world.change_own_picture(&by, image))
    }

    /// A person sets the text about a simulated phone.
    pub async fn set_about(&self, phone: &str, text: &str) -> Result<(), Error> {
        let by = Addr::phone(phone);
        self.hub.with(|world| world.set_about(&by, text))
    }

    /// Cuts the live sockets of an account's companions. Returns how many.
    pub async fn drop_sockets(
        &self,
        phone: &str,
        how: DropHow,
        code: Option<u16>,
    ) -> Result<usize, Error> {
        self.hub.with(|world| world.drop_sockets(phone, how, code))
    }

    /// The phone removes its companions. Returns how many.
    pub async fn logout(&self, phone: &str) -> Result<usize, Error> {
        self.hub.with(|world| world.logout(phone))
    }

    /// Does something to the live connections of an account, or of everyone, those that wait to
    /// be linked included. Returns how many.
    pub async fn end(&self, phone: Option<&str>, ending: &Ending) -> Result<usize, Error> {
        self.hub.with(|world| world.end(phone, ending))
    }

    /// Orders trouble for connections to come. The oldest order that fits a connection counts.
    pub async fn order(&self, trouble: Trouble) -> Result<(), Error> {
        self.hub.with(|world| world.order(trouble))
    }

    /// Takes all orders for connections to come back.
    pub async fn clear_troubles(&self) {
        self.hub.with(|world| world.clear_troubles());
    }

    /// Refuses coming logins.
    pub async fn refuse(&self, rule: Refusal) {
        self.hub.with(|world| world.refuse(rule));
    }

    /// Makes a number look as if it were not on WhatsApp.
    pub async fn set_absent(&self, phone: &str) -> Result<(), Error> {
        self.hub.with(|world| world.set_absent(phone))
    }

    /// Stops or resumes answering an account. TCP stays open.
    pub async fn silence(&self, phone: &str, on: bool) -> Result<(), Error> {
        self.hub.with(|world| world.silence(phone, on))
    }

    /// The log after `after`, filtered.
    pub async fn seen(&self, phone: Option<&str>, kind: Option<&str>, after: u64) -> SeenPage {
        self.hub.with(|world| world.seen.page(phone, kind, after))
    }

    /// Rules that clients broke.
    pub async fn violations(&self) -> Vec<Violation> {
        self.broken_rules()
    }

    /// The same, for a caller that can't wait.
    pub(crate) fn broken_rules(&self) -> Vec<Violation> {
        self.hub.with(|world| world.seen.violations.clone())
    }

    /// The knobs.
    pub async fn config(&self) -> Config {
        self.hub.with(|world| world.config.clone())
    }

    /// Turns the knobs.
    pub async fn set_config(&self, config: Config) {
        self.hub.with(|world| world.set_config(config));
    }
}

async fn linked(waiter: LinkWaiter) -> Result<Linked, Error> {
    match tokio::time::timeout(PAIRING_TIMEOUT, waiter).await {
        Ok(Ok(linked)) => linked,
        Ok(Err(_)) => Err(Error::Pairing("the client went away".to_owned())),
        Err(_) => Err(Error::Pairing("the client did not answer".to_owned())),
    }
}
