//! No test can overlook a broken rule.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{eventually, paired, server};
use whatsapp_rust::Jid;

/// A server that is not watched overlooks violations. This file, and the test that sees a start
/// refused, name the way to make one.
const EXCEPTIONS: [&str; 2] = ["watched.rs", "trouble.rs"];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("dir") {
        let path = entry.expect("entry").path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_server_of_a_test_is_watched() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&here.join("tests"), &mut found);
    sources(here.parent().expect("tests"), &mut found);
    found.retain(|path| !path.starts_with(here.join("src")));
    assert!(found.len() > 10, "the sources are elsewhere: {found:?}");
    for path in found {
        let name = path.file_name().expect("name");
        if EXCEPTIONS.iter().any(|exception| name == *exception) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("text");
        assert!(
            !text.contains("FakeWhatsApp::start"),
            "{}: start it with Watched::start",
            path.display()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "expected violations {}, but")]
async fn a_broken_rule_fails_its_test() {
    let server = server().await;
    let (ana, _) = paired(&server, "5511999990001", "Ana").await;
    ana.client
        .mark_as_read(&Jid::pn("5511888880001"), None, &["NEVER"])
        .await
        .expect("mark");
    server
        .add_contact("5511888880001", "Caio", false)
        .await
        .expect("contact");
    ana.client
        .mark_as_read(&Jid::pn("5511888880001"), None, &["NEVER"])
        .await
        .expect("mark");
    eventually("the violation", || async {
        !server.violations().await.is_empty()
    })
    .await;
    ana.stop().await;
}

#[tokio::test]
#[should_panic(expected = "expected violations {\"prekey-id-reused\"}, but")]
async fn a_violation_that_does_not_come_fails_its_test() {
    server().await.expects_violations(["prekey-id-reused"]);
}
