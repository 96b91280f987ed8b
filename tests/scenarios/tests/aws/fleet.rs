//! Several connectors on one deployment: sessions move between them, under traffic.

mod come_and_go;
mod cut_off;
mod outage;
mod town;
mod zombie;
